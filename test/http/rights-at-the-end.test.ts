import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { UserRow } from '../../src/stores/account-store.js';
import type { AppPasswordId, DriveId } from '../../src/stores/values.js';
import { ConsoleClient } from '../support/console-client.js';
import type { Answer, RequestOptions } from '../support/http-client.js';
import { DRIVE_ID, type DriveRequest, emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { change, hrefsOf } from '../support/multistatus.js';
import { BYTES, metadata, TUS } from '../support/tus-client.js';

const OTHER = 222222;
const ID = DRIVE_ID as DriveId;
const UPLOADS = `/dav/${DRIVE_ID}/remote.php/dav/uploads/${emailOf('bob')}`;
const FILES = `/dav/${DRIVE_ID}/remote.php/dav/files/${emailOf('bob')}`;
const LOCK =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
/** Goes to the disk, not into the database. */
const LARGE = 'x'.repeat(50_000);

let server: TestServer;
let alice: DriveRequest;
let bob: UserRow;
let device: { id: number; authorization: string };
let pages: ConsoleClient;
/** A new one for each test, which all members see. */
let folder: string;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addDrive({ id: OTHER, name: 'Other', owner: 'bob' });
  await server.addMember('carol', { driveId: OTHER, role: 'manager' });
  alice = server.as('alice');
  bob = (await server.stores.accounts.findUser(emailOf('bob')))!;
});
afterAll(() => server.stop());

beforeEach(async () => {
  const name = crypto.randomUUID();
  folder = `/Common%20documents/${name}`;
  expect((await alice('MKCOL', folder)).status).toBe(201);
  await server.stores.accounts.updateUser(bob.id, { isDisabled: false });
  await server.addMember('bob', { role: 'member' });
  await server.addMember('bob', { driveId: OTHER, role: 'manager' });
  device = await server.addAppPassword('bob');
  pages = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
  // Its first use is noted, which is a write of its own.
  expect((await onDrive('PROPFIND', '/')).status).toBe(207);
});

const send = (method: string, target: string, { headers, ...options }: RequestOptions = {}) =>
  server.send(method, target, { ...options, headers: { Authorization: device.authorization, ...headers } });
const onDrive = (method: string, target: string, options?: RequestOptions) =>
  send(method, `/dav/${DRIVE_ID}${target}`, options);
const everything = async () => hrefsOf((await alice('PROPFIND', '/', { headers: { Depth: 'infinity' } })).text);
const incoming = () => server.unfinished();
const waitingWrites = () => server.engines.metadata.stats().waitingWrites;

/** Keeps all writes waiting until it is called. */
async function holdWrites(): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = () => {};
  const beginning = new Promise<void>((resolve) => {
    begun = resolve;
  });
  void server.engines.metadata.write([], async () => {
    begun();
    await held;
  });
  await beginning;
  return release;
}

/** What takes bob's rights away, each by one write or two, and what he is told then. */
const WAYS: Record<string, { readonly taken: () => Promise<unknown>[]; readonly status: number }> = {
  'the app password is revoked, the session ended': {
    status: 401,
    taken: () => [
      server.stores.accounts.revokeAppPassword(bob.id, device.id as AppPasswordId, Date.now()),
      server.stores.security.endSessions(bob.id, null),
    ],
  },
  'the member is removed': { status: 404, taken: () => [server.stores.accounts.removeMember(ID, bob.id)] },
  'the member becomes a viewer': {
    status: 403,
    taken: () => [server.stores.accounts.putMember(ID, bob.id, 'viewer', null, Date.now())],
  },
  'the user is disabled': {
    status: 401,
    taken: () => [server.stores.accounts.updateUser(bob.id, { isDisabled: true })],
  },
};

const at = (name: string) => ({ headers: { Destination: server.urlOf(`${folder}/${name}`) } });
const BULK = 'boundary';
const bulkBody = () =>
  `--${BULK}\r\nContent-Length: 1\r\nX-File-Path: ${decodeURI(folder)}/bulk\r\n\r\nx\r\n--${BULK}--\r\n`;

