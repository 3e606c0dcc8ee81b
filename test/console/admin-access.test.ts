import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/console/api/all-routes.js';
import type { SessionAnswer } from '../../src/console/contract/session.js';
import type { Route } from '../../src/console/route.js';
import { ConsoleClient } from '../support/console-client.js';
import { emailOf, PASSWORD, TestServer } from '../support/make-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
  for (const name of ['root', 'spare']) {
    await server.addUser(name);
    await server.accounts.changeUser(emailOf(name), { isAdmin: true });
  }
});
afterAll(() => server.stop());

const ADMIN_ROUTES = ROUTES.filter(({ path }) => path.startsWith('/api/admin/'));
const named = (routes: readonly Route[]) => routes.map((one) => [`${one.method} ${one.path}`, one] as const);

/** What the route says to somebody, with values that name nothing. */
async function knock(client: ConsoleClient, { method, path, body }: Route) {
  const target = path.replace(/:\w+/g, '1');
  const { status, text } = await client.send(method, target, body ? {} : undefined);
  const kind = text.startsWith('{') ? (JSON.parse(text) as { error?: { kind: string } }).error?.kind : undefined;
  return { status, kind };
}

describe('every administrator’s route', () => {
  test('wants a fresh sign-in where it changes something, and none to read', () => {
    expect(ADMIN_ROUTES.length).toBeGreaterThan(12);
    for (const { method, access } of ADMIN_ROUTES) {
      expect(access).toBe(method === 'GET' ? 'administrator' : 'fresh-administrator');
    }
  });

  test.each(named(ADMIN_ROUTES))('%s is refused to strangers and to users', async (_name, route) => {
    expect(await knock(new ConsoleClient(server), route)).toEqual({ status: 401, kind: 'not-signed-in' });
    const alice = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
    expect(await knock(alice, route)).toEqual({ status: 403, kind: 'not-administrator' });
    const root = await ConsoleClient.signedIn(server, 'root', PASSWORD);
    expect((await knock(root, route)).kind ?? 'done').not.toMatch(/^not-(signed-in|administrator|fresh)/);
  });

  test('an administrator whose sign-in is old reads, and proves again who they are before they change something', async () => {
    const old = await TestServer.start({ freshSignInMinutes: 0 });
    try {
      await old.addUser('root');
      await old.accounts.changeUser(emailOf('root'), { isAdmin: true });
      const root = await ConsoleClient.signedIn(old, 'root', PASSWORD);
      for (const route of ADMIN_ROUTES) {
        const { status, kind } = await knock(root, route);
        if (route.method === 'GET') expect(status).toBe(200);
        else expect({ status, kind }).toEqual({ status: 403, kind: 'not-fresh' });
      }
    } finally {
      await old.stop();
    }
    const root = await ConsoleClient.signedIn(server, 'root', PASSWORD);
    const before = root.cookie;
    const answer = await root.post<SessionAnswer>('/api/session/proof', { password: PASSWORD });
    expect([answer.user?.isFresh, root.cookie === before]).toEqual([true, false]);
  });
});

describe('PRODUCT S4 — where a second factor is required of everyone', () => {
  test('a user without one can do nothing but set it up, an administrator neither; who has one goes on', async () => {
    await server.addUser('bob');
    await server.addUser('carol');
    await server.turnOnTotp((await server.stores.accounts.findUser(emailOf('carol')))!);
    const bob = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
    const spare = await ConsoleClient.signedIn(server, 'spare', PASSWORD);
    const root = await ConsoleClient.signedIn(server, 'root', PASSWORD);
    expect(await root.get('/api/admin/organization')).toEqual({ isSecondFactorRequired: false });
    const rule = { isSecondFactorRequired: true };
    const { status, text } = await root.send('PUT', '/api/admin/organization', rule);
    expect([status, JSON.parse(text)]).toEqual([200, rule]);

    expect((await bob.get<SessionAnswer>('/api/session')).user).toMatchObject({ mustSetUpSecondFactor: true });
    for (const [name, client] of [
      ['bob', bob],
      ['spare', spare],
    ] as const) {
      for (const route of ROUTES) {
        if (['anyone', 'second-step'].includes(route.access)) continue;
        const where = `${name} ${route.method} ${route.path}`;
        const { status, kind } = await knock(client, route);
        if (route.access === 'set-up') expect(kind, where).not.toBe('second-factor-required');
        // The answer to HEAD has no body to say why.
        else if (route.method === 'HEAD') expect(status, where).toBe(403);
        else expect([status, kind], where).toEqual([403, 'second-factor-required']);
      }
    }
  });

  test('setting it up opens the console again, and the rule can be taken back', async () => {
    const store = server.stores.accounts;
    const root = (await store.findUser(emailOf('root')))!;
    const client = await ConsoleClient.signedIn(server, 'root', PASSWORD);
    expect((await client.send('GET', '/api/admin/users')).status).toBe(403);
    await server.turnOnTotp(root);
    expect((await client.send('GET', '/api/admin/users')).status).toBe(200);
    const { status } = await client.send('PUT', '/api/admin/organization', { isSecondFactorRequired: false });
    expect(status).toBe(200);
    const bob = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
    expect((await bob.get<SessionAnswer>('/api/session')).user).toMatchObject({ mustSetUpSecondFactor: false });
    const records = await server.stores.security.audit({ kind: 'second-factor-rule' }, null, 9);
    expect(records.map(({ details, actor }) => [details, actor])).toEqual([
      [{ isRequired: false }, emailOf('root')],
      [{ isRequired: true }, emailOf('root')],
    ]);
  });
});
