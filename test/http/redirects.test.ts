import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConsoleClient } from '../support/console-client.js';
import { grantOf, LoginClient } from '../support/login-client.js';
import { PASSWORD, TestServer } from '../support/make-server.js';
import { TusClient } from '../support/tus-client.js';

/** What proxies and frameworks take a host or an address from. */
const FORWARDED = {
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Server': 'evil.example',
  'X-Host': 'evil.example',
  'X-Original-Host': 'evil.example',
  'X-Original-URL': 'https://evil.example/',
  'X-Rewrite-URL': 'https://evil.example/',
  Forwarded: 'host=evil.example;proto=https',
};
const BROWSER = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

let server: TestServer;
beforeAll(async () => {
  // The proxy is believed in what it may say: the host is none of that.
  server = await TestServer.start({ trustedProxies: ['127.0.0.0/8'] });
});
afterAll(() => server.stop());

describe('open redirect: no address and no header leads elsewhere', () => {
  test.each([
    '/',
    '//evil.example',
    '//evil.example/',
    '//evil.example/%2e%2e',
    '/\\evil.example/',
    '/%5cevil.example/',
    '/%2f%2fevil.example/',
    '/.evil.example',
    '/@evil.example/',
    '/console',
    '/console//evil.example/',
    '/console/..//evil.example/',
    '/console/%2f%2fevil.example',
    '/console?next=//evil.example/',
    '/?next=https://evil.example/&url=//evil.example&redirect=https:evil.example',
    '/console/sign-in?return=https://evil.example/',
    '/dav',
    '/dav/123456//evil.example/',
    '/index.php/login/flow?redirect_url=https://evil.example/&server=https://evil.example',
    '/index.php/login/v2/flow/x?redirect_url=//evil.example/',
    '/index.php//evil.example/',
    '/remote.php//evil.example/',
    '/status.php?url=//evil.example',
    '/api/session?next=//evil.example/',
  ])('%s', async (target) => {
    for (const headers of [BROWSER, { ...BROWSER, ...FORWARDED }]) {
      const answer = await server.send('GET', target, { headers });
      const { location, refresh, link } = answer.headers;
      expect([refresh, link]).toEqual([undefined, undefined]);
      expect(answer.text).not.toMatch(/http-equiv|(?:href|src|action)="[^"]*evil/i);
      if (answer.status < 300 || answer.status > 399) expect(location).toBeUndefined();
      if (location === undefined) continue;
      const here = `http://127.0.0.1:${server.port}`;
      const to = new URL(location, `${here}${target.startsWith('//') ? '/' : target}`);
      expect([to.origin, to.href.includes('evil')]).toEqual([here, false]);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });

  test('a whole address in place of the path leads nowhere but to its own', async () => {
    for (const target of ['http://evil.example/', 'https://evil.example//evil.example/', 'http://evil.example/dav']) {
      const { headers } = await server.send('GET', target, { headers: BROWSER });
      expect([undefined, '/console/']).toContain(headers.location);
    }
  });

  test('signing in answers with no address to go to', async () => {
    const client = new ConsoleClient(server);
    const body = { email: 'alice@example.org', password: PASSWORD };
    const answer = await client.send('POST', '/api/session?next=https://evil.example/', body, FORWARDED);
    expect([answer.status, answer.headers.location]).toEqual([201, undefined]);
    expect(answer.text).not.toContain('evil');
  });
});

describe('addresses in answers never come from X-Forwarded-Host or its like', () => {
  test('of the login flow, to its end', async () => {
    const client = new LoginClient(server, { headers: FORWARDED });
    const flow = await client.start();
    expect(JSON.stringify(flow)).not.toContain('evil');
    const page = await client.signIn(flow.login);
    expect(page.text).not.toContain('evil');
    await client.post(flow.login, { grant: grantOf(page.text), drive: '123456' });
    const { server: address } = JSON.parse((await client.poll(flow)).text);
    expect(address).toBe(`http://127.0.0.1:${server.port}`);
  });

  test('of drives in the console, and of uploads', async () => {
    const client = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
    const drives = await client.send('GET', '/api/drives', undefined, FORWARDED);
    expect([drives.status, drives.text.includes('evil')]).toEqual([200, false]);
    const upload = await new TusClient(server, 10).create('x', { folder: '/', headers: FORWARDED });
    expect([upload.status, upload.headers.location]).toEqual([201, expect.not.stringContaining('evil')]);
  });
});

describe('with publicUrl a Host that somebody has made up is in no address', () => {
  test('of the login flow and of drives', async () => {
    const behind = await TestServer.start({ publicUrl: 'https://files.example.org' });
    try {
      const headers = { Host: 'evil.example' };
      const flow = await new LoginClient(behind, { headers }).start();
      expect(flow.login).toMatch(/^https:\/\/files\.example\.org\/index\.php\//);
      const begun = await behind.send('GET', '/index.php/login/flow', { headers });
      expect(begun.headers.location).toMatch(/^https:\/\/files\.example\.org\/index\.php\//);
      const client = await ConsoleClient.signedIn(behind, 'alice', PASSWORD);
      const { status, text } = await client.send('GET', '/api/drives', undefined, headers);
      expect([status, text.includes('evil')]).toEqual([200, false]);
    } finally {
      await behind.stop();
    }
  });
});