/** Makes what the doors need, and gives what each of them does. */
async function prepareDoors(): Promise<Record<string, () => Promise<Answer>>> {
  for (const name of ['old', 'locked', 'gone', 'moved', 'props']) {
    await onDrive('PUT', `${folder}/${name}`, { body: name });
  }
  await onDrive('PUT', `${folder}/binned`, { body: 'binned' });
  await onDrive('DELETE', `${folder}/binned`);
  const locked = await onDrive('LOCK', `${folder}/locked`, { body: LOCK });
  const token = String(locked.headers['lock-token']);
  const upload = `u${crypto.randomUUID()}`;
  await send('MKCOL', `${UPLOADS}/${upload}`);
  await send('PUT', `${UPLOADS}/${upload}/00001`, { body: 'part' });
  const whole = `w${crypto.randomUUID()}`;
  await send('MKCOL', `${UPLOADS}/${whole}`);
  await send('PUT', `${UPLOADS}/${whole}/00001`, { body: 'whole' });
  const tus = async (name: string) => {
    const headers = { ...TUS, 'Upload-Length': '100', 'Upload-Metadata': metadata({ filename: name }) };
    const { headers: answered } = await onDrive('POST', folder, { headers });
    return new URL(answered.location!).pathname;
  };
  const [part, last, given] = [await tus('tus-part'), await tus('tus-last'), await tus('tus-given-up')];
  const offset = { ...BYTES, 'Upload-Offset': '0' };
  const api = `/api/drives/${DRIVE_ID}`;
  const inFolder = `/Drive${decodeURI(folder)}`;
  return {
    'PUT of a small file': () => onDrive('PUT', `${folder}/small`, { body: 'x' }),
    'PUT of a large file': () => onDrive('PUT', `${folder}/large`, { body: LARGE }),
    'PUT over a file': () => onDrive('PUT', `${folder}/old`, { body: 'new' }),
    MKCOL: () => onDrive('MKCOL', `${folder}/folder`),
    DELETE: () => onDrive('DELETE', `${folder}/gone`),
    'DELETE in the trash': () => onDrive('DELETE', '/Trash/binned'),
    MOVE: () => onDrive('MOVE', `${folder}/moved`, at('moved-away')),
    'MOVE from another drive': () =>
      send('MOVE', `/dav/${OTHER}/theirs`, { headers: { Destination: server.urlOf(`${folder}/theirs`) } }),
    COPY: () => onDrive('COPY', `${folder}/old`, at('copied')),
    PROPPATCH: () => onDrive('PROPPATCH', `${folder}/props`, { body: change({ '{urn:x}a': 'b' }) }),
    LOCK: () => onDrive('LOCK', `${folder}/props`, { body: LOCK }),
    'LOCK of a new name': () => onDrive('LOCK', `${folder}/lock-null`, { body: LOCK }),
    'refresh of a lock': () => onDrive('LOCK', `${folder}/locked`, { headers: { If: `(${token})` } }),
    UNLOCK: () => onDrive('UNLOCK', `${folder}/locked`, { headers: { 'Lock-Token': token } }),
    'POST that begins a TUS upload': () =>
      onDrive('POST', folder, {
        headers: { ...TUS, 'Upload-Length': '1', 'Upload-Metadata': metadata({ filename: 't' }) },
      }),
    'PATCH of a TUS upload': () => send('PATCH', part, { headers: offset, body: 'some' }),
    'last PATCH of a TUS upload': () => send('PATCH', last, { headers: offset, body: 'x'.repeat(100) }),
    'DELETE of a TUS upload': () => send('DELETE', given, { headers: TUS }),
    'MKCOL of an upload in parts': () => send('MKCOL', `${UPLOADS}/m${crypto.randomUUID()}`),
    'PUT of a part': () => send('PUT', `${UPLOADS}/${upload}/00002`, { body: 'part two' }),
    'PUT of a large part': () => send('PUT', `${UPLOADS}/${upload}/00003`, { body: LARGE }),
    'DELETE of a part': () => send('DELETE', `${UPLOADS}/${upload}/00001`),
    'MOVE that puts parts together': () =>
      send('MOVE', `${UPLOADS}/${whole}/.file`, { headers: { Destination: `${FILES}${folder}/whole` } }),
    'bulk upload': () =>
      send('POST', '/remote.php/dav/bulk', {
        headers: { 'Content-Type': `multipart/related; boundary=${BULK}` },
        body: bulkBody(),
      }),
    'console: folder': () => pages.send('POST', `${api}/folders`, { path: `${inFolder}/made` }),
    'console: move': () => pages.send('POST', `${api}/move`, { from: `${inFolder}/old`, to: `${inFolder}/m` }),
    'console: copy': () => pages.send('POST', `${api}/copy`, { from: `${inFolder}/old`, to: `${inFolder}/c` }),
    'console: delete': () => pages.send('POST', `${api}/delete`, { paths: [`${inFolder}/old`] }),
    'console: restore': () => pages.send('POST', `${api}/trash/restore`, { paths: ['/Trash/binned'] }),
    'console: empty the trash': () => pages.send('DELETE', `${api}/trash`),
    'console: upload': () =>
      pages.sendBytes('POST', `${api}/uploads`, {
        headers: { ...TUS, 'Upload-Length': '1', 'Upload-Metadata': metadata({ path: inFolder, filename: 'up' }) },
      }),
  };
}

