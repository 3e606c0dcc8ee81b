import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DRIVE_ID, TestServer } from '../support/make-server.js';

const DESKTOP = 'Mozilla/5.0 (Linux) mirall/3.7.3-1+deb12u1 (Nextcloud, debian-6.1.0-18-amd64)';
const HOST = { Host: `${DRIVE_ID}.connect.example.org` };

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

const asked = (method: string, target: string, headers: Record<string, string> = {}) =>
  server.send(method, target, { headers: { 'User-Agent': DESKTOP, ...headers } });

/** What its sign-in asks first; a 401 to the GET has it ask for user and password in a window of its own. */
const ADDRESSES: [string, string, Record<string, string>][] = [
  ['a drive’s own host', '/', HOST],
  ['a drive’s path', `/dav/${DRIVE_ID}/`, {}],
  ['a drive’s path without its slash', `/dav/${DRIVE_ID}`, {}],
  ['the bare host', '/', {}],
];

describe('client H — Nextcloud desktop is shown the page in the browser, at every address of a drive', () => {
  test.each(ADDRESSES)(
    'client H — at %s its bare GET is no 401, and the login flow is there',
    async (_, target, headers) => {
      const { status, headers: answer } = await asked('GET', target, headers);
      expect([status, answer['www-authenticate']]).toEqual([200, undefined]);
      const flow = await asked('POST', `${target.replace(/\/$/, '')}/index.php/login/v2`, headers);
      expect(flow.status).toBe(200);
      expect(JSON.parse(flow.text)).toHaveProperty('login');
    },
  );

  test('client H — a drive that does not exist looks the same', async () => {
    const [there, not] = [await asked('GET', `/dav/${DRIVE_ID}/`), await asked('GET', '/dav/999999/')];
    expect([there.status, there.text]).toEqual([not.status, not.text]);
    expect(there.headers['cache-control'], 'the same address is a 401 to others').toBe('no-store');
  });

  const path = `/dav/${DRIVE_ID}/`;
  test.each([
    ['PROPFIND', path, DESKTOP, {}],
    ['GET', `${path}file.txt`, DESKTOP, {}],
    ['GET', `${path}remote.php/webdav/`, DESKTOP, {}],
    ['PUT', `${path}`, DESKTOP, {}],
    ['GET', path, 'Mozilla/5.0 (Linux) mirall/2.11.0.8354 (ownCloud, debian-6.1.0)', {}],
    ['GET', path, 'Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0', {}],
    ['GET', path, 'curl/8.0', {}],
    ['GET', path, DESKTOP, { Authorization: 'Basic YTpi' }],
  ])('client H — %s %s by %s stays 401', async (method, target, agent, headers) => {
    const { status, headers: answer } = await asked(method, target, { 'User-Agent': agent, ...headers });
    expect(status).toBe(401);
    expect(answer['www-authenticate']).toMatch(/^Basic /);
  });
});
