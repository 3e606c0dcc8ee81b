import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.js';
import { authorizationOf, basic, DRIVE_ID, emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { mustRun, waitUntil } from '../support/run-program.js';
import { findIssues, startBrowser, visit } from './browser.js';

const OPERATING = new URL('../../docs/OPERATING.md', import.meta.url);
const PROXIES = ['nginx', 'caddy'] as const;
/** Of all that proxies change where they take paths apart. */
const ODD = 'a%20b+c%2525%20%C3%A9%20%3F%23.txt';

let server: TestServer;
let browser: Browser;
let folder: string;
const urls = new Map<string, string>();
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'firn-below-'));
  server = await TestServer.start({ trustedProxies: ['127.0.0.1'] });
  browser = await startBrowser();
  for (const name of PROXIES) urls.set(name, await startProxy(name));
});
afterAll(async () => {
  await browser?.close();
  for (const child of children) {
    const end = once(child, 'exit');
    child.kill('SIGTERM');
    await end;
  }
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe.each(PROXIES)('client L — Firn below a path, by OPERATING’s example for %s', (name) => {
  const at = () => urls.get(name)!;
  const drive = () => `${at()}/dav/${DRIVE_ID}`;
  const send = (method: string, url: string, headers: Record<string, string> = {}, body?: string) =>
    fetch(url, { method, headers: { Authorization: authorizationOf('alice'), ...headers }, body: body ?? null });

  test('client L — PUT, PROPFIND, MOVE and GET of odd names, by curl', async () => {
    const own = ['-sS', '-f', '-u', `${emailOf('alice')}:${PASSWORD}`];
    await mustRun('curl', [...own, '-X', 'MKCOL', `${drive()}/${name}/`]);
    await mustRun('curl', [...own, '-T', '-', `${drive()}/${name}/${ODD}`], { input: 'odd' });
    const listed = await mustRun('curl', [...own, '-X', 'PROPFIND', '-H', 'Depth: 1', `${drive()}/${name}/`]);
    expect(listed).toContain(`<D:href>/firn/dav/${DRIVE_ID}/${name}/</D:href>`);
    const [, href] = /<D:href>([^<]+\.txt)<\/D:href>/.exec(listed) ?? [];
    expect(await mustRun('curl', [...own, new URL(href!, at()).href])).toBe('odd');
    const moved = ['-X', 'MOVE', '-H', `Destination: ${drive()}/${name}/moved%20${ODD}`, `${drive()}/${name}/${ODD}`];
    await mustRun('curl', [...own, ...moved]);
    expect(await mustRun('curl', [...own, `${drive()}/${name}/moved%20${ODD}`])).toBe('odd');
    expect((await send('PUT', `${drive()}/no%2Fname`, {}, 'x')).status, 'not taken apart by the proxy').toBe(400);
  });

  test('client L — rclone copies, moves and checks, at a drive’s address and at Nextcloud’s', async () => {
    const files = path.join(folder, `files-${name}`);
    await mkdir(path.join(files, 'in'), { recursive: true });
    await writeFile(path.join(files, 'in', 'é +%.txt'), 'one');
    await writeFile(path.join(files, 'large.bin'), Buffer.alloc(3_000_000, 7));
    const secret = (await mustRun('rclone', ['obscure', PASSWORD])).trim();
    for (const [vendor, url] of [
      ['other', `${drive()}/`],
      ['owncloud', `${at()}/remote.php/webdav`],
    ] as const) {
      const remote = ['--config', path.join(folder, 'none'), '--webdav-url', url, '--webdav-vendor', vendor];
      const login = ['--webdav-user', emailOf('alice'), '--webdav-pass', secret];
      const rclone = (...parameters: string[]) => mustRun('rclone', [...parameters, ...remote, ...login]);
      await rclone('copy', files, `:webdav:${vendor}-${name}`);
      await rclone('check', '--download', files, `:webdav:${vendor}-${name}`);
      await rclone('moveto', `:webdav:${vendor}-${name}/in`, `:webdav:${vendor}-${name}/moved`);
      expect(await rclone('cat', `:webdav:${vendor}-${name}/moved/é +%.txt`)).toBe('one');
    }
  });

  test('client L — the login flow leads through its pages to an app password for this address', async () => {
    const flow = (await (await fetch(`${at()}/index.php/login/v2`, { method: 'POST' })).json()) as {
      login: string;
      poll: { token: string; endpoint: string };
    };
    const { page, context, defects } = await visit(browser, at());
    await page.goto(flow.login);
    await page.getByLabel(/mail/i).fill(emailOf('alice'));
    await page.getByLabel(/password/i).fill(PASSWORD);
    await page.getByRole('button').first().click();
    await page.getByRole('button', { name: /Allow|Grant/ }).click();
    await page
      .getByText(/can close|connected|go back/i)
      .first()
      .waitFor();
    const polled = await fetch(flow.poll.endpoint, {
      method: 'POST',
      body: new URLSearchParams({ token: flow.poll.token }),
    });
    const granted = (await polled.json()) as { server: string; loginName: string; appPassword: string };
    expect(granted.server).toBe(at());
    const authorization = basic(granted.loginName, granted.appPassword);
    const listed = await send('PROPFIND', `${granted.server}/remote.php/webdav/`, {
      Authorization: authorization,
      Depth: '0',
    });
    expect([listed.status, await listed.text()]).toEqual([207, expect.stringContaining('/firn/remote.php/webdav/')]);
    expect(defects).toEqual([]);
    await context.close();
  });

  test('client L — the console: signing in, files, an upload, a download, a link by its address', async () => {
    const { page, context, defects } = await visit(browser, at());
    await page.goto(`${at()}/`);
    expect(new URL(page.url()).pathname).toBe('/firn/console/');
    await page.getByLabel('E-mail address').fill(emailOf('alice'));
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('grid').waitFor();
    expect(new URL(page.url()).pathname).toBe(`/firn/console/files/${DRIVE_ID}/`);
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      (async () => {
        await page.getByRole('button', { name: 'Upload', exact: true }).click();
        await page.getByRole('menuitem', { name: 'Upload files' }).click();
      })(),
    ]);
    await chooser.setFiles({ name: `up-${name}.txt`, mimeType: 'text/plain', buffer: Buffer.from('sent by a page') });
    await page.getByRole('heading', { name: '1 file uploaded' }).waitFor();
    expect(await (await send('GET', `${drive()}/up-${name}.txt`)).text()).toBe('sent by a page');
    await page
      .getByRole('row')
      .filter({ hasText: `up-${name}.txt` })
      .dblclick();
    await page.getByText('sent by a page').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await page.getByRole('link', { name: 'Connect' }).click();
    await page.getByText(`${drive()}/`, { exact: true }).first().waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Connect', level: 1 }).waitFor();
    expect(await findIssues(page)).toEqual([]);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ path: '/firn/', httpOnly: true, sameSite: 'Strict' });
    expect(defects).toEqual([]);
    await context.close();
  });
});

