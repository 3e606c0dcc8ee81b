import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PasskeyMade } from '../../src/console/contract/passkeys.js';
import type { SecurityAnswer } from '../../src/console/contract/security.js';
import type { SessionAnswer } from '../../src/console/contract/session.js';
import { ConsoleClient } from '../support/console-client.js';
import { emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { type Lie, PasskeyAuthenticator } from '../support/passkey-authenticator.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

const origin = () => `http://localhost:${server.port}`;

let users = 0;
/** A user of their own, whose password was right; passkeys belong to host names, so they come by one. */
async function newUser(): Promise<{ name: string; client: ConsoleClient }> {
  const name = `user${users++}`;
  await server.addUser(name);
  return { name, client: await enter(name) };
}

/** Comes by the name `localhost`, where others come by 127.0.0.1. */
class NamedClient extends ConsoleClient {
  readonly #host: string;

  constructor(to: TestServer) {
    super(to);
    this.#host = `localhost:${to.port}`;
  }

  override send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    return super.send(method, path, body, { Host: this.#host, ...headers });
  }
}

async function enter(name: string): Promise<ConsoleClient> {
  const client = new NamedClient(server);
  expect((await client.send('POST', '/api/session', { email: emailOf(name), password: PASSWORD })).status).toBe(201);
  return client;
}

async function register(client: ConsoleClient, key: PasskeyAuthenticator, lie: Lie = {}) {
  const options = await client.post<PublicKeyCredentialCreationOptionsJSON>('/api/security/passkeys/options');
  return client.send('POST', '/api/security/passkeys', { name: 'Blue key', response: key.create(options, lie) });
}

async function registered(client: ConsoleClient, key: PasskeyAuthenticator): Promise<PasskeyMade> {
  const { status, text } = await register(client, key);
  expect([status, text]).toEqual([201, expect.stringContaining(key.id)]);
  return JSON.parse(text) as PasskeyMade;
}

const optionsFor = (client: ConsoleClient) =>
  client.post<PublicKeyCredentialRequestOptionsJSON>('/api/session/passkey/options');

async function step(client: ConsoleClient, key: PasskeyAuthenticator, lie: Lie = {}) {
  const response = key.sign(await optionsFor(client), lie);
  return client.send('POST', '/api/session/passkey', { response });
}

describe('PRODUCT S3 — a passkey as the second factor', () => {
  test('the first one gives recovery codes and ends other sessions; the next sign-in wants it', async () => {
    const { name, client } = await newUser();
    const elsewhere = await enter(name);
    const key = new PasskeyAuthenticator(origin());
    const { passkey, recoveryCodes } = await registered(client, key);
    expect([passkey.name, passkey.lastUsedAt, recoveryCodes?.length]).toEqual(['Blue key', null, 10]);
    expect((await elsewhere.get<SessionAnswer>('/api/session')).stage).toBe('signed-out');

    const other = await enter(name);
    expect(await other.get('/api/session')).toMatchObject({
      stage: 'second-step',
      secondStep: { code: true, passkey: true },
    });
    const before = other.cookie;
    const { status, text } = await step(other, key);
    expect([status, JSON.parse(text)]).toEqual([200, expect.objectContaining({ stage: 'full' })]);
    expect(other.cookie).not.toBe(before);
    const { passkeys } = await other.get<SecurityAnswer>('/api/security');
    expect(passkeys).toEqual([{ ...passkey, lastUsedAt: expect.any(String) }]);
    const again = await enter(name);
    expect((await again.send('POST', '/api/session/second-step', { code: recoveryCodes![0] })).status).toBe(200);
  });

  test('a key without a counter works again and again', async () => {
    const { name, client } = await newUser();
    const key = new PasskeyAuthenticator(origin(), { hasCounter: false });
    await registered(client, key);
    for (let time = 0; time < 2; time++) expect((await step(await enter(name), key)).status).toBe(200);
  });

  test('what an administrator does can be proved by it, and so can switching 2FA off', async () => {
    const { client } = await newUser();
    const key = new PasskeyAuthenticator(origin());
    await registered(client, key);
    const proof = { password: PASSWORD };
    expect((await client.send('POST', '/api/session/proof', proof)).text).toContain('code-wanted');
    const passkey = key.sign(await optionsFor(client));
    expect((await client.send('POST', '/api/session/proof', { ...proof, passkey })).status).toBe(200);
    expect((await client.send('DELETE', '/api/security/second-factor', { ...proof, passkey })).status).toBe(403);
    const next = key.sign(await optionsFor(client));
    const wrong = { password: 'not the password', passkey: next };
    expect((await client.send('DELETE', '/api/security/second-factor', wrong)).status).toBe(403);
    expect((await client.send('DELETE', '/api/security/second-factor', { ...proof, passkey: next })).status).toBe(204);
    expect(await client.get('/api/security')).toMatchObject({ passkeys: [], recoveryCodes: 0 });
  });

  test('another can be added and removed; the last one goes by switching 2FA off alone', async () => {
    const { client } = await newUser();
    const first = await registered(client, new PasskeyAuthenticator(origin()));
    const second = await registered(client, new PasskeyAuthenticator(origin()));
    expect(second.recoveryCodes).toBeNull();
    const path = (made: PasskeyMade) => `/api/security/passkeys/${made.passkey.id}`;
    const stranger = (await newUser()).client;
    expect((await stranger.send('DELETE', path(first))).status).toBe(404);
    expect((await client.send('DELETE', path(first))).status).toBe(204);
    expect((await client.send('DELETE', path(first))).status).toBe(404);
    const last = await client.send('DELETE', path(second));
    expect([last.status, last.text]).toEqual([409, expect.stringContaining('last-second-factor')]);
  });
});

describe('WebAuthn §7.1 — what is no registration', () => {
  test.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['another port of the same host', { origin: 'http://localhost:1' }],
    ['another challenge', { challenge: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    ['another host', { rpId: 'evil.example' }],
  ])('%s', async (_, lie) => {
    const { client } = await newUser();
    const { status, text } = await register(client, new PasskeyAuthenticator(origin()), lie);
    expect([status, text]).toEqual([403, expect.stringContaining('wrong-code')]);
    expect(await client.get('/api/security')).toMatchObject({ passkeys: [], recoveryCodes: 0 });
  });

  test('an answer that was used; one for another session; one that is none; a key that is known', async () => {
    const { name, client } = await newUser();
    const key = new PasskeyAuthenticator(origin());
    const options = await client.post<PublicKeyCredentialCreationOptionsJSON>('/api/security/passkeys/options');
    const body = { name: 'Key', response: key.create(options) };
    const elsewhere = await enter(name);
    expect((await elsewhere.send('POST', '/api/security/passkeys', body)).status).toBe(403);
    expect((await client.send('POST', '/api/security/passkeys', body)).status).toBe(201);
    expect((await client.send('POST', '/api/security/passkeys', body)).status).toBe(403);
    await client.post('/api/security/passkeys/options');
    expect((await client.send('POST', '/api/security/passkeys', { name: 'Key', response: { id: 7 } })).status).toBe(
      403,
    );
    const { status, text } = await register(client, key);
    expect([status, text]).toEqual([409, expect.stringContaining('passkey-taken')]);
  });

  test('by an address of numbers, which browsers tie no passkey to', async () => {
    const { name } = await newUser();
    const client = await ConsoleClient.signedIn(server, name, PASSWORD);
    const { status, text } = await client.send('POST', '/api/security/passkeys/options');
    expect([status, text]).toEqual([409, expect.stringContaining('Passkeys need a host name')]);
  });
});

describe('WebAuthn §7.2 — what is no sign-in', () => {
  test('another origin, challenge or host; a stranger’s key; an answer that was used', async () => {
    const { name, client } = await newUser();
    const key = new PasskeyAuthenticator(origin());
    await registered(client, key);
    const other = await enter(name);
    const lies = [
      { origin: 'https://evil.example' },
      { challenge: 'AAAAAAAAAAAAAAAAAAAAAA' },
      { rpId: 'evil.example' },
    ];
    for (const lie of lies) expect((await step(other, key, lie)).status).toBe(403);
    const stranger = await newUser();
    const strange = new PasskeyAuthenticator(origin());
    await registered(stranger.client, strange);
    expect((await step(other, strange)).status).toBe(403);
    expect((await step(other, new PasskeyAuthenticator(origin()))).status).toBe(403);

    const response = key.sign(await optionsFor(other));
    const elsewhere = await enter(name);
    expect((await elsewhere.send('POST', '/api/session/passkey', { response })).status).toBe(403);
    expect((await other.send('POST', '/api/session/passkey', { response })).status).toBe(200);
    await optionsFor(elsewhere);
    const replay = await elsewhere.send('POST', '/api/session/passkey', { response });
    expect([replay.status, replay.text]).toEqual([403, expect.stringContaining('wrong-passkey')]);
  });

  test('a copy of the key, whose counter is behind; the owner finds it in the log', async () => {
    const { name, client } = await newUser();
    const key = new PasskeyAuthenticator(origin());
    await registered(client, key);
    expect((await step(await enter(name), key)).status).toBe(200);
    key.counter = 0;
    const { status, text } = await step(await enter(name), key);
    expect([status, text]).toEqual([403, expect.stringContaining('copied')]);
    expect((await step(await enter(name), key)).status).toBe(200);
    const user = (await server.stores.accounts.findUser(emailOf(name)))!;
    const log = await server.stores.security.audit({ userId: user.id }, null, 50);
    expect(log).toContainEqual(
      expect.objectContaining({ kind: 'sign-in-refused', details: { by: 'passkey', reason: 'copied' } }),
    );
    expect(log.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['passkey-added', 'second-factor-on']));
  });

  test('who has none is asked for a code', async () => {
    const { client } = await newUser();
    expect((await client.send('POST', '/api/session/passkey/options')).status).toBe(404);
  });
});

describe('a browser that somebody else finds open', () => {
  test('adds no passkey and removes none where there is a second factor, without a fresh proof', async () => {
    const slow = await TestServer.start();
    try {
      const client = new NamedClient(slow);
      await client.post('/api/session', { email: emailOf('alice'), password: PASSWORD });
      const key = new PasskeyAuthenticator(`http://localhost:${slow.port}`);
      const { passkey } = await registered(client, key);
      await slow.restart({ freshSignInMinutes: -1 });
      for (const [method, path] of [
        ['POST', '/api/security/passkeys/options'],
        ['DELETE', `/api/security/passkeys/${passkey.id}`],
        ['POST', '/api/security/recovery-codes'],
      ] as const) {
        const body = path.endsWith('codes') ? {} : undefined;
        const { status, text } = await client.send(method, path, body);
        expect([path, status, text]).toEqual([path, 403, expect.stringContaining('not-fresh')]);
      }
    } finally {
      await slow.stop();
    }
  });
});
