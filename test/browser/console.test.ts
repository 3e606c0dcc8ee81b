import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { totpCode } from '../../src/accounts/totp.js';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { freePort } from '../support/free-port.js';
import { basic } from '../support/make-server.js';
import { findIssues, signIn, signOut, startBrowser, type Visitor, visit } from './browser.js';

const NAME = 'Ada Lovelace';
const PASSWORD = 'eleven quiet mountain lakes';
const USER = { email: 'grace@example.org', name: 'Grace Hopper', password: 'seven tall green lanterns' };
const LARGE_BYTES = 300_000_000;
/** So that the server's end comes in the middle of an upload, bytes a second. */
const SLOW_UPLOAD = 60_000_000;
/** A TOTP step: the code of the next one counts already. */
const STEP_MS = 30_000;

let server: BootedServer;
let browser: Browser;
let folder: string;
let admin: Visitor;
let page: Page;

// What one test finds out and the next ones need: it is one story.
let driveId = '';
let appPassword = '';
let totpSecret = '';
let recoveryCodes: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'firn-browser-'));
  // A page stays at its address while the server ends and comes back.
  server = await bootServer({ isNew: true, environment: { FIRN_PORT: String(await freePort()) } });
  browser = await startBrowser();
  admin = await visit(browser, server.url);
  page = admin.page;
});
afterAll(async () => {
  await browser?.close();
  await server?.remove();
  await rm(folder, { recursive: true, force: true });
});

