import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Audit } from '../../src/accounts/audit.js';
import { Authenticator } from '../../src/accounts/authenticator.js';
import { Passwords } from '../../src/accounts/passwords.js';
import type { AppPasswordMade, AppPasswordsAnswer } from '../../src/console/contract/app-passwords.js';
import { openEngines } from '../../src/engines/open-engines.js';
import type { DriveId } from '../../src/stores/values.js';
import { ConsoleClient } from '../support/console-client.js';
import { KEY_BOX, throttleOn } from '../support/guess-throttle.js';
import { basic, DRIVE_ID, emailOf, PASSWORD, TestServer } from '../support/make-server.js';

const OTHER_ID = 234567;
let server: TestServer;
let alice: ConsoleClient;
beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addMember('victor', { role: 'viewer' });
  await server.addDrive({ id: OTHER_ID, name: 'Other', owner: 'bob' });
  alice = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
});
afterAll(() => server.stop());

const PATH = '/api/app-passwords';

/** Makes one, and gives what a program does with it on the drive. */
async function make(body: object, client = alice) {
  const made = await client.post<AppPasswordMade>(PATH, { name: 'a device', driveId: null, ...body });
  return { ...made, program: server.as(basic(emailOf('alice'), made.secret)) };
}

async function entryOf(id: number) {
  const { appPasswords } = await alice.get<AppPasswordsAnswer>(PATH);
  return appPasswords.find((entry) => entry.id === id);
}

async function refusal(body: object, client = alice): Promise<[number, string, string | undefined]> {
  const { status, text } = await client.send('POST', PATH, { name: 'x', driveId: null, ...body });
  const { error } = JSON.parse(text) as { error: { kind: string; field?: string } };
  return [status, error.kind, error.field];
}

describe('PRODUCT S2 — app passwords', () => {
  test('are shown once, work at once, and are listed with last use and last client', async () => {
    const { appPassword, secret, program } = await make({ name: 'rclone on the NAS' });
    expect(secret).toMatch(/^([0-9a-z]{4}-){5}[0-9a-z]{4}$/);
    expect(appPassword).toEqual({
      id: appPassword.id,
      name: 'rclone on the NAS',
      drive: null,
      folder: null,
      isFolderGone: false,
      allowance: 'full',
      createdAt: expect.any(String),
      expiresAt: null,
      lastUsedAt: null,
      lastClient: null,
      state: 'valid',
    });
    expect((await program('PROPFIND', '/', { headers: { Depth: '0', 'User-Agent': 'rclone/1.60' } })).status).toBe(207);
    expect((await alice.send('GET', PATH)).text).not.toContain(secret.slice(0, 9));
    expect(await entryOf(appPassword.id)).toEqual({
      ...appPassword,
      lastUsedAt: expect.any(String),
      lastClient: 'rclone/1.60',
    });
  });

  test('read-only, add-only and one drive', async () => {
    const reader = await make({ allowance: 'read-only' });
    expect((await reader.program('PUT', '/r.txt', { body: 'x' })).status).toBe(403);
    const adder = await make({ allowance: 'add-only', driveId: DRIVE_ID });
    expect(adder.appPassword).toMatchObject({ allowance: 'add-only', drive: { id: DRIVE_ID, name: 'Drive' } });
    expect((await adder.program('PUT', '/a.txt', { body: 'x' })).status).toBe(201);
    expect((await adder.program('PUT', '/a.txt', { body: 'y' })).status).toBe(403);
    expect((await adder.program('DELETE', '/a.txt')).status).toBe(403);
  });

  test('one folder, which is made where it is missing; the list says where it is now, or that it is gone', async () => {
    const { appPassword, program } = await make({ driveId: DRIVE_ID, folder: '/joplin/notes' });
    expect(appPassword).toMatchObject({ folder: '/Drive/joplin/notes', isFolderGone: false });
    expect((await program('PUT', '/n.md', { body: 'x' })).status).toBe(201);
    const owner = server.as('alice');
    expect((await owner('GET', '/joplin/notes/n.md')).text).toBe('x');
    const common = await make({ driveId: DRIVE_ID, folder: '/Drive/Common documents/photos' });
    expect(common.appPassword.folder).toBe('/Drive/Common documents/photos');

    await owner('MOVE', '/joplin', { headers: { Destination: server.urlOf('/moved') } });
    expect(await entryOf(appPassword.id)).toMatchObject({ folder: '/Drive/moved/notes', isFolderGone: false });
    await owner('DELETE', '/moved');
    expect(await entryOf(appPassword.id)).toMatchObject({ folder: null, isFolderGone: true });
  });

  test('an expiry: a moment, or the last day', async () => {
    const moment = new Date(Date.now() + 3_600_000).toISOString();
    expect((await make({ expiresAt: moment })).appPassword.expiresAt).toBe(moment);
    const day = new Date().toISOString().slice(0, 10);
    const { expiresAt } = (await make({ expiresAt: day })).appPassword;
    expect(Date.parse(expiresAt!) - Date.parse(day)).toBe(86_400_000);
    expect(await refusal({ expiresAt: '2020-01-01' })).toEqual([400, 'invalid-number', 'expiresAt']);
    expect(await refusal({ expiresAt: 'soon' })).toEqual([400, 'invalid-input', 'expiresAt']);
  });

  test('what can’t be limited so is refused', async () => {
    expect(await refusal({ folder: '/x' })).toEqual([400, 'invalid-input', 'driveId']);
    expect(await refusal({ driveId: DRIVE_ID, folder: '/' })).toEqual([403, 'forbidden', undefined]);
    expect(await refusal({ driveId: DRIVE_ID, folder: '/Trash' })).toEqual([403, 'forbidden', undefined]);
    expect(await refusal({ name: ' ' })).toEqual([400, 'invalid-name', 'name']);
    expect(await refusal({ allowance: 'all' })).toEqual([400, 'invalid-input', 'allowance']);
    const victor = await ConsoleClient.signedIn(server, 'victor', PASSWORD);
    expect((await refusal({ driveId: DRIVE_ID, folder: '/Common documents/new' }, victor))[0]).toBe(403);
  });

  test('PRODUCT A3 — a drive of others and one that isn’t there are refused alike', async () => {
    const kinds = await Promise.all([OTHER_ID, 999_999].map((driveId) => refusal({ driveId })));
    expect(kinds).toEqual([
      [404, 'no-such-drive', undefined],
      [404, 'no-such-drive', undefined],
    ]);
  });
});

