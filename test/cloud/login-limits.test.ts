import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Accounts } from '../../src/accounts/accounts.js';
import { Audit } from '../../src/accounts/audit.js';
import { Authenticator } from '../../src/accounts/authenticator.js';
import { Passwords, PasswordsBusyError } from '../../src/accounts/passwords.js';
import { LoginFlows } from '../../src/cloud/login-flows.js';
import type { CloudAnswer, CloudRequest } from '../../src/cloud/request.js';
import { KEY_BOX, throttleOn } from '../support/guess-throttle.js';
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
  authenticator = new Authenticator(server.engines.metadata, new Passwords(), {
    audit: new Audit(server.engines.metadata),
    throttle: throttleOn(server.engines.metadata),
    box: KEY_BOX,
    onError: (error) => {
      throw error;
    },
  });
});
afterAll(async () => {
  await authenticator.close();
  await server.stop();
});
beforeEach(async () => {
  now = 1_000_000;
  await server.engines.metadata.write([], ({ loginFlows }) => loginFlows.removeOutside(Number.MAX_SAFE_INTEGER, 0));
  flows = flowsOf(server.accounts);
});

function flowsOf(accounts: Accounts): LoginFlows {
  const { metadata } = server.engines;
  const secondFactors = { verify: async () => ({ kind: 'wrong' }) as const };
  return new LoginFlows({ accounts, authenticator, secondFactors, audit: new Audit(metadata), metadata }, () => now);
}

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

describe('client-requirements R34 — a login flow lasts 20 minutes', () => {
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

describe('client-requirements R34 — a login flow ends with the write that makes its password', () => {
  test('while the password is hashed it is there, and where that is refused it is not written', async () => {
    const { page, token } = await start();
    const grant = grantOf((await signIn(page)).body!);
    expect(await statusOf(ask('POST', page, { grant, drive: '123456' }))).toBe(200);
    const { metadata } = server.engines;
    const count = () => metadata.read([], ({ loginFlows }) => loginFlows.count(null));
    const write = vi.spyOn(metadata, 'write');
    const passwords = new Passwords();
    passwords.hashPassword = async () => {
      expect(await count()).toBe(1);
      throw new PasswordsBusyError();
    };
    flows = flowsOf(new Accounts(metadata, passwords, { uploadMaxBytes: 1, audit: new Audit(metadata) }));
    await expect(poll(token)).rejects.toMatchObject({ status: 503, headers: { 'Retry-After': '5' } });
    expect(write).not.toHaveBeenCalled();
    flows = flowsOf(server.accounts);
    expect(await statusOf(poll(token))).toBe(200);
    expect(write).toHaveBeenCalledTimes(1);
    expect(await count()).toBe(0);
    write.mockRestore();
  });

  test('two polls at the same time make one password', async () => {
    const { page, token } = await start();
    const grant = grantOf((await signIn(page)).body!);
    const before = (await server.accounts.appPasswords(emailOf('alice'))).length;
    await ask('POST', page, { grant, drive: '123456' });
    expect((await Promise.all([poll(token), poll(token)])).map(({ status }) => status).sort()).toEqual([200, 404]);
    expect(await server.accounts.appPasswords(emailOf('alice'))).toHaveLength(before + 1);
  });

  test('a membership that ended after the grant makes no password, and ends the flow', async () => {
    const { page, token } = await start();
    const grant = grantOf((await signIn(page)).body!);
    const drive = await server.accounts.createDrive({
      id: null,
      name: 'Short',
      ownerEmail: emailOf('alice'),
      quotaBytes: null,
      uploadMaxBytes: null,
    });
    await ask('POST', page, { grant, drive: String(drive.id) });
    const other = { email: 'other@example.org', name: 'Other', password: PASSWORD, isAdmin: false };
    await server.accounts.createUser(other);
    await server.accounts.putMember(drive.id, other.email, { role: 'manager' });
    await server.accounts.removeMember(drive.id, emailOf('alice'));
    expect(await statusOf(poll(token))).toBe(404);
    await server.accounts.putMember(drive.id, emailOf('alice'), { role: 'member' });
    expect(await statusOf(poll(token))).toBe(404);
  });
});

describe('security Low — a flood of login flows is refused, and drops nobody', () => {
  test('one network has at most 500; those that are under way go on, and other networks begin theirs', async () => {
    const first = await start('2001:db8::1');
    for (let count = 0; count < 499; count++) await start(`2001:db8::${(count + 2).toString(16)}`);
    for (const [method, path] of [
      ['POST', '/index.php/login/v2'],
      ['GET', '/index.php/login/flow'],
    ]) {
      await expect(ask(method!, path!, {}, '2001:db8::1')).rejects.toMatchObject({
        status: 429,
        headers: { 'Retry-After': '300' },
      });
    }
    expect(await statusOf(ask('GET', first.page))).toBe(200);
    const elsewhere = await start('198.51.100.7');
    expect(await statusOf(ask('GET', elsewhere.page))).toBe(200);
    // A sign-in that was begun before the flood comes to its end, and makes room.
    const grant = grantOf((await signIn(first.page)).body!);
    expect(await statusOf(ask('POST', first.page, { grant, drive: '123456' }))).toBe(200);
    expect(await statusOf(poll(first.token))).toBe(200);
    expect(await statusOf(ask('POST', '/index.php/login/v2', {}, '2001:db8::1'))).toBe(200);
  });

  test('who polls or looks at the page stays; what nobody has come back to for five minutes makes room', async () => {
    const [polled, looked, left] = [await start(), await start(), await start()];
    for (let count = 0; count < 497; count++) await start();
    now += 5 * MINUTE_MS;
    await poll(polled.token);
    await ask('GET', looked.page);
    for (let count = 0; count < 498; count++) await start();
    await expect(ask('POST', '/index.php/login/v2')).rejects.toMatchObject({ status: 429 });
    for (const { page } of [polled, looked]) expect(await statusOf(ask('GET', page))).toBe(200);
    expect(await statusOf(ask('GET', left.page))).toBe(404);
  });

  test('all together are at most 5000', async () => {
    const first = await start('192.0.2.9');
    // Many at once share a commit.
    for (let from = 0; from < 4999; from += 200) {
      const block = Array.from({ length: Math.min(200, 4999 - from) }, (_, index) => from + index);
      await Promise.all(block.map((count) => start(`10.0.${count >> 8}.${count & 255}`)));
    }
    await expect(ask('POST', '/index.php/login/v2', {}, '198.51.100.7')).rejects.toMatchObject({ status: 429 });
    expect(await statusOf(ask('GET', first.page))).toBe(200);
    now += 5 * MINUTE_MS;
    expect((await start('198.51.100.7')).page).toMatch(/flow/);
  });
});
