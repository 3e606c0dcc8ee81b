import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Audit } from '../../src/accounts/audit.js';
import { Authenticator } from '../../src/accounts/authenticator.js';
import { Passwords } from '../../src/accounts/passwords.js';
import { LoginFlows } from '../../src/cloud/login-flows.js';
import type { CloudAnswer, CloudRequest } from '../../src/cloud/request.js';
import { grantOf } from '../support/login-client.js';
import { emailOf, PASSWORD, TestServer } from '../support/make-server.js';

const MINUTE_MS = 60_000;
const LIFE_MS = 20 * MINUTE_MS;
let server: TestServer;
let authenticator: Authenticator;
let flows: LoginFlows;
let now = 0;

beforeAll(async () => {
  server = await TestServer.start();
  authenticator = new Authenticator(server.engines.accounts, new Passwords(), {
    audit: new Audit(server.engines.security),
    onError: (error) => {
      throw error;
    },
  });
});
afterAll(async () => {
  await authenticator.close();
  await server.stop();
});
beforeEach(() => {
  now = 1_000_000;
  flows = new LoginFlows({
    accounts: server.accounts,
    signIn: (credentials, remoteAddress, client) => authenticator.signIn(credentials, remoteAddress, client),
    verifyCode: async () => ({ kind: 'wrong' }),
    audit: new Audit(server.engines.security),
    drivesOf: (userId) => server.engines.accounts.drivesOf(userId),
    now: () => now,
  });
});

async function ask(
  method: string,
  path: string,
  form: Record<string, string> = {},
  from = '192.0.2.1',
): Promise<CloudAnswer> {
  const request: CloudRequest = {
    method,
    path,
    query: new URLSearchParams(),
    headers: { host: 'example.org' },
    address: 'https://example.org',
    remoteAddress: from,
    driveId: null,
    readForm: async () => new URLSearchParams(form),
  };
  const answer = await flows.answer(request);
  if (!answer) throw new Error(`${method} ${path} is nothing of the login flow`);
  return answer;
}
async function start(from?: string): Promise<{ page: string; token: string }> {
  const { login, poll } = JSON.parse((await ask('POST', '/index.php/login/v2', {}, from)).body!);
  return { page: new URL(login).pathname, token: poll.token };
}
const poll = (token: string) => ask('POST', '/index.php/login/v2/poll', { token });
const signIn = (page: string) => ask('POST', page, { email: emailOf('alice'), password: PASSWORD });
const statusOf = async (answer: Promise<CloudAnswer>) => (await answer).status;

describe('CLIENTS R34 — a login flow lasts 20 minutes', () => {
  test('the page is there until then, and gone after', async () => {
    const { page } = await start();
    now += LIFE_MS;
    expect(await statusOf(ask('GET', page))).toBe(200);
    now += 1;
    expect(await statusOf(ask('GET', page))).toBe(404);
    now -= 1;
    expect(await statusOf(ask('GET', page))).toBe(404);
  });

  test('nobody signs in or grants after that', async () => {
    const { page, token } = await start();
    const grant = grantOf((await signIn(page)).body!);
    const before = (await server.accounts.appPasswords(emailOf('alice'))).length;
    now += LIFE_MS + 1;
    expect(await statusOf(ask('POST', page, { grant, drive: '123456' }))).toBe(404);
    expect(await statusOf(signIn(page))).toBe(404);
    expect(await statusOf(poll(token))).toBe(404);
    expect(await server.accounts.appPasswords(emailOf('alice'))).toHaveLength(before);
  });

  test('a password that nobody fetches is forgotten then', async () => {
    const [late, later] = [await start(), await start()];
    for (const { page } of [late, later]) {
      const grant = grantOf((await signIn(page)).body!);
      expect(await statusOf(ask('POST', page, { grant, drive: '123456' }))).toBe(200);
    }
    now += LIFE_MS;
    expect(await statusOf(poll(late.token))).toBe(200);
    now += 1;
    expect(await statusOf(poll(later.token))).toBe(404);
  });

  test('a younger one outlives an older one', async () => {
    const older = await start();
    now += 10 * MINUTE_MS;
    const younger = await start();
    now += 10 * MINUTE_MS + 1;
    expect(await statusOf(ask('GET', older.page))).toBe(404);
    expect(await statusOf(ask('GET', younger.page))).toBe(200);
  });
});

describe('CLIENTS R34 — a flood of login flows is bounded', () => {
  test('one network has at most 100, and drops only its own', async () => {
    const bystander = await start('198.51.100.7');
    const first = await start('2001:db8::1');
    const flood: string[] = [];
    for (let count = 0; count < 300; count++) flood.push((await start(`2001:db8::${(count + 2).toString(16)}`)).page);
    expect(await statusOf(ask('GET', bystander.page))).toBe(200);
    expect(await statusOf(ask('GET', first.page))).toBe(404);
    const alive = await Promise.all(flood.map((page) => statusOf(ask('GET', page))));
    expect(alive.lastIndexOf(404)).toBe(199);
    expect(alive.filter((status) => status === 200)).toHaveLength(100);
  });

  test('all together are at most 1000; the oldest goes first', async () => {
    const pages: string[] = [];
    for (let count = 0; count < 1005; count++) pages.push((await start(`10.0.${count >> 8}.${count & 255}`)).page);
    const alive = await Promise.all(pages.map((page) => statusOf(ask('GET', page))));
    expect(alive.slice(0, 6)).toEqual([404, 404, 404, 404, 404, 200]);
    expect(alive.filter((status) => status === 200)).toHaveLength(1000);
  });
});
