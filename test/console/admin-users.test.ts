import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  NewPasswordAnswer,
  NewUserAnswer,
  UserEntry,
  UsersAnswer,
} from '../../src/console/contract/admin-users.js';
import type { SessionAnswer } from '../../src/console/contract/session.js';
import type { UserRow } from '../../src/stores/account-store.js';
import { ConsoleClient } from '../support/console-client.js';
import { authorizationOf, DRIVE_ID, emailOf, PASSWORD, TestServer } from '../support/make-server.js';

/** Beside the administrator and alice. */
const MANY = 1200;

let server: TestServer;
let admin: ConsoleClient;
beforeAll(async () => {
  server = await TestServer.start();
  const store = server.stores.accounts;
  await server.addUser('root');
  await store.updateUser((await readUser('root')).id, { isAdmin: true });
  const numbers = Array.from({ length: MANY }, (_, index) => index);
  await Promise.all(
    numbers.map((number) => {
      const name = nameOf(number);
      return store.createUser({ email: emailOf(name), name, passwordHash: 'none', isAdmin: false }, Date.now());
    }),
  );
  admin = await ConsoleClient.signedIn(server, 'root', PASSWORD);
});
afterAll(() => server.stop());

const nameOf = (number: number) => `user-${String(number).padStart(4, '0')}`;
const readUser = async (name: string): Promise<UserRow> =>
  (await server.stores.accounts.findUser(emailOf(name))) as UserRow;
const path = (name: string) => `/api/admin/users/${encodeURIComponent(emailOf(name))}`;

async function send<T>(method: string, target: string, body?: unknown, client = admin) {
  const { status, text } = await client.send(method, target, body);
  return { status, json: (text === '' ? null : JSON.parse(text)) as T };
}
const refusal = (kind: string) => expect.objectContaining({ error: expect.objectContaining({ kind }) });

/** All users, page by page; each page's size. */
async function walk(query = '') {
  const users: UserEntry[] = [];
  const sizes: number[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const from: string = after === '' ? '' : `after=${encodeURIComponent(after)}`;
    const page: UsersAnswer = await admin.get<UsersAnswer>(`/api/admin/users?${query}&${from}`);
    users.push(...page.users);
    sizes.push(page.users.length);
    after = page.next;
  }
  return { users, sizes };
}

describe('PRODUCT S4 — the list of users', () => {
  test(`has each of ${MANY + 2} once, by e-mail address, in pages`, async () => {
    const { users, sizes } = await walk();
    expect(sizes).toEqual([...Array.from({ length: 12 }, () => 100), 2]);
    const emails = users.map(({ email }) => email);
    expect(emails).toEqual(['alice', 'root', ...Array.from({ length: MANY }, (_, n) => nameOf(n))].map(emailOf));
    expect(users[0]).toEqual({
      email: emailOf('alice'),
      name: 'alice',
      isAdmin: false,
      isDisabled: false,
      hasSecondFactor: false,
      alertedAt: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      drives: 1,
    });
    expect(users[1]).toMatchObject({ email: emailOf('root'), isAdmin: true, drives: 0 });
    expect(JSON.stringify(users[0])).not.toMatch(/hash|argon2/i);
  });

  test('secondFactor=none shows who can sign in and has none, and how many there are', async () => {
    const total = MANY + 2;
    const count = async () => (await admin.get<UsersAnswer>('/api/admin/users')).withoutSecondFactor;
    expect(await count()).toBe(total);
    await server.turnOnTotp(await readUser(nameOf(7)));
    await server.stores.accounts.updateUser((await readUser(nameOf(8))).id, { isDisabled: true });
    expect(await count()).toBe(total - 2);
    const emails = new Set((await walk('secondFactor=none')).users.map(({ email }) => email));
    expect(emails.size).toBe(total - 2);
    expect([7, 8, 9].map((number) => emails.has(emailOf(nameOf(number))))).toEqual([false, false, true]);
    const { users } = await admin.get<UsersAnswer>(`/api/admin/users?after=${emailOf(nameOf(6))}`);
    expect(users[0]).toMatchObject({ email: emailOf(nameOf(7)), hasSecondFactor: true });
    expect((await send('GET', '/api/admin/users?secondFactor=some')).status).toBe(400);
  });
});

