import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { totpCode } from '../../src/accounts/totp.js';
import type { SessionAnswer } from '../../src/console/contract/session.js';
import { ConsoleClient } from '../support/console-client.js';
import { authorizationOf, emailOf, PASSWORD, TestServer } from '../support/make-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
  for (const name of ['bob', 'carol', 'dora']) await server.addMember(name);
});
afterAll(() => server.stop());

const signIn = (name: string, password = PASSWORD, client = new ConsoleClient(server)) =>
  client.send('POST', '/api/session', { email: emailOf(name), password });

/** Switches 2FA on past the pages, and gives what makes codes and the recovery codes. */
async function turnOnTotp(name: string): Promise<{ code: () => string; recoveryCodes: readonly string[] }> {
  const user = (await server.stores.accounts.findUser(emailOf(name)))!;
  const { secret, recoveryCodes } = await server.turnOnTotp(user);
  let now = Date.now() - 60_000;
  const code = () => {
    now += 30_000;
    return totpCode(secret, now);
  };
  return { code, recoveryCodes };
}

describe('signing in', () => {
  test('the cookie is HttpOnly, SameSite and of this session alone; signing out ends it', async () => {
    const client = new ConsoleClient(server);
    expect(await client.get<SessionAnswer>('/api/session')).toMatchObject({ stage: 'signed-out', user: null });
    const { status, headers, text } = await signIn('alice', PASSWORD, client);
    expect(status).toBe(201);
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^firn-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    expect(headers['cache-control']).toBe('no-store');
    const { user, stage } = JSON.parse(text) as SessionAnswer;
    expect([stage, user]).toEqual([
      'full',
      {
        email: emailOf('alice'),
        name: 'alice',
        isAdmin: false,
        hasSecondFactor: false,
        mustSetUpSecondFactor: false,
        isAlerted: false,
        isFresh: true,
        isFirstStart: false,
      },
    ]);
    const { cookie } = client;
    expect((await client.get<SessionAnswer>('/api/session')).stage).toBe('full');
    expect((await client.send('DELETE', '/api/session')).status).toBe(204);
    const again = await server.send('GET', '/api/session', { headers: { Cookie: cookie! } });
    expect(JSON.parse(again.text)).toMatchObject({ stage: 'signed-out' });
  });

  test('a wrong password is 401 with a sentence, and slowed down; an app password is for programs', async () => {
    const wrong = await signIn('bob', 'not the password of bob');
    expect(wrong.status).toBe(401);
    expect(JSON.parse(wrong.text)).toEqual({
      error: { kind: 'wrong-credentials', message: 'The e-mail address or the password is wrong.' },
      requestId: wrong.headers['x-request-id'],
    });
    const { secret } = await server.accounts.createAppPassword({
      email: emailOf('bob'),
      name: 'x',
      driveId: null,
      scopeId: null,
      allowance: 'full',
      expiresAt: null,
    });
    expect(JSON.parse((await signIn('bob', secret)).text)).toMatchObject({
      error: { kind: 'app-password', message: expect.stringMatching(/app password/) },
    });
    const statuses: number[] = [];
    for (let guess = 0; guess < 12; guess++) statuses.push((await signIn('bob', `wrong guess number ${guess}`)).status);
    expect(statuses).toContain(429);
    expect((await signIn('alice')).status).toBe(201);
  });

  test('a session that was there before is of no use to anyone who put it there (session fixation)', async () => {
    const attacker = await ConsoleClient.signedIn(server, 'carol', PASSWORD);
    const victim = new ConsoleClient(server);
    victim.cookie = attacker.cookie;
    victim.csrfToken = attacker.csrfToken;
    expect((await signIn('alice', PASSWORD, victim)).status).toBe(201);
    expect(victim.cookie).not.toBe(attacker.cookie);
    expect((await attacker.get<SessionAnswer>('/api/session')).stage).toBe('signed-out');
  });

  test('WebDAV never takes the cookie', async () => {
    const client = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
    const { status } = await server.send('PROPFIND', '/dav/123456/', { headers: { Cookie: client.cookie! } });
    expect(status).toBe(401);
  });

  test('the API never takes Basic, and never has a browser ask for it', async () => {
    for (const [method, path] of [
      ['GET', '/api/drives'],
      ['GET', '/api/security'],
      ['DELETE', '/api/app-passwords'],
    ] as const) {
      const { status, headers } = await server.send(method, path, { user: 'alice' });
      expect([status, headers['www-authenticate']]).toEqual([401, undefined]);
    }
    const { text } = await server.send('GET', '/api/session', { user: 'alice' });
    expect(JSON.parse(text)).toMatchObject({ stage: 'signed-out' });
  });

  test('requests that don’t come from the console are refused (CSRF)', async () => {
    const client = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
    const send = (headers: Record<string, string>) =>
      server.send('DELETE', '/api/session', { headers: { Cookie: client.cookie!, ...headers } });
    const token = { 'X-CSRF-Token': client.csrfToken! };
    expect((await send({})).status).toBe(403);
    expect((await send({ 'X-CSRF-Token': 'guess' })).status).toBe(403);
    expect((await send({ ...token, Origin: 'https://evil.example' })).status).toBe(403);
    expect((await send({ ...token, 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403);
    const foreign = await server.send('POST', '/api/session', {
      headers: { 'Content-Type': 'application/json', Origin: 'https://evil.example' },
      body: JSON.stringify({ email: emailOf('carol'), password: PASSWORD }),
    });
    expect([foreign.status, foreign.headers['set-cookie']]).toEqual([403, undefined]);
    const form = await server.send('POST', '/api/session', {
      headers: { 'Content-Type': 'text/plain' },
      body: JSON.stringify({ email: emailOf('carol'), password: PASSWORD }),
    });
    expect(form.status).toBe(415);
    expect((await send({ ...token, Origin: `http://127.0.0.1:${server.port}` })).status).toBe(204);
  });

  test('bodies that are none are 400 and name the field', async () => {
    const client = new ConsoleClient(server);
    for (const [body, field] of [
      [{ email: 'x' }, 'password'],
      [{ email: 1, password: 'x' }, 'email'],
      [{ email: '', password: 'x' }, 'email'],
      [{ email: 'x', password: 'x'.repeat(2000) }, 'password'],
    ] as const) {
      const { status, text } = await client.send('POST', '/api/session', body);
      expect([status, JSON.parse(text).error]).toEqual([
        400,
        expect.objectContaining({ kind: 'invalid-input', field }),
      ]);
    }
    const { status } = await server.send('POST', '/api/session', {
      headers: { 'Content-Type': 'application/json' },
      body: '{',
    });
    expect(status).toBe(400);
    expect((await client.send('PUT', '/api/session', {})).status).toBe(405);
    expect((await client.send('GET', '/api/nothing')).status).toBe(404);
  });
});

describe('PRODUCT S3 — the second step', () => {
  test('is wanted where 2FA is on; a code counts once; until then nothing else can be done', async () => {
    const { code } = await turnOnTotp('dora');
    const client = new ConsoleClient(server);
    const first = await signIn('dora', PASSWORD, client);
    expect(JSON.parse(first.text)).toMatchObject({
      stage: 'second-step',
      user: null,
      secondStep: { code: true, passkey: false },
    });
    const before = client.cookie;
    expect((await client.send('POST', '/api/session/proof', { password: PASSWORD })).status).toBe(401);
    expect((await client.send('POST', '/api/session/second-step', { code: '000000' })).status).toBe(403);
    const good = code();
    const { stage, user } = await client.post<SessionAnswer>('/api/session/second-step', { code: good });
    expect([stage, user?.hasSecondFactor]).toEqual(['full', true]);
    expect(client.cookie).not.toBe(before);
    const replay = new ConsoleClient(server);
    await signIn('dora', PASSWORD, replay);
    expect((await replay.send('POST', '/api/session/second-step', { code: good })).status).toBe(403);
  });

  test('PRODUCT S1 — WebDAV then refuses the account password and says what to do', async () => {
    const { status, text } = await server.send('PROPFIND', '/dav/123456/', {
      headers: { Authorization: authorizationOf('dora') },
    });
    expect([status, text]).toEqual([401, expect.stringContaining('sign in with an app password')]);
    const { authorization } = await server.addAppPassword('dora');
    expect((await server.as(authorization)('PROPFIND', '/', { headers: { Depth: '0' } })).status).toBe(207);
  });

  test('a recovery code works once', async () => {
    const { recoveryCodes } = await turnOnTotp('carol');
    const enter = async () => {
      const client = new ConsoleClient(server);
      await signIn('carol', PASSWORD, client);
      return (await client.send('POST', '/api/session/second-step', { code: recoveryCodes[0] })).status;
    };
    expect(await enter()).toBe(200);
    expect(await enter()).toBe(403);
    const user = (await server.stores.accounts.findUser(emailOf('carol')))!;
    const kinds = (await server.stores.security.audit({ userId: user.id }, null, 20)).map(({ kind }) => kind);
    expect(kinds).toContain('recovery-code-used');
  });
});