describe('the console in a browser, from the first start', () => {
  test('a first start leads through: administrator, first drive, first device', async () => {
    await page.goto('/');
    expect(new URL(page.url()).pathname).toBe('/console/');
    await signIn(page, server.user, server.password);

    await page.getByRole('heading', { name: 'Welcome to your new Firn' }).waitFor();
    expect(await findIssues(page)).toEqual([]);
    await page.getByLabel('Your name').fill(NAME);
    await page.getByLabel('The password that the server printed').fill(server.password);
    await page.getByLabel('Your own password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Continue' }).click();

    await page.getByRole('heading', { name: 'Name your first drive' }).waitFor();
    expect(await findIssues(page)).toEqual([]);
    await page.getByLabel('Name of the drive').fill('Photos');
    await page.getByRole('button', { name: 'Continue' }).click();

    await page.getByRole('heading', { name: 'Connect your first device' }).waitFor();
    driveId = server.driveId;
    await page.getByText(`${server.url}/dav/${driveId}/`, { exact: true }).waitFor();
    expect(await findIssues(page)).toEqual([]);
    await page.getByRole('button', { name: 'Show me how' }).click();
    await page.getByRole('heading', { name: 'Connect', level: 1 }).waitFor();
    expect(await propfind(server.user, server.password)).toMatchObject({ status: 401 });
    expect(await propfind(server.user, PASSWORD)).toMatchObject({ status: 207 });
  });

  test('an app password for a device is one click', async () => {
    await page.getByRole('tab', { name: 'rclone' }).click();
    await page.getByRole('button', { name: 'Make an app password for this device' }).click();
    const device = page.locator('.device');
    await device.getByText('It is shown this once', { exact: false }).waitFor();
    appPassword = (await device.locator('code').last().textContent()) ?? '';
    expect(await propfind(server.user, appPassword)).toMatchObject({ status: 207 });
  });

  test('with 2FA on, WebDAV refuses the account password, says why, and takes the app password', async () => {
    await page.getByRole('link', { name: 'Security' }).click();
    await page.getByRole('button', { name: 'Set up an authenticator' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('img', { name: 'QR code for the authenticator' }).waitFor();
    totpSecret = ((await dialog.locator('code').textContent()) ?? '').replace(/\s/g, '');
    await dialog.getByLabel('Then enter the code that it shows').fill('000000');
    await dialog.getByRole('button', { name: 'Turn on' }).click();
    await dialog.getByRole('alert').waitFor();
    expect((await propfind(server.user, PASSWORD)).status, 'pending until it is confirmed').toBe(207);

    await dialog.getByLabel('Then enter the code that it shows').fill(totpCode(totpSecret, Date.now()));
    await dialog.getByRole('button', { name: 'Turn on' }).click();
    await page.getByRole('heading', { name: 'Keep these recovery codes' }).waitFor();
    recoveryCodes = await dialog.getByRole('listitem').allTextContents();
    expect(new Set(recoveryCodes).size).toBe(10);
    expect(await findIssues(page)).toEqual([]);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      dialog.getByRole('button', { name: 'Download' }).click(),
    ]);
    expect((await readFile(await download.path(), 'utf8')).trim().split('\n')).toEqual(recoveryCodes);
    await dialog.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByText('An authenticator is set up. 10 recovery codes are left.').waitFor();

    const refused = await propfind(server.user, PASSWORD);
    expect(refused.status).toBe(401);
    expect(refused.text).toMatch(/app password/i);
    expect((await propfind(server.user, appPassword)).status).toBe(207);
  });

  test('signing in takes a code of the authenticator, and no code twice', async () => {
    const code = totpCode(totpSecret, Date.now() + STEP_MS);
    for (const isFirst of [true, false]) {
      await signOut(page, NAME);
      await signIn(page, server.user, PASSWORD);
      await page.getByLabel('Code from your authenticator').fill(code);
      await page.getByRole('button', { name: 'Continue' }).click();
      if (isFirst) await page.getByRole('button', { name: new RegExp(NAME) }).waitFor();
      else await page.locator('.notice').waitFor();
    }
    await page.getByRole('heading', { name: 'One more step' }).waitFor();
  });

  test('a recovery code opens once, and not twice', async () => {
    const enter = async (code: string) => {
      await page.getByRole('button', { name: 'Use a recovery code' }).click();
      await page.getByLabel('Recovery code', { exact: true }).fill(code);
      await page.getByRole('button', { name: 'Continue' }).click();
    };
    await enter(recoveryCodes[0]!);
    await page.getByRole('button', { name: new RegExp(NAME) }).waitFor();
    await signOut(page, NAME);
    await signIn(page, server.user, PASSWORD);
    await enter(recoveryCodes[0]!);
    await page.locator('.notice').waitFor();
    await page.getByRole('heading', { name: 'One more step' }).waitFor();
    await page.getByLabel('Recovery code', { exact: true }).fill(recoveryCodes[1]!);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: new RegExp(NAME) }).waitFor();
  });

  test('a folder with a file of 300 MB is uploaded, although the server ends in the middle', async () => {
    const hash = await makePhotos(path.join(folder, 'Norway'));
    await page.getByRole('link', { name: 'Files' }).click();
    await page.getByText('This folder is empty').or(page.getByRole('grid')).first().waitFor();
    const slow = await slowUploads(page, SLOW_UPLOAD);
    const offsets: number[] = [];
    page.on('request', (request) => {
      if (request.method() === 'PATCH') offsets.push(Number(request.headers()['upload-offset']));
    });
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      (async () => {
        await page.getByRole('button', { name: 'Upload', exact: true }).click();
        await page.getByRole('menuitem', { name: 'Upload a folder' }).click();
      })(),
    ]);
    await chooser.setFiles(path.join(folder, 'Norway'));
    const bar = page.getByRole('progressbar', { name: 'fjord.mov' });
    await expect
      .poll(async () => Number(await bar.getAttribute('aria-valuenow')), { timeout: 60_000 })
      .toBeGreaterThan(15);
    await server.kill();
    await page.getByText('No connection. Goes on by itself').first().waitFor();
    expect(Number(await bar.getAttribute('aria-valuenow'))).toBeLessThan(90);
    await slow.end();
    await server.restart();

    await page.getByRole('heading', { name: '4 files uploaded' }).waitFor({ timeout: 120_000 });
    expect(Math.max(...offsets), 'went on where it was').toBeGreaterThan(LARGE_BYTES / 20);
    const answer = await get('/Norway/day%201/fjord.mov');
    const received = createHash('sha256');
    for await (const chunk of answer.body!) received.update(chunk);
    expect(received.digest('hex')).toBe(hash);
    await page.getByRole('button', { name: 'Close' }).first().click();
    await row('Norway').dblclick();
    for (const name of ['day 1', 'list.txt', 'Ålesund.txt']) await row(name).waitFor();
  });

  test('an upload that is paused goes on when it is asked to', async () => {
    await writeFile(path.join(folder, 'paused.bin'), randomBytes(20_000_000));
    const slow = await slowUploads(page, 4_000_000);
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      (async () => {
        await page.getByRole('button', { name: 'Upload', exact: true }).click();
        await page.getByRole('menuitem', { name: 'Upload files' }).click();
      })(),
    ]);
    await chooser.setFiles(path.join(folder, 'paused.bin'));
    await page.getByRole('button', { name: 'Pause paused.bin' }).click();
    await page.getByText('Paused', { exact: true }).waitFor();
    expect((await get('/Norway/paused.bin')).status).toBe(404);
    await slow.end();
    await page.getByRole('button', { name: 'Resume paused.bin' }).click();
    await page.getByRole('heading', { name: '1 file uploaded' }).waitFor();
    expect((await get('/Norway/paused.bin', 'HEAD')).headers.get('content-length')).toBe('20000000');
    await page.locator('.uploads').getByRole('button', { name: 'Close' }).click();
  });

  test('rename, delete, undo', async () => {
    await row('list.txt').click();
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByLabel('New name').fill('What to pack.txt');
    await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
    await row('What to pack.txt').waitFor();
    expect((await get('/Norway/What%20to%20pack.txt')).status).toBe(200);

    await row('What to pack.txt').click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('“What to pack.txt” is in the trash').waitFor();
    await expect.poll(async () => (await get('/Norway/What%20to%20pack.txt')).status).toBe(404);
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await row('What to pack.txt').waitFor();
    expect((await get('/Norway/What%20to%20pack.txt')).status).toBe(200);
  });

  test('what is deleted comes back from the trash', async () => {
    await row('What to pack.txt').click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('“What to pack.txt” is in the trash').last().waitFor();
    await page.getByRole('link', { name: 'Trash' }).click();
    await row('What to pack.txt').click();
    await page.getByRole('button', { name: 'Restore' }).click();
    await page.getByText('Restored to', { exact: false }).waitFor();
    await page.getByText('The trash is empty').waitFor();
    const back = await get('/Norway/What%20to%20pack.txt');
    expect([back.status, await back.text()]).toEqual([200, 'A warm hat.\n']);
  });

  test('an app password that is revoked is refused from the next request on', async () => {
    expect((await propfind(server.user, appPassword)).status).toBe(207);
    await page.getByRole('link', { name: 'App passwords' }).click();
    await page.getByRole('button', { name: 'Revoke rclone on this device' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('is revoked. The device can’t sign in any more.', { exact: false }).waitFor();
    expect((await propfind(server.user, appPassword)).status).toBe(401);
  });

  test('an administrator requires 2FA of everyone, and a user is held to it', async () => {
    await server.firn('user', 'create', USER.email, '--name', USER.name);
    await page.getByRole('link', { name: 'Users' }).click();
    await page.getByRole('tab', { name: 'Without two-factor (1)' }).click();
    await page.getByRole('row', { name: new RegExp(USER.name) }).waitFor();
    await page.getByRole('button', { name: 'Require it of everyone' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Require it of everyone' }).click();
    await page.getByText('Two-factor authentication is required of everyone.').waitFor();
    await page.getByRole('button', { name: `Actions for ${USER.email}` }).click();
    await page.getByRole('menuitem', { name: 'Set a new password' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Set a new password' }).click();
    const password = (await page.getByRole('dialog').locator('code').textContent()) ?? '';

    const user = await visit(browser, server.url);
    await signIn(user.page, USER.email, password);
    await user.page.getByRole('heading', { name: 'Protect your account first' }).waitFor();
    for (const address of ['/console/app-passwords', '/console/security', `/console/files/${driveId}/`]) {
      await user.page.goto(address);
      await user.page.getByRole('heading', { name: 'Protect your account first' }).waitFor();
      expect(await user.page.getByRole('navigation').count(), address).toBe(0);
    }
    expect(await findIssues(user.page)).toEqual([]);
    const secret = ((await user.page.locator('code').textContent()) ?? '').replace(/\s/g, '');
    await user.page.getByLabel('Then enter the code that it shows').fill(totpCode(secret, Date.now()));
    await user.page.getByRole('button', { name: 'Turn on' }).click();
    await user.page.getByRole('button', { name: 'I have kept them' }).click();
    await user.page.getByRole('link', { name: 'Security' }).waitFor();
    expect(user.defects).toEqual([]);
    await user.context.close();
  });

  test('nothing went wrong in the pages meanwhile', () => {
    expect(admin.defects).toEqual([]);
  });
});

/** Of the list that the page shows. */
const row = (name: string) => page.getByRole('row').filter({ hasText: name });

/** A folder in a folder, a large file, and names beyond ASCII; gives the SHA-256 of the large one. */
async function makePhotos(place: string): Promise<string> {
  await mkdir(path.join(place, 'day 1'), { recursive: true });
  await writeFile(path.join(place, 'list.txt'), 'A warm hat.\n');
  await writeFile(path.join(place, 'Ålesund.txt'), 'Art nouveau.\n');
  await writeFile(path.join(place, 'day 1', 'empty.txt'), '');
  const large = Buffer.alloc(LARGE_BYTES, randomBytes(1_000_003));
  await writeFile(path.join(place, 'day 1', 'fjord.mov'), large);
  return createHash('sha256').update(large).digest('hex');
}

async function slowUploads(one: Page, bytesPerSecond: number): Promise<{ end(): Promise<void> }> {
  const tools = await one.context().newCDPSession(one);
  const limit = (uploadThroughput: number) =>
    tools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput,
    });
  await tools.send('Network.enable');
  await limit(bytesPerSecond);
  return { end: async () => void (await limit(-1)) };
}

async function propfind(user: string, password: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${server.url}/dav/${server.driveId}/`, {
    method: 'PROPFIND',
    headers: { Authorization: basic(user, password), Depth: '0' },
  });
  return { status: answer.status, text: await answer.text() };
}

function get(target: string, method = 'GET'): Promise<Response> {
  const headers = { Authorization: basic(server.user, appPassword) };
  return fetch(`${server.url}/dav/${server.driveId}${target}`, { method, headers });
}