describe('PRODUCT S2 — a revoked app password', () => {
  test('is refused from the next request on, also by another process that has just let it in', async () => {
    const { appPassword, secret, program } = await make({});
    const engines = await openEngines(server.config);
    onTestFinished(() => engines.close());
    const audit = new Audit(engines.metadata);
    const other = new Authenticator(engines.metadata, new Passwords(), {
      audit,
      throttle: throttleOn(engines.metadata),
      box: KEY_BOX,
      onError: () => {},
    });
    onTestFinished(() => other.close());
    const credentials = { userName: emailOf('alice'), password: secret };
    const elsewhere = () => other.authenticate(credentials, DRIVE_ID as DriveId, '192.0.2.1', 'rclone');
    expect((await program('PROPFIND', '/', { headers: { Depth: '0' } })).status).toBe(207);
    expect((await elsewhere()).kind).toBe('granted');

    expect((await alice.send('DELETE', `${PATH}/${appPassword.id}`)).status).toBe(204);
    expect(await elsewhere()).toMatchObject({ kind: 'refused', reason: 'revoked' });
    const { status, text } = await program('PROPFIND', '/', { headers: { Depth: '0' } });
    expect([status, text]).toEqual([401, expect.stringContaining('revoked')]);
    expect((await entryOf(appPassword.id))?.state).toBe('revoked');
    expect((await alice.send('DELETE', `${PATH}/${appPassword.id}`)).status).toBe(404);
  });

  test('is one’s own; all go at once', async () => {
    const [one, two] = [await make({}), await make({})];
    const bob = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
    expect((await bob.send('DELETE', `${PATH}/${one.appPassword.id}`)).status).toBe(404);
    expect((await bob.send('DELETE', PATH)).status).toBe(204);
    expect((await one.program('PROPFIND', '/', { headers: { Depth: '0' } })).status).toBe(207);
    expect((await alice.send('DELETE', PATH)).status).toBe(204);
    for (const { program } of [one, two]) {
      expect((await program('PROPFIND', '/', { headers: { Depth: '0' } })).status).toBe(401);
    }
    const user = (await server.stores.accounts.findUser(emailOf('alice')))!;
    const log = await server.stores.security.audit({ userId: user.id }, null, 100);
    expect(log).toContainEqual(expect.objectContaining({ kind: 'app-password-revoked', actor: emailOf('alice') }));
  });
});
