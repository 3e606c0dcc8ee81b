import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { totpCode } from '../../src/accounts/totp.js';
import type { AuditAnswer } from '../../src/console/contract/audit.js';
import type { RecoveryCodesAnswer, SecurityAnswer, TotpAnswer } from '../../src/console/contract/security.js';
import type { SessionAnswer } from '../../src/console/contract/session.js';
import { ConsoleClient } from '../support/console-client.js';
import { authorizationOf, basic, emailOf, PASSWORD, TestServer } from '../support/make-server.js';

const STEP_MS = 30_000;
let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

let users = 0;
async function newUser(): Promise<{ name: string; client: ConsoleClient }> {
  const name = `user${users++}`;
  await server.addMember(name);
  return { name, client: await ConsoleClient.signedIn(server, name, PASSWORD) };
}

/** Switches 2FA on as the pages do. `next` is a code that was not used. */
async function turnOn(
  client: ConsoleClient,
): Promise<{ used: string; next: string; recoveryCodes: readonly string[] }> {
  const { secret } = await client.post<TotpAnswer>('/api/security/totp');
  const now = Date.now();
  const used = totpCode(secret, now);
  const { recoveryCodes } = await client.post<RecoveryCodesAnswer>('/api/security/totp/confirm', { code: used });
  return { used, next: totpCode(secret, now + STEP_MS), recoveryCodes };
}

const stageOf = async (client: ConsoleClient) => (await client.get<SessionAnswer>('/api/session')).stage;
const securityOf = (client: ConsoleClient) => client.get<SecurityAnswer>('/api/security');
const secondStep = (client: ConsoleClient, code: string) => client.send('POST', '/api/session/second-step', { code });
const propfind = (authorization: string, client = 'a device') =>
  server.as(authorization)('PROPFIND', '/', { headers: { Depth: '0', 'User-Agent': client } });

function refusal({ status, text }: { status: number; text: string }): [number, string, string | undefined] {
  const { error } = JSON.parse(text) as { error: { kind: string; field?: string } };
  return [status, error.kind, error.field];
}

