import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RequestOptions } from '../support/http-client.js';
import { authorizationOf, DRIVE_ID, type DriveRequest, emailOf, TestServer } from '../support/make-server.js';
import { metadata, TUS } from '../support/tus-client.js';

const LOCK =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
/** All that a name needs, by a request on the drive or on an upload of alice's. */
const UPLOADS = `/dav/${DRIVE_ID}/remote.php/dav/uploads`;

let server: TestServer;
let alice: DriveRequest;
let bob: DriveRequest;
/** Alice manages the drive. Each is tried with what she and bob have locked and begun by their full passwords. */
const authorizations: Record<string, string> = {};
/** Whose uploads a principal would see. */
const users: Record<string, string> = { 'read-only': 'alice', viewer: 'vera', 'add-only': 'alice', full: 'alice' };

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addMember('vera');
  [alice, bob] = [server.as('alice'), server.as('bob')];
  for (const allowance of ['read-only', 'add-only', 'full'] as const) {
    authorizations[allowance] = (await server.addAppPassword('alice', { allowance })).authorization;
  }
  authorizations.viewer = authorizationOf('vera');
});
afterAll(() => server.stop());

let folder = '';
let number = 0;
beforeEach(async () => {
  folder = `/Common%20documents/${++number}`;
  await alice('MKCOL', folder);
  await alice('PUT', `${folder}/file`, { body: 'file' });
  await alice('PUT', `${folder}/empty`, { body: '' });
  await alice('MKCOL', `${folder}/inner`);
});

const lockOf = async (who: DriveRequest, path: string) =>
  String((await who('LOCK', path, { body: LOCK })).headers['lock-token']);

/** An upload of the user's with one part. Vera's come from before she was a viewer. */
async function beginUpload(user: string): Promise<string> {
  const at = `${UPLOADS}/${emailOf(user)}/${crypto.randomUUID()}`;
  expect((await server.send('MKCOL', at, { user })).status).toBe(201);
  expect((await server.send('PUT', `${at}/00001`, { user, body: 'part' })).status).toBe(201);
  return at;
}
async function beginTus(user: string): Promise<string> {
  const headers = { ...TUS, 'Upload-Length': '9', 'Upload-Metadata': metadata({ filename: crypto.randomUUID() }) };
  const { headers: answered } = await server.as(user)('POST', folder, { headers });
  return new URL(answered.location!).pathname;
}

/** The address of a version of the file in the tree of one program, as the user has it. */
async function makeVersion(treeOf: (id: number) => string, user: string): Promise<string> {
  expect((await alice('PUT', `${folder}/file`, { body: 'newer' })).status).toBe(204);
  const at = `/dav/${DRIVE_ID}/remote.php/dav/${treeOf(await server.idOf('alice', `${folder}/file`))}`;
  const { text } = await server.send('PROPFIND', at, { user, headers: { Depth: '1' } });
  const [name] = /\/\d+(?=<\/D:href>)/.exec(text)!;
  return at + name;
}
const versionInNextcloud = (user: string) => makeVersion((id) => `versions/${emailOf(user)}/versions/${id}`, user);
const versionInOwncloud = (user: string) => makeVersion((id) => `meta/${id}/v`, user);

/** What a door needs is made by those who may; then the principal tries it. */
interface Door {
  readonly prepare?: (user: string) => Promise<string>;
  readonly open: (send: Send, prepared: string) => Promise<{ readonly status: number }>;
  /** By principal. */
  readonly answers: Readonly<Record<'read-only' | 'viewer' | 'add-only' | 'full', number>>;
}
type Send = (method: string, target: string, options?: RequestOptions) => Promise<{ readonly status: number }>;

const on = (path: string) => `/dav/${DRIVE_ID}${folder}${path}`;
const refresh = (send: Send, token: string) =>
  send('LOCK', on('/file'), { headers: { If: `(${token})`, Timeout: 'Second-1' } });
const unlock = (send: Send, token: string) => send('UNLOCK', on('/file'), { headers: { 'Lock-Token': token } });

