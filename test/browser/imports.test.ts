import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic, emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { SyntheticSource } from '../support/synthetic-source.js';
import { startThrottle } from '../support/throttle.js';
import { signIn, startBrowser, visit } from './browser.js';

const SECRET = 'only between the two of us';

let server: TestServer;
let browser: Browser;
beforeAll(async () => {
  server = await TestServer.start({ importAllowedNetworks: ['127.0.0.1'] });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

describe('an import in the browser', () => {
  test('the connection is tried first; progress is live; the report says what was left out; again takes what is new', async () => {
    const modified = new Date('2023-06-01T10:00:00Z');
    const photo = (letter: string) => ({ bytes: Buffer.alloc(400_000, letter), modified });
    const letters = [...'abcdefghij'];
    const source = await SyntheticSource.start(
      Object.fromEntries([
        ...letters.map((letter) => [`/dav/trip/${letter}.jpg`, photo(letter)]),
        ['/dav/list.txt', 'new'],
      ]),
    );
    let isOpen = false;
    source.meddle = ({ headers }, response) => {
      isOpen = headers.authorization === basic('anna', SECRET);
      if (!isOpen) response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="there"' }).end();
      return !isOpen;
    };
    const slow = await startThrottle(Number(new URL(source.url).port));
    await server.as('alice')('PUT', '/list.txt', { body: 'mine' });

    const { page, defects } = await visit(browser, `http://127.0.0.1:${server.port}`);
    await signIn(page, emailOf('alice'), PASSWORD);
    await page.getByRole('link', { name: 'Import' }).click();
    await page.getByRole('button', { name: 'New import' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Address of the WebDAV folder').fill(`http://127.0.0.1:${slow.port}/dav/`);
    await dialog.getByLabel('User name there').fill('anna');
    await dialog.getByLabel('Password there').fill('a guess');
    await dialog.getByRole('button', { name: 'Test the connection' }).click();
    await dialog.getByText('The source refuses the user name or the password.').waitFor();
    await dialog.getByLabel('Password there').fill(SECRET);
    await dialog.getByRole('button', { name: 'Test the connection' }).click();
    await dialog.getByText('The connection works').waitFor();
    await dialog.getByText('At the top: folders 1, files 1, 3 bytes.').waitFor();
    expect(source.gets(), 'a test takes nothing').toEqual([]);

    slow.speed = 500_000;
    await dialog.getByRole('button', { name: 'Start the import' }).click();
    await page.getByText('Running', { exact: true }).waitFor();
    await page.getByText(/of 11 files · .*\/s/).waitFor();
    const bar = page.getByRole('progressbar', { name: 'Import' });
    await expect
      .poll(async () => Number(await bar.getAttribute('aria-valuenow')), { timeout: 20_000 })
      .toBeGreaterThan(0);
    slow.speed = Number.POSITIVE_INFINITY;
    await page.getByText('Done, with gaps').waitFor();
    await page.getByText('10 taken · 1 left out').waitFor();
    expect((await server.as('alice')('GET', '/trip/j.jpg')).headers['last-modified']).toBe(modified.toUTCString());
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Report (CSV)' }).click(),
    ]);
    const report = await readFile(await download.path(), 'utf8');
    expect(report.trim().split('\r\n')).toEqual([
      expect.stringContaining('path,outcome'),
      expect.stringMatching(/^\/list\.txt,skipped,/),
    ]);

    source.files.set('/dav/trip/k.jpg', photo('k'));
    await page.getByRole('button', { name: 'Import again' }).click();
    await dialog.getByLabel('Password there').fill(SECRET);
    await dialog.getByRole('button', { name: 'Test the connection' }).click();
    await dialog.getByRole('button', { name: 'Start the import' }).click();
    await page.getByText('1 taken · 10 unchanged · 1 left out').waitFor();
    expect(await page.content()).not.toContain(SECRET);
    expect(defects).toEqual([]);
    await slow.stop();
  });
});