describe('what administrators do with users', () => {
  test('a user is made with a password, or with one that is made up and shown this once', async () => {
    const given = { email: emailOf('nora'), name: 'Nora', isAdmin: false, password: 'quiet lamps under snow' };
    const nora = await send<NewUserAnswer>('POST', '/api/admin/users', given);
    expect(nora).toMatchObject({ status: 201, json: { password: null, user: { email: emailOf('nora'), drives: 0 } } });
    const { status, json } = await send<NewUserAnswer>('POST', '/api/admin/users', {
      email: emailOf('omar'),
      name: 'Omar',
      isAdmin: true,
    });
    expect([status, json.user.isAdmin]).toEqual([201, true]);
    const omar = await ConsoleClient.signedIn(server, 'omar', json.password!);
    expect((await omar.get<SessionAnswer>('/api/session')).user).toMatchObject({ name: 'Omar', isAdmin: true });
    for (const [change, expected, kind] of [
      [{}, 409, 'email-taken'],
      [{ email: 'nobody' }, 400, 'invalid-email'],
      [{ email: emailOf('pia'), password: 'short' }, 400, 'weak-password'],
      [{ email: emailOf('pia'), name: ' ' }, 400, 'invalid-name'],
      [{ email: emailOf('pia'), isOwner: true }, 400, 'invalid-input'],
    ] as const) {
      const answer = await send('POST', '/api/admin/users', { ...given, ...change });
      expect(answer).toEqual({ status: expected, json: refusal(kind) });
    }
  });

  test('name, rights and whether someone can sign in change together or not at all', async () => {
    await server.addUser('paul');
    const paul = await ConsoleClient.signedIn(server, 'paul', PASSWORD);
    const made = await send<UserEntry>('PATCH', path('paul'), { name: 'Paul K.', isAdmin: true });
    expect(made).toMatchObject({ status: 200, json: { name: 'Paul K.', isAdmin: true, isDisabled: false } });
    expect((await paul.get<SessionAnswer>('/api/session')).user?.isAdmin).toBe(true);
    expect(await send('PATCH', path('paul'), { isDisabled: true, name: '\n' })).toMatchObject({ status: 400 });
    expect((await readUser('paul')).isDisabled).toBe(false);
    await send('PATCH', path('paul'), { isDisabled: true });
    expect((await paul.get<SessionAnswer>('/api/session')).stage).toBe('signed-out');
    expect(await send('PATCH', path('nobody'), { isDisabled: true })).toEqual({
      status: 404,
      json: refusal('no-such-user'),
    });
    expect(await send('PATCH', '/api/admin/users/%ff', { isDisabled: true })).toMatchObject({ status: 404 });
  });

  test('another password ends the user’s sessions and is taken at the next sign-in', async () => {
    await server.addUser('quin');
    const quin = await ConsoleClient.signedIn(server, 'quin', PASSWORD);
    const { json } = await send<NewPasswordAnswer>('POST', `${path('quin')}/password`, {});
    expect((await quin.get<SessionAnswer>('/api/session')).stage).toBe('signed-out');
    await ConsoleClient.signedIn(server, 'quin', json.password!);
    const own = 'quiet lamps under snow';
    expect(await send('POST', `${path('quin')}/password`, { password: own })).toEqual({
      status: 200,
      json: { password: null },
    });
    await ConsoleClient.signedIn(server, 'quin', own);
    expect(await send('POST', `${path('quin')}/password`, { password: 'short' })).toEqual({
      status: 400,
      json: refusal('weak-password'),
    });
  });

  test('reset-2fa lets someone in by the password alone again', async () => {
    await server.addMember('rita');
    await server.turnOnTotp(await readUser('rita'));
    const dav = async () =>
      (await server.send('PROPFIND', '/dav/123456/', { headers: { Authorization: authorizationOf('rita') } })).status;
    expect(await dav()).toBe(401);
    const answer = await send<UserEntry>('POST', `${path('rita')}/reset-2fa`);
    expect(answer).toMatchObject({ status: 200, json: { hasSecondFactor: false } });
    expect(await dav()).toBe(207);
    expect(await send('POST', `${path('rita')}/reset-2fa`)).toEqual({
      status: 409,
      json: refusal('second-factor-off'),
    });
  });

  test('what isn’t there is told in a sentence for people at the console: no command is in it', async () => {
    const nobody = encodeURIComponent(emailOf('nobody'));
    const member = { role: 'member', quotaBytes: null };
    for (const [method, target, body] of [
      ['PATCH', `/api/admin/users/${nobody}`, { name: 'x' }],
      ['PATCH', '/api/admin/drives/999999', { name: 'x' }],
      ['PUT', `/api/admin/drives/${DRIVE_ID}/members/${nobody}`, member],
      ['GET', `/api/admin/audit?user=${nobody}`, undefined],
    ] as const) {
      const { status, message } = await admin.refusal(method, target, body);
      expect([status, message]).toEqual([404, expect.stringMatching(/^There is no (user|drive) [\w@.]+\.$/)]);
    }
  });

  test('nobody takes away the last administrator, nor do two who take away each other at once', async () => {
    const store = server.stores.accounts;
    for (const name of ['omar', 'paul']) {
      const user = await store.findUser(emailOf(name));
      if (user) await store.updateUser(user.id, { isAdmin: false });
    }
    for (const change of [{ isAdmin: false }, { isDisabled: true }, { isAdmin: false, name: 'x' }]) {
      expect(await send('PATCH', path('root'), change)).toEqual({ status: 409, json: refusal('last-administrator') });
    }
    expect((await admin.refusal('PATCH', path('root'), { isAdmin: false })).message).toBe(
      `${emailOf('root')} is the last administrator; make another one first.`,
    );
    expect(await readUser('root')).toMatchObject({ isAdmin: true, isDisabled: false, name: 'root' });
    await server.addUser('sara');
    await store.updateUser((await readUser('sara')).id, { isAdmin: true });
    const sara = await ConsoleClient.signedIn(server, 'sara', PASSWORD);
    const answers = await Promise.all([
      send('PATCH', path('sara'), { isAdmin: false }),
      send('PATCH', path('root'), { isDisabled: true }, sara),
    ]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const left = await Promise.all(['root', 'sara'].map(readUser));
    expect(left.filter(({ isAdmin, isDisabled }) => isAdmin && !isDisabled)).toHaveLength(1);
  });
});