const DOORS: Record<string, Door> = {
  'LOCK of a file': {
    open: (send) => send('LOCK', on('/file'), { body: LOCK }),
    answers: { 'read-only': 403, viewer: 403, 'add-only': 403, full: 200 },
  },
  'LOCK of a folder': {
    open: (send) => send('LOCK', on('/inner'), { body: LOCK }),
    answers: { 'read-only': 403, viewer: 403, 'add-only': 403, full: 200 },
  },
  'LOCK of an empty file, which may be filled': {
    open: (send) => send('LOCK', on('/empty'), { body: LOCK }),
    answers: { 'read-only': 403, viewer: 403, 'add-only': 200, full: 200 },
  },
  'LOCK of a new name': {
    open: (send) => send('LOCK', on('/new'), { body: LOCK }),
    answers: { 'read-only': 403, viewer: 403, 'add-only': 201, full: 201 },
  },
  'refresh of a lock of the same user': {
    prepare: () => lockOf(alice, `${folder}/file`),
    open: refresh,
    answers: { 'read-only': 403, viewer: 403, 'add-only': 200, full: 200 },
  },
  "refresh of another member's lock": {
    prepare: () => lockOf(bob, `${folder}/file`),
    open: refresh,
    answers: { 'read-only': 403, viewer: 403, 'add-only': 412, full: 412 },
  },
  'UNLOCK of a lock of the same user': {
    prepare: () => lockOf(alice, `${folder}/file`),
    open: unlock,
    answers: { 'read-only': 403, viewer: 403, 'add-only': 204, full: 204 },
  },
  "UNLOCK of another member's lock": {
    prepare: () => lockOf(bob, `${folder}/file`),
    open: unlock,
    answers: { 'read-only': 403, viewer: 403, 'add-only': 403, full: 204 },
  },
  'DELETE of an upload in parts': {
    prepare: beginUpload,
    open: (send, at) => send('DELETE', at),
    answers: { 'read-only': 403, viewer: 403, 'add-only': 204, full: 204 },
  },
  'DELETE of a part': {
    prepare: beginUpload,
    open: (send, at) => send('DELETE', `${at}/00001`),
    answers: { 'read-only': 403, viewer: 403, 'add-only': 204, full: 204 },
  },
  'PUT of a part': {
    prepare: beginUpload,
    open: (send, at) => send('PUT', `${at}/00002`, { body: 'x' }),
    answers: { 'read-only': 403, viewer: 403, 'add-only': 201, full: 201 },
  },
  'MKCOL of an upload in parts': {
    open: (send) => send('MKCOL', `${UPLOADS}/${emailOf('alice')}/${crypto.randomUUID()}`),
    answers: { 'read-only': 403, viewer: 404, 'add-only': 201, full: 201 },
  },
  'GET of a version': {
    prepare: versionInNextcloud,
    open: (send, at) => send('GET', at),
    answers: { 'read-only': 200, viewer: 200, 'add-only': 200, full: 200 },
  },
  "MOVE of a version to Nextcloud's place to restore": {
    prepare: versionInNextcloud,
    open: (send, at) =>
      send('MOVE', at, { headers: { Destination: at.replace(/versions\/\d+\/\d+$/, 'restore/target') } }),
    answers: { 'read-only': 403, viewer: 403, 'add-only': 403, full: 201 },
  },
  "COPY of ownCloud's version to its file": {
    prepare: versionInOwncloud,
    open: (send, at) => send('COPY', at, { headers: { Destination: on('/file') } }),
    answers: { 'read-only': 403, viewer: 403, 'add-only': 403, full: 204 },
  },
  'DELETE of a TUS upload': {
    prepare: beginTus,
    open: (send, at) => send('DELETE', at, { headers: TUS }),
    answers: { 'read-only': 403, viewer: 403, 'add-only': 204, full: 204 },
  },
};

describe('security 5 — what each principal may do with locks and uploads', () => {
  for (const [name, { prepare, open, answers }] of Object.entries(DOORS)) {
    test(name, async () => {
      const seen: Record<string, number> = {};
      for (const principal of Object.keys(answers)) {
        await server.addMember('vera', { role: 'member' });
        const prepared = (await prepare?.(users[principal]!)) ?? '';
        await server.addMember('vera', { role: 'viewer' });
        const send: Send = (method, target, options = {}) =>
          server.send(method, target, {
            ...options,
            headers: { Authorization: authorizations[principal]!, ...options.headers },
          });
        seen[principal] = (await open(send, prepared)).status;
        await removeLocks();
      }
      expect(seen).toEqual(answers);
    });
  }

  async function removeLocks(): Promise<void> {
    for (const name of ['file', 'empty', 'inner', 'new']) {
      const { text } = await alice('PROPFIND', `${folder}/${name}`, { headers: { Depth: '0' } });
      for (const [, token] of text.matchAll(/<D:locktoken><D:href>([^<]+)</g)) {
        await alice('UNLOCK', `${folder}/${name}`, { headers: { 'Lock-Token': `<${token}>` } });
      }
    }
    await alice('DELETE', `${folder}/new`);
  }
});

describe('security 4 — what a member holds goes with their rights', () => {
  const isLocked = async () => (await alice('PUT', `${folder}/file`, { body: 'file' })).status === 423;
  const WAYS: Record<string, () => Promise<void>> = {
    'who is removed': () => server.accounts.removeMember(DRIVE_ID, emailOf('vera')),
    'who becomes a viewer': () => server.addMember('vera', { role: 'viewer' }),
    'who is disabled': () => server.accounts.changeUser(emailOf('vera'), { isDisabled: true }),
  };
  for (const [who, takeAway] of Object.entries(WAYS)) {
    test(`the locks of a member ${who} go`, async () => {
      await server.addMember('vera', { role: 'member' });
      await lockOf(server.as('vera'), `${folder}/file`);
      await lockOf(bob, `${folder}/empty`);
      expect(await isLocked()).toBe(true);
      await takeAway();
      expect(await isLocked()).toBe(false);
      expect((await alice('PUT', `${folder}/empty`, { body: 'x' })).status).toBe(423);
      await server.accounts.changeUser(emailOf('vera'), { isDisabled: false });
    });
  }

  test('the open uploads of a member who is removed go, and the room that they held', async () => {
    await server.addMember('vera', { role: 'member' });
    const user = (await server.stores.accounts.findUser(emailOf('vera')))!;
    const [at, others] = [await beginUpload('vera'), await beginUpload('bob')];
    await server.accounts.removeMember(DRIVE_ID, emailOf('vera'));
    await server.engines.metadata.write([], ({ uploads }) =>
      uploads.removeExpired(DRIVE_ID as never, Date.now(), 1000),
    );
    const held = await server.engines.metadata.read([], (view) => view.uploads.held(DRIVE_ID as never, user.id));
    expect(held).toMatchObject({ memberBytes: 0 });
    await server.addMember('vera', { role: 'member' });
    expect((await server.send('PUT', `${at}/00002`, { user: 'vera', body: 'x' })).status).toBe(404);
    expect((await server.send('PUT', `${others}/00002`, { user: 'bob', body: 'x' })).status).toBe(201);
  });
});
