import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/console/api/all-routes.js';
import type { AccessLevel } from '../../src/console/contract/declaration.js';
import type { ErrorAnswer } from '../../src/console/contract/refusal.js';
import type { Route } from '../../src/console/route.js';
import { ConsoleClient } from '../support/console-client.js';
import { DRIVE_ID, emailOf, PASSWORD, TestServer } from '../support/make-server.js';

let server: TestServer;
beforeAll(async () => {
  // No sign-in is ever fresh.
  server = await TestServer.start({ freshSignInMinutes: -1 });
  await server.addMember('bob');
  for (const name of ['admin', 'second']) await server.addUser(name);
  await server.accounts.changeUser(emailOf('admin'), { isAdmin: true });
});
afterAll(() => server.stop());

/** From the least that is asked for to the most: a test of a refusal is one of all routes that ask for more. */
const LEVELS: readonly AccessLevel[] = [
  'anyone',
  'second-step',
  'set-up',
  'user',
  'administrator',
  'fresh-administrator',
];
const above = (level: AccessLevel) => ROUTES.filter(({ access }) => LEVELS.indexOf(access) > LEVELS.indexOf(level));

/** An address of the route, of things that are there as far as possible. */
function addressOf({ path }: Route): string {
  const isDrive = /\/drives\/:/.test(path);
  return path
    .replace(/:email\b/g, encodeURIComponent(emailOf('bob')))
    .replace(/:(\w+)/g, isDrive ? String(DRIVE_ID) : '1');
}

/** What each route answers, as `GET /api/x: 403 not-fresh`, where that isn't what is `wanted`. */
async function otherAnswers(routes: readonly Route[], client: ConsoleClient, wanted: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const route of routes) {
    const { status, text } = await client.send(route.method, addressOf(route), route.body ? {} : undefined);
    const kind = text === '' ? wanted.slice(4) : (JSON.parse(text) as ErrorAnswer).error?.kind;
    if (`${status} ${kind}` !== wanted) wrong.push(`${route.method} ${route.path}: ${status} ${kind}`);
  }
  return wrong;
}

describe('every route of the JSON API is refused without and with the wrong role', () => {
  test('the table asks for something nearly everywhere', () => {
    expect(ROUTES.filter(({ access }) => access === 'anyone').map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/session',
      'POST /api/session',
    ]);
    expect(above('set-up').length).toBeGreaterThan(5);
    const twice = ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(twice).size).toBe(twice.length);
  });

  test('without a session', async () => {
    expect(await otherAnswers(above('anyone'), new ConsoleClient(server), '401 not-signed-in')).toEqual([]);
    const guessed = new ConsoleClient(server);
    guessed.cookie = `firn-session=${'a'.repeat(43)}`;
    expect(await otherAnswers(above('anyone'), guessed, '401 not-signed-in')).toEqual([]);
  });

  test('before the second step', async () => {
    await server.turnOnTotp((await server.stores.accounts.findUser(emailOf('second')))!);
    const client = await ConsoleClient.signedIn(server, 'second', PASSWORD);
    expect(await otherAnswers(above('second-step'), client, '401 second-step')).toEqual([]);
  });

  test('PRODUCT S4 — without a second factor where one is required', async () => {
    const clients = [
      await ConsoleClient.signedIn(server, 'bob', PASSWORD),
      await ConsoleClient.signedIn(server, 'admin', PASSWORD),
    ];
    await server.stores.security.requireSecondFactor(true);
    try {
      for (const client of clients) {
        expect(await otherAnswers(above('set-up'), client, '403 second-factor-required')).toEqual([]);
        expect((await client.send('GET', '/api/security')).status).toBe(200);
        // It goes on as soon as the password was entered again.
        expect(await client.refusal('POST', '/api/security/totp')).toMatchObject({ status: 403, kind: 'not-fresh' });
      }
    } finally {
      await server.stores.security.requireSecondFactor(false);
    }
  });

  test('who is no administrator', async () => {
    const client = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
    expect(await otherAnswers(above('user'), client, '403 not-administrator')).toEqual([]);
  });

  test('an administrator whose sign-in was too long ago', async () => {
    const client = await ConsoleClient.signedIn(server, 'admin', PASSWORD);
    expect(await otherAnswers(above('administrator'), client, '403 not-fresh')).toEqual([]);
  });

  test('somebody whose account was disabled a moment ago', async () => {
    const client = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
    await server.accounts.setDisabled(emailOf('bob'), true);
    expect(await otherAnswers(above('anyone'), client, '401 not-signed-in')).toEqual([]);
    await server.accounts.setDisabled(emailOf('bob'), false);
  });

  test('a page of somebody else, in the browser of who is signed in (CSRF)', async () => {
    const client = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
    client.csrfToken = null;
    const changing = ROUTES.filter(
      ({ method, access }) => !['GET', 'HEAD'].includes(method) && LEVELS.indexOf(access) <= LEVELS.indexOf('user'),
    );
    expect(changing.length).toBeGreaterThan(10);
    expect(await otherAnswers(changing, client, '403 forged')).toEqual([]);
  });
});

describe('PRODUCT S3 — who has found a browser that is signed in', () => {
  test('security 10 — makes no app password without the password', async () => {
    const old = await TestServer.start();
    try {
      const client = await ConsoleClient.signedIn(old, 'alice', PASSWORD);
      await old.restart({ freshSignInMinutes: -1 });
      const body = { name: 'a device', driveId: null };
      expect(await client.refusal('POST', '/api/app-passwords', body)).toMatchObject({
        status: 403,
        kind: 'not-fresh',
      });
      expect(await old.accounts.appPasswords(emailOf('alice'))).toEqual([]);
      // What takes a way in away asks for nothing.
      expect((await client.send('DELETE', '/api/app-passwords')).status).toBe(204);
      await old.restart({ freshSignInMinutes: 1 });
      await client.post('/api/session/proof', { password: PASSWORD });
      expect((await client.send('POST', '/api/app-passwords', body)).status).toBe(201);
    } finally {
      await old.stop();
    }
  });

  test('sets up no second factor, which would lock its owner out, without the password', async () => {
    const old = await TestServer.start();
    try {
      const client = await ConsoleClient.signedIn(old, 'alice', PASSWORD);
      expect((await client.send('POST', '/api/security/totp')).status).toBe(200);
      await old.restart({ freshSignInMinutes: -1 });
      for (const [path, body] of [
        ['/api/security/totp', undefined],
        ['/api/security/passkeys/options', undefined],
        ['/api/security/passkeys', { name: 'x', response: {} }],
      ] as const) {
        expect(await client.refusal('POST', path, body)).toMatchObject({ status: 403, kind: 'not-fresh' });
      }
      await old.restart({ freshSignInMinutes: 1 });
      await client.post('/api/session/proof', { password: PASSWORD });
      expect((await client.send('POST', '/api/security/totp')).status).toBe(200);
    } finally {
      await old.stop();
    }
  });
});
