/** Builds dist/ once, where it is stale, before the suites that boot the real server start in parallel. */
export default async function setup(): Promise<void> {
  const program = new URL('../../scripts/prepare.js', import.meta.url).href;
  const { ensureBuild } = (await import(program)) as { ensureBuild: () => void };
  ensureBuild();
}
