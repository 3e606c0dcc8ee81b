import { access } from 'node:fs/promises';
import axe, { type AxeResults } from 'axe-core';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Debian's; `npm test` installs it. */
const PROGRAM = '/usr/bin/chromium';
/** Of an expectation or a click, in milliseconds: two cores run a server, a browser and other suites. */
const PATIENCE_MS = 20_000;

/** Debian's Chromium without a window. */
export async function startBrowser(): Promise<Browser> {
  await access(PROGRAM).catch(() => {
    throw new Error(`${PROGRAM} is missing: npm test as root installs it, or: apt-get install chromium`);
  });
  // As root Chromium has no sandbox; it sees nothing but our own pages.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: PROGRAM, args: [...args, '--disable-dev-shm-usage'] });
}

const SETTLING_FRAMES = 6;
/** All that another theme can break. */
const COLORS_ALONE = { runOnly: ['color-contrast'] };

/** A browser of its own, with nobody signed in, and what went wrong in its pages. */
export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Uncaught errors, and what the policy of the pages stopped: defects. */
  readonly defects: string[];
}

/** A new browser profile on `url`, in English. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({
    baseURL: url,
    locale: 'en-US',
    viewport: { width: 1440, height: 900 },
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const defects: string[] = [];
  page.on('pageerror', (error) => defects.push(error.stack ?? error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) defects.push(message.text());
  });
  return { context, page, defects };
}

/** The first step, from wherever the page leads who is signed out. */
export async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.goto('/console/');
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

export async function signOut(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: new RegExp(name) }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
}

/** Gives the page a theme, and waits until all of it has it. */
export async function showIn(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  // Inherited colors change one level a frame, even where motion is reduced.
  for (let frame = 0; frame < SETTLING_FRAMES; frame++) await page.evaluate('new Promise(requestAnimationFrame)');
}

/** What axe-core finds on the page as it is, in both themes, as `theme: impact rule: where`. */
export async function findIssues(page: Page): Promise<string[]> {
  const issues: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await showIn(page, colorScheme);
    await page.evaluate(axe.source);
    const options = { resultTypes: ['violations'], ...(colorScheme === 'dark' ? COLORS_ALONE : {}) };
    const { violations } = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
    for (const { id, impact, nodes } of violations) {
      issues.push(
        ...nodes.map(({ target, failureSummary }) => `${colorScheme}: ${impact} ${id}: ${target}: ${failureSummary}`),
      );
    }
  }
  return issues;
}
