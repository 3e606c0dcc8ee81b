import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { totpCode } from '../../src/accounts/totp.js';
import type { AuditRow } from '../../src/stores/security-store.js';
import { LoginClient } from '../support/login-client.js';
import { basic, emailOf, PASSWORD, TestServer } from '../support/make-server.js';

const PHONE = 'Mozilla/5.0 (Android) Nextcloud-android/3.29.1';
const NAMED = 'Nextcloud Android 3.29.1';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

/** What the log has on somebody, the latest first, without how the account came to be. */
async function recordsOf(name: string): Promise<AuditRow[]> {
  const { id } = await server.accounts.readUser(emailOf(name));
  const rows = await server.stores.security.audit({ userId: id }, null, 50);
  return rows.filter(({ kind }) => kind !== 'user-made' && kind !== 'member-changed');
}

const told = ({ kind, actor, address, client, details }: AuditRow) => [kind, actor, address, client, details];

describe('the audit log tells who did something by the programs of Nextcloud and ownCloud', () => {
  test('signing in on the page of the login flow, wrongly and rightly, and the password that was granted', async () => {
    await server.addMember('bob');
    const client = new LoginClient(server);
    const flow = await client.start(PHONE);
    const { login } = flow;
    await client.signIn(login, 'bob', 'not the password of bob');
    await expect.poll(async () => (await recordsOf('bob')).length).toBe(1);
    await client.connect(login, 'bob');
    expect((await client.poll(flow)).status).toBe(200);
    const by = [emailOf('bob'), '127.0.0.1', NAMED];
    expect((await recordsOf('bob')).map(told)).toEqual([
      ['app-password-made', ...by, { number: expect.any(Number), name: NAMED, drive: 123456, allowance: 'full' }],
      ['sign-in', ...by, { by: 'password' }],
      ['sign-in-refused', ...by, { reason: 'wrong' }],
    ]);
  });

  test('its second step, by code and by recovery code', async () => {
    await server.addMember('carol');
    const { secret, recoveryCodes } = await server.turnOnTotp(await server.accounts.readUser(emailOf('carol')));
    const client = new LoginClient(server);
    const { login } = await client.start(PHONE);
    for (const code of ['000000', recoveryCodes[0]!, totpCode(secret, Date.now())]) {
      const { text } = await client.signIn(login, 'carol');
      await client.post(login, { step: /name="step" value="([^"]+)"/.exec(text)![1]!, code });
    }
    const records = (await recordsOf('carol')).map(({ kind, details }) => [kind, details]);
    expect(records).toEqual([
      ['sign-in', { by: 'totp' }],
      ['sign-in', { by: 'recovery-code' }],
      ['recovery-code-used', { left: 9 }],
      ['sign-in-refused', { by: 'code' }],
    ]);
  });

  test('the app password that a program gets for the account password, and gives back', async () => {
    await server.addMember('dora');
    const headers = { 'OCS-APIRequest': 'true', 'User-Agent': PHONE };
    const get = await server.send('GET', '/ocs/v2.php/core/getapppassword?format=json', { user: 'dora', headers });
    const { apppassword } = JSON.parse(get.text).ocs.data as { apppassword: string };
    const Authorization = basic(emailOf('dora'), apppassword);
    await server.send('DELETE', '/ocs/v2.php/core/apppassword', { headers: { ...headers, Authorization } });
    const records = (await recordsOf('dora')).filter(({ kind }) => kind !== 'app-password-first-used');
    expect(records.map(({ kind, actor, address, client }) => [kind, actor, address, client])).toEqual([
      ['app-password-revoked', emailOf('dora'), '127.0.0.1', PHONE],
      ['app-password-made', emailOf('dora'), '127.0.0.1', PHONE],
    ]);
  });

  test('trash emptied, where there was something in it', async () => {
    await server.addMember('erik');
    const erik = server.as('erik');
    await erik('PUT', '/gone.txt', { body: 'x' });
    await erik('DELETE', '/gone.txt');
    const bin = `/remote.php/dav/trashbin/${emailOf('erik')}/trash`;
    for (let time = 0; time < 2; time++) {
      await server.send('DELETE', bin, { user: 'erik', headers: { 'User-Agent': PHONE } });
    }
    const emptied = { drive: 123456, removed: 1 };
    expect((await recordsOf('erik')).map(told)).toEqual([
      ['trash-emptied', emailOf('erik'), '127.0.0.1', PHONE, emptied],
    ]);
  });
});

test('a name that is nobody’s is not written down: it may be a password in the wrong field', async () => {
  const body = JSON.stringify({ email: 'my secret password', password: PASSWORD });
  const headers = { 'Content-Type': 'application/json' };
  expect((await server.send('POST', '/api/session', { headers, body })).status).toBe(401);
  const refused = () => server.stores.security.audit({ kind: 'sign-in-refused' }, null, 50);
  await expect.poll(async () => (await refused()).filter(({ actor }) => actor === '').length).toBe(1);
  expect(JSON.stringify(await refused())).not.toContain('my secret');
});