describe('PRODUCT S3 — an authenticator', () => {
  test('is shown as QR code and text, and counts once a code confirms it', async () => {
    const { name, client } = await newUser();
    const elsewhere = await ConsoleClient.signedIn(server, name, PASSWORD);
    const { secret, uri, qrSvg } = await client.post<TotpAnswer>('/api/security/totp');
    expect(uri).toContain(`secret=${secret}`);
    expect(qrSvg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"[\s\S]*<\/svg>\s*$/);
    expect(qrSvg).not.toMatch(/<script|style=/);
    expect((await securityOf(client)).isTotpOn).toBe(false);
    expect((await propfind(authorizationOf(name))).status).toBe(207);

    const wrong = await client.send('POST', '/api/security/totp/confirm', { code: '12345' });
    expect(refusal(wrong)).toEqual([403, 'wrong-code', 'code']);
    const code = totpCode(secret, Date.now());
    const { recoveryCodes } = await client.post<RecoveryCodesAnswer>('/api/security/totp/confirm', { code });
    expect(new Set(recoveryCodes).size).toBe(10);
    expect(await securityOf(client)).toMatchObject({ isTotpOn: true, recoveryCodes: 10 });
    expect(await stageOf(elsewhere)).toBe('signed-out');
    expect((await propfind(authorizationOf(name))).status).toBe(401);
    expect(refusal(await client.send('POST', '/api/security/totp'))[1]).toBe('second-factor-on');
  });

  test('a code that was used is refused (replay), the one before it too', async () => {
    const { name, client } = await newUser();
    const { used, next } = await turnOn(client);
    const other = await ConsoleClient.signedIn(server, name, PASSWORD);
    expect(refusal(await secondStep(other, used))).toEqual([403, 'wrong-code', 'code']);
    expect((await secondStep(other, next)).status).toBe(200);
    const third = await ConsoleClient.signedIn(server, name, PASSWORD);
    expect((await secondStep(third, next)).status).toBe(403);
    expect((await secondStep(third, used)).status).toBe(403);
  });

  test('a flood of codes ends in 429, from however many sessions, and for good codes too', async () => {
    const { name, client } = await newUser();
    const { next, recoveryCodes } = await turnOn(client);
    const sessions = await Promise.all([0, 1].map(() => ConsoleClient.signedIn(server, name, PASSWORD)));
    const flood = Array.from({ length: 30 }, (_, guess) => secondStep(sessions[guess % 2]!, `00000${guess % 10}x`));
    const statuses = (await Promise.all(flood)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
    const { status, headers } = await secondStep(sessions[0]!, next);
    expect([status, Number(headers['retry-after'])]).toEqual([429, expect.closeTo(900, -2)]);
    const another = await newUser();
    await turnOn(another.client);
    // Anyone who keeps this up doesn't keep the owner out.
    expect((await secondStep(sessions[0]!, recoveryCodes[0]!)).status).toBe(200);
    expect((await secondStep(sessions[1]!, next)).status).toBe(200);
  });
});

describe('PRODUCT S3 — recovery codes', () => {
  test('count once and not twice; new ones take the place of all others', async () => {
    const { name, client } = await newUser();
    const { next, recoveryCodes } = await turnOn(client);
    const [first, second] = recoveryCodes as [string, string];
    const enter = async (code: string) =>
      (await secondStep(await ConsoleClient.signedIn(server, name, PASSWORD), code)).status;
    expect(await enter(first)).toBe(200);
    expect(await enter(first)).toBe(403);
    expect((await securityOf(client)).recoveryCodes).toBe(9);
    const wrong = await client.send('POST', '/api/security/recovery-codes', { code: '000' });
    expect(refusal(wrong)).toEqual([403, 'wrong-code', 'code']);
    const renewed = await client.post<RecoveryCodesAnswer>('/api/security/recovery-codes', { code: next });
    expect(await enter(second)).toBe(403);
    expect(await enter(renewed.recoveryCodes[0]!)).toBe(200);
    expect((await client.send('POST', '/api/security/recovery-codes', {})).status).toBe(200);
  });

  test('there are none without a second factor', async () => {
    const { client } = await newUser();
    const refused = await client.send('POST', '/api/security/recovery-codes', {});
    expect(refusal(refused)).toEqual([409, 'second-factor-off', undefined]);
  });
});

describe('PRODUCT S3 — switching 2FA off', () => {
  test('asks for the password and a code', async () => {
    const { name, client } = await newUser();
    const { used, next } = await turnOn(client);
    const off = async (body: object) => {
      const answer = await client.send('DELETE', '/api/security/second-factor', body);
      return answer.status === 204 ? answer.status : refusal(answer);
    };
    expect(await off({ password: PASSWORD })).toEqual([403, 'code-wanted', 'code']);
    expect(await off({ code: next })).toEqual([400, 'invalid-input', 'password']);
    expect(await off({ password: 'not the password', code: next })).toEqual([403, 'wrong-password', 'password']);
    expect(await off({ password: PASSWORD, code: used })).toEqual([403, 'wrong-code', 'code']);
    expect((await securityOf(client)).isTotpOn).toBe(true);
    expect(await off({ password: PASSWORD, code: next })).toBe(204);
    expect(await securityOf(client)).toMatchObject({ isTotpOn: false, recoveryCodes: 0 });
    expect(await stageOf(await ConsoleClient.signedIn(server, name, PASSWORD))).toBe('full');
    expect((await propfind(authorizationOf(name))).status).toBe(207);
    expect(await off({ password: PASSWORD, code: next })).toEqual([409, 'second-factor-off', undefined]);
  });
});

describe('PRODUCT S1 — another password', () => {
  const NEXT = 'nine lazy herons under a bridge';
  const change = (client: ConsoleClient, current: string, next: string) =>
    client.send('POST', '/api/security/password', { current, next });

  test('is checked, and ends all other sessions; this one gets another token; app passwords stay', async () => {
    const { name, client } = await newUser();
    const elsewhere = await ConsoleClient.signedIn(server, name, PASSWORD);
    const { authorization } = await server.addAppPassword(name);
    expect(refusal(await change(client, 'not the password', NEXT))).toEqual([403, 'wrong-password', 'current']);
    expect(refusal(await change(client, PASSWORD, 'short'))).toEqual([400, 'weak-password', 'next']);
    expect(refusal(await change(client, PASSWORD, PASSWORD))).toEqual([400, 'weak-password', 'next']);
    expect(await stageOf(elsewhere)).toBe('full');

    const { cookie, csrfToken } = client;
    const { status, text } = await change(client, PASSWORD, NEXT);
    expect([status, JSON.parse(text)]).toEqual([200, expect.objectContaining({ stage: 'full' })]);
    expect([client.cookie === cookie, client.csrfToken === csrfToken]).toEqual([false, false]);
    const old = await server.send('GET', '/api/session', { headers: { Cookie: cookie! } });
    expect(JSON.parse(old.text)).toMatchObject({ stage: 'signed-out' });
    expect(await stageOf(client)).toBe('full');
    expect(await stageOf(elsewhere)).toBe('signed-out');
    expect((await securityOf(client)).sessions).toHaveLength(1);
    await expect(ConsoleClient.signedIn(server, name, PASSWORD)).rejects.toThrow('401');
    expect((await propfind(basic(emailOf(name), NEXT))).status).toBe(207);
    expect((await propfind(authorization)).status).toBe(207);
  });

  test('PRODUCT S5 — the owner sees which device still tries the old one, or a revoked app password', async () => {
    const { name, client } = await newUser();
    const { id, authorization } = await server.addAppPassword(name);
    expect((await change(client, PASSWORD, NEXT)).status).toBe(200);
    expect((await securityOf(client)).staleDevices).toEqual([]);
    expect((await client.send('DELETE', `/api/app-passwords/${id}`)).status).toBe(204);
    expect((await propfind(authorizationOf(name), 'old laptop')).status).toBe(401);
    expect((await propfind(authorization, 'old phone')).status).toBe(401);
    const devices = (await securityOf(client)).staleDevices;
    expect(devices).toHaveLength(2);
    expect(devices).toContainEqual({ appPassword: null, client: 'old laptop', at: expect.any(String) });
    expect(devices).toContainEqual({ appPassword: 'a device', client: 'old phone', at: expect.any(String) });
  });

  test('PRODUCT S5 — and which tries the account password while 2FA is on', async () => {
    const { name, client } = await newUser();
    await turnOn(client);
    expect((await propfind(authorizationOf(name), 'a NAS')).status).toBe(401);
    const nas = { appPassword: null, client: 'a NAS', at: expect.any(String) };
    expect((await securityOf(client)).staleDevices).toEqual([nas]);
  });
});

describe('sessions', () => {
  test('are listed with their browser, and ended one by one or all others at once', async () => {
    const { name, client } = await newUser();
    const [phone, tablet] = [new ConsoleClient(server), new ConsoleClient(server)];
    const body = { email: emailOf(name), password: PASSWORD };
    await phone.send('POST', '/api/session', body, { 'User-Agent': 'a phone' });
    await tablet.send('POST', '/api/session', body, { 'User-Agent': 'a tablet' });
    const { sessions } = await securityOf(client);
    expect(sessions.map((session) => [session.client, session.isThis]).sort()).toEqual([
      ['', true],
      ['a phone', false],
      ['a tablet', false],
    ]);
    expect(new Set(sessions.map(({ address }) => address))).toEqual(new Set(['127.0.0.1']));
    const pathOf = (browser: string) => `/api/security/sessions/${sessions.find((one) => one.client === browser)!.id}`;

    const stranger = await newUser();
    expect((await stranger.client.send('DELETE', pathOf('a phone'))).status).toBe(404);
    expect((await client.send('DELETE', '/api/security/sessions/x')).status).toBe(404);
    expect(await stageOf(phone)).toBe('full');
    expect((await client.send('DELETE', pathOf('a phone'))).status).toBe(204);
    expect((await phone.send('GET', '/api/security')).status).toBe(401);
    expect(await stageOf(tablet)).toBe('full');
    expect((await client.send('DELETE', pathOf('a phone'))).status).toBe(404);

    expect((await client.send('DELETE', '/api/security/sessions')).status).toBe(204);
    expect([await stageOf(tablet), await stageOf(client)]).toEqual(['signed-out', 'full']);
    const { headers } = await client.send('DELETE', pathOf(''));
    expect(headers['set-cookie']).toEqual([expect.stringContaining('Max-Age=0')]);
    expect(await stageOf(client)).toBe('signed-out');
  });
});

describe('one’s own audit log', () => {
  test('tells what was done here, without secrets, and of nobody else', async () => {
    const { name, client } = await newUser();
    await newUser();
    const { next } = await turnOn(client);
    await client.send('DELETE', '/api/security/second-factor', { password: PASSWORD, code: next });
    const { records, kinds } = await client.get<AuditAnswer>('/api/security/audit');
    expect(records.map(({ kind }) => kind)).toEqual([
      'second-factor-off',
      'second-factor-on',
      'sign-in',
      'member-changed',
      'user-made',
    ]);
    expect(new Set(records.map(({ user }) => user))).toEqual(new Set([emailOf(name)]));
    expect(records[0]).toMatchObject({ actor: emailOf(name), address: '127.0.0.1' });
    expect(kinds).toContain('second-factor-on');
    expect(JSON.stringify(records)).not.toContain(next);
    const older = await client.get<AuditAnswer>(`/api/security/audit?before=${records[1]!.id}`);
    expect(older.records).toEqual(records.slice(2));
    expect((await client.send('GET', '/api/security/audit?before=x')).status).toBe(400);
  });
});