describe('security 4 — what is revoked while a request waits for its commit does not commit', () => {
  for (const [way, { taken, status }] of Object.entries(WAYS)) {
    test(way, async () => {
      await send('PUT', `/dav/${OTHER}/theirs`, { body: 'theirs' });
      const doors = await prepareDoors();
      const before = await everything();
      const release = await holdWrites();
      const taking = taken();
      const names = Object.keys(doors);
      const answers: Promise<Answer>[] = [];
      try {
        await expect.poll(waitingWrites).toBe(taking.length);
        answers.push(...names.map((name) => doors[name]!()));
        await expect.poll(waitingWrites, { timeout: 10_000 }).toBe(taking.length + names.length);
      } finally {
        release();
      }
      await Promise.all(taking);
      const seen = Object.fromEntries(
        (await Promise.all(answers)).map((answer, index) => [names[index], answer.status]),
      );
      const wanted = Object.fromEntries(names.map((name) => [name, status]));
      // As at the start: a viewer is told of each file by itself.
      if (status === 403) wanted['bulk upload'] = 200;
      expect(seen).toEqual(wanted);
      expect(await everything()).toEqual(before);
      expect((await alice('GET', `${folder}/old`)).text).toBe('old');
      expect(await incoming()).toEqual([]);
      if (status === 401) {
        const refused = (await Promise.all(answers))[0]!;
        expect(refused.headers['www-authenticate']).toMatch(/^Basic realm=/);
      }
      await alice('DELETE', '/Trash/binned');
    });
  }
});

describe('security 4 — a long poll', () => {
  for (const [way, { taken, status }] of Object.entries(WAYS)) {
    // A viewer may read.
    if (status === 403) continue;
    test(`${way}: the change that ends the wait is not told`, async () => {
      const changes = (query: string) => send('GET', `/api/drives/${DRIVE_ID}/changes?${query}`);
      const { cursor } = JSON.parse((await changes('')).text) as { cursor: string };
      const polling = changes(`since=${encodeURIComponent(cursor)}&timeout=50`);
      await expect
        .poll(async () => (await server.send('GET', '/metrics')).text)
        .toMatch(/^firn_change_feed_waiting 1$/m);
      await Promise.all(taken());
      await alice('PUT', `${folder}/secret`, { body: 'x' });
      const { text, ...answer } = await polling;
      expect(answer.status).toBe(status);
      expect(text).not.toContain('secret');
    });
  }
});

/** A body whose second half comes when `go` is called; `begun` resolves when the server asks for the first. */
function slowBody(): { body: AsyncIterable<Uint8Array>; begun: Promise<void>; go: () => void } {
  let begin = () => {};
  let go = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const body = (async function* () {
    yield Buffer.alloc(100_000, 'a');
    begin();
    await gate;
    yield Buffer.alloc(100_000, 'b');
  })();
  return { body, begun, go };
}

describe('security 4 — a PUT that is kept open', () => {
  for (const [way, { taken, status }] of Object.entries(WAYS)) {
    test(`${way}: ${status} at its end, the old version stays, nothing is left`, async () => {
      await alice('PUT', `${folder}/kept`, { body: 'old' });
      const slow = slowBody();
      const putting = onDrive('PUT', `${folder}/kept`, { body: slow.body, headers: { Expect: '100-continue' } });
      await slow.begun;
      await expect.poll(incoming).toHaveLength(1);
      await Promise.all(taken());
      slow.go();
      expect((await putting).status).toBe(status);
      expect((await alice('GET', `${folder}/kept`)).text).toBe('old');
      expect(await incoming()).toEqual([]);
    });
  }
});