/** The example of OPERATING.md, on loopback and without TLS; gives the address below which Firn is. */
async function startProxy(name: (typeof PROXIES)[number]): Promise<string> {
  const port = await freePort();
  const home = path.join(folder, name);
  await mkdir(home, { recursive: true });
  const example = (await exampleOf(name === 'nginx' ? 'nginx' : 'caddyfile')).replaceAll(
    '127.0.0.1:8080',
    `127.0.0.1:${server.port}`,
  );
  const file = path.join(home, 'proxy.conf');
  const configuration = name === 'nginx' ? nginxOf(example, port, home) : caddyOf(example, port);
  await writeFile(file, configuration);
  const parameters =
    name === 'nginx'
      ? ['-c', file, '-e', path.join(home, 'error.log')]
      : ['run', '--config', file, '--adapter', 'caddyfile'];
  const env = { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home };
  children.push(spawn(name, parameters, { stdio: 'ignore', env }));
  const url = `http://127.0.0.1:${port}/firn`;
  await waitUntil(`${name} answers`, () =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return url;
}

async function exampleOf(language: string): Promise<string> {
  const [, section = ''] = (await readFile(OPERATING, 'utf8')).split('\n### Below a path\n');
  const [, example] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(section) ?? [];
  if (example === undefined) throw new Error(`OPERATING.md has no example for ${language}`);
  return example;
}

function nginxOf(example: string, port: number, home: string): string {
  const plain = example
    .replace(/listen 443.*/, `listen 127.0.0.1:${port};`)
    .replace(/server_name.*/, '')
    .replace(/ssl_.*/g, '');
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${home}/${one};`);
  return `daemon off;\npid ${home}/nginx.pid;\nevents {}\nhttp {\naccess_log off;\n${paths.join('\n')}\n${plain}\n}\n`;
}

function caddyOf(example: string, port: number): string {
  return `{\n\tadmin off\n\tauto_https off\n}\n${example.replace('nas.example', `http://127.0.0.1:${port}`)}`;
}
