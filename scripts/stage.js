/** The stage of the cluster's tests, for programs: it is TypeScript, and Vite, which builds the pages, loads it. */
import { root } from './prepare.js';

/** `Cluster`, and what ends the loader once all is started. */
export async function loadStage() {
  const { createServer } = await import('vite');
  const loader = await createServer({
    root,
    configFile: false,
    appType: 'custom',
    logLevel: 'error',
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true },
  });
  const { Cluster } = await loader.ssrLoadModule('/test/support/cluster-stage.ts');
  return { Cluster, close: () => loader.close() };
}
