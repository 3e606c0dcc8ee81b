import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../support/http-client.js';
import { emailOf, PASSWORD, TestServer } from '../support/make-server.js';

const PUBLIC = 'https://files.example.org';
let plain: TestServer;
let proxied: TestServer;
let named: TestServer;
beforeAll(async () => {
  plain = await TestServer.start();
  proxied = await TestServer.start({ trustedProxies: ['127.0.0.0/8'] });
  named = await TestServer.start({ publicUrl: `${PUBLIC}/` });
});
afterAll(() => Promise.all([plain, proxied, named].map((server) => server?.stop())));

const signIn = (server: TestServer, headers: Record<string, string>): Promise<Answer> =>
  server.send('POST', '/api/session', {
    headers: { 'Content-Type': 'application/json', Host: 'files.example.org', ...headers },
    body: JSON.stringify({ email: emailOf('alice'), password: PASSWORD }),
  });
const TLS = { 'X-Forwarded-Proto': 'https' };

describe('only the console’s own pages change something (CSRF)', () => {
  test.each([
    'https://evil.example',
    'null',
    '',
    'http://files.example.org.evil.example',
    'http://files.example.org@evil.example',
    'http://files.example.org:81',
    'http://sub.files.example.org',
    'https://files.example.org',
    'HTTP://FILES.EXAMPLE.ORG/',
  ])('a page of %j is none', async (Origin) => {
    const { status, text, headers } = await signIn(plain, { Origin });
    expect([status, JSON.parse(text).error.kind, headers['set-cookie']]).toEqual([403, 'forged', undefined]);
  });

  test('nor is one whose origin stands in a header of a proxy', async () => {
    for (const server of [plain, proxied, named]) {
      const { status } = await signIn(server, { Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example' });
      expect(status).toBe(403);
    }
  });

  test('nor is one of which the browser says that it is from elsewhere', async () => {
    expect((await signIn(plain, { 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403);
    expect(
      (await signIn(plain, { 'Sec-Fetch-Site': 'same-site', Origin: 'http://files.example.org:8081' })).status,
    ).toBe(403);
    expect((await signIn(plain, { 'Sec-Fetch-Site': 'same-origin', Origin: 'http://files.example.org' })).status).toBe(
      201,
    );
  });

  test('PRODUCT A5 — behind a trusted proxy with TLS the origin is https, and the cookie is for TLS alone', async () => {
    const { status, headers } = await signIn(proxied, { ...TLS, Origin: PUBLIC });
    expect(status).toBe(201);
    const [cookie = ''] = headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^__Host-firn-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
    expect((await signIn(proxied, { ...TLS, Origin: 'http://files.example.org' })).status).toBe(403);
    const value = cookie.split(';')[0]!.split('=')[1]!;
    const stageOf = async (Cookie: string) =>
      JSON.parse((await proxied.send('GET', '/api/session', { headers: { ...TLS, Cookie } })).text).stage;
    expect(await stageOf(`__Host-firn-session=${value}`)).toBe('full');
    // A page without TLS can set that one.
    expect(await stageOf(`firn-session=${value}`)).toBe('signed-out');
  });

  test('what a proxy says that nobody trusts makes neither the origin nor the cookie', async () => {
    const refused = await signIn(plain, { ...TLS, Origin: PUBLIC });
    expect([refused.status, JSON.parse(refused.text).error]).toEqual([
      403,
      { kind: 'untrusted-proxy', message: expect.stringContaining('trustedProxies') },
    ]);
    const { text: forged } = await signIn(plain, { ...TLS, Origin: 'https://evil.example' });
    expect(JSON.parse(forged).error.kind).toBe('forged');
    const { status, headers } = await signIn(plain, { ...TLS, Origin: 'http://files.example.org' });
    expect([status, headers['set-cookie']?.[0]]).toEqual([201, expect.stringMatching(/^firn-session=/)]);
  });

  test('pages at publicUrl are the console’s own, whatever Host the proxy sends', async () => {
    expect((await signIn(named, { Origin: PUBLIC, Host: 'firn:8080' })).status).toBe(201);
    expect((await signIn(named, { Origin: 'http://firn:8080', Host: 'firn:8080' })).status).toBe(201);
    expect((await signIn(named, { Origin: 'https://evil.example', Host: 'firn:8080' })).status).toBe(403);
  });

  test('errors are no pages either', async () => {
    const { headers } = await signIn(plain, { Origin: 'null' });
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect([headers['x-content-type-options'], headers['cache-control']]).toEqual(['nosniff', 'no-store']);
  });
});
