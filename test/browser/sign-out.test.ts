import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { signIn, signOut, startBrowser, type Visitor, visit } from './browser.js';

/** What of one person's uploads is on the page: the panel, its lines, the toasts. */
const TAKEN = 'diary of hers.txt';
const GONE = 'letter of hers.txt';

let server: TestServer;
let browser: Browser;
let visitor: Visitor;
let page: Page;
/** Each request that could have sent or changed a file, since the other person came. */
let changes: string[];

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});
beforeEach(async () => {
  const alice = server.as('alice');
  await alice('PUT', `/${encodeURIComponent(TAKEN)}`, { body: 'what was there' });
  await alice('PUT', `/${encodeURIComponent(GONE)}`, { body: 'Dear Bob' });
  visitor = await visit(browser, `http://127.0.0.1:${server.port}`);
  page = visitor.page;
  changes = [];
  visitor.context.on('request', (request) => {
    if (!['GET', 'HEAD'].includes(request.method()) && !/\/api\/session/.test(request.url())) {
      changes.push(`${request.method()} ${new URL(request.url()).pathname}`);
    }
  });
  await signIn(page, emailOf('alice'), PASSWORD);
  await page.getByRole('grid').waitFor();
});
afterEach(async () => {
  expect(visitor.defects).toEqual([]);
  await visitor.context.close();
});

describe('console B1 — what one person left on the page is gone with the session', () => {
  test('console B1 — after a sign-out by the menu the next person sees no upload and no undo of the last', async () => {
    await leaveTraces();
    await signOut(page, 'alice');
    await nothingLeft();
    changes = [];
    await page.getByLabel('E-mail address').fill(emailOf('bob'));
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: /bob/ }).waitFor();
    await nothingLeft();
    expect(changes, 'nothing of hers goes out in the name of bob').toEqual([]);
    expect(await page.evaluate('JSON.stringify(localStorage)'), 'nor is it kept in the browser').not.toMatch(
      /alice|hers/,
    );
  });

  test('console B1 — a sign-out while files are sent asks first, then stops them', async () => {
    await visitor.context.route('**/api/drives/*/uploads**', () => {});
    await upload([{ name: 'slow of hers.bin', mimeType: 'text/plain', buffer: Buffer.alloc(100_000) }]);
    await page.getByRole('progressbar', { name: 'slow of hers.bin' }).waitFor();
    const stopped = new Promise((resolve) =>
      page.on('requestfailed', (request) => request.url().includes('/uploads') && resolve(request)),
    );
    await page.getByRole('button', { name: /alice/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    const question = page.getByRole('dialog', { name: 'Sign out while files are being uploaded?' });
    await question.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('progressbar', { name: 'slow of hers.bin' }).waitFor();
    await page.getByRole('button', { name: /alice/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await question.getByRole('button', { name: 'Sign out' }).click();
    await stopped;
    await nothingLeft();
  });

  test('console B1 — a session that ended elsewhere takes uploads and undo with it, at the first thing that is tried', async () => {
    await leaveTraces();
    await endSessions('alice');
    await page.getByRole('button', { name: 'Keep both' }).click();
    await nothingLeft();
    expect((await server.as('alice')('GET', `/${encodeURIComponent('diary of hers (2).txt')}`)).status).toBe(404);
  });

  test('console B1 — a sign-out in another tab is noticed by this one', async () => {
    await leaveTraces();
    const other = await visitor.context.newPage();
    await other.goto('/console/');
    await signOut(other, 'alice');
    await nothingLeft();
  });

  test('console B1 — another person who signs in by another tab takes over this one, without what was on it', async () => {
    await leaveTraces();
    const other = await visitor.context.newPage();
    await visitor.context.clearCookies();
    await signIn(other, emailOf('bob'), PASSWORD);
    await page.getByRole('button', { name: /bob/ }).waitFor();
    await nothingLeft();
    expect(changes).toEqual([]);
  });

  test('console B1 — a page that learned of nothing does nothing in the name of who signed in meanwhile', async () => {
    await leaveTraces();
    await visitor.context.clearCookies();
    const address = `http://127.0.0.1:${server.port}/api/session`;
    const made = await visitor.context.request.post(address, { data: { email: emailOf('bob'), password: PASSWORD } });
    expect(made.status()).toBe(201);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: /bob/ }).waitFor();
    await nothingLeft();
    expect(
      changes.filter((one) => one.endsWith('/restore')),
      'refused by the old token, and not tried again',
    ).toHaveLength(1);
    expect((await server.as('alice')('GET', `/${encodeURIComponent(GONE)}`)).status, 'not undone by bob').toBe(404);
  });

  test('console B1 — the way back in the browser’s history shows nothing of the last person', async () => {
    await leaveTraces();
    await page.getByRole('link', { name: 'Trash' }).click();
    await page.getByRole('heading', { name: 'Trash', level: 1 }).waitFor();
    await signOut(page, 'alice');
    await page.goBack();
    await nothingLeft();
  });
});

/** An upload that waits for an answer, and something that can be undone. */
async function leaveTraces(): Promise<void> {
  await upload([{ name: TAKEN, mimeType: 'text/plain', buffer: Buffer.from('private') }]);
  await page.getByRole('button', { name: 'Keep both' }).waitFor();
  await page.getByRole('row').filter({ hasText: GONE }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('button', { name: 'Undo' }).waitFor();
  changes = [];
}

async function upload(files: { name: string; mimeType: string; buffer: Buffer }[]): Promise<void> {
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    (async () => {
      await page.getByRole('button', { name: 'Upload', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Upload files' }).click();
    })(),
  ]);
  await chooser.setFiles(files);
}

/** The sign-in, or another person's page, with no word of the last person's on it. */
async function nothingLeft(): Promise<void> {
  await page.getByRole('heading', { name: 'Welcome back' }).or(page.getByRole('grid')).first().waitFor();
  await expect.poll(() => page.locator('body').textContent()).not.toMatch(/of hers|Keep both|Undo/);
}

/** As by "sign out all others" from another browser. */
async function endSessions(name: string): Promise<void> {
  const user = await server.stores.accounts.findUser(emailOf(name));
  await server.stores.security.endSessions(user!.id, null);
}
