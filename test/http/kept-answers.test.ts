import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Accounts } from '../../src/accounts/accounts.js';
import { Audit } from '../../src/accounts/audit.js';
import { Passwords } from '../../src/accounts/passwords.js';
import { expireTrash } from '../../src/drive/trash.js';
import { type Engines, openEngines } from '../../src/engines/open-engines.js';
import type { Answer, RequestOptions } from '../support/http-client.js';
import { endOf, startImport } from '../support/import-start.js';
import { authorizationOf, DRIVE_ID, emailOf, TestServer } from '../support/make-server.js';
import { askFor, change } from '../support/multistatus.js';

const OC = '{http://owncloud.org/ns}';
const OTHER = 222222;
const SHARED = '/Common%20documents';
const LOCK =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
/** Enough for a BlobStore: smaller contents are each file's own. */
const SAME = 'same everywhere '.repeat(2000);
/** How long something lives that ends by time, in milliseconds. */
const LIFE_MS = 1500;

let server: TestServer;
/** What another process has open. */
let beside: Engines;
let device: { id: number; authorization: string };

/** Whose rights are looked at: nobody's else change. */
const WHO: Record<string, () => string> = {
  alice: () => authorizationOf('alice'),
  bob: () => authorizationOf('bob'),
  'a device of bob': () => device.authorization,
};
const CLOUD = askFor('{DAV:}getetag', '{DAV:}quota-used-bytes', '{DAV:}quota-available-bytes', `${OC}permissions`);
const CHECKSUMS = askFor(`${OC}checksums`, `${OC}id`, '{http://example.org/}colour', `${OC}favorite`);
const SYNC = askFor('{DAV:}sync-token', '{DAV:}displayname', `${OC}size`, `${OC}data-fingerprint`);

type Question = readonly [method: string, target: string, options?: RequestOptions];
const drive = (path: string) => `/dav/${DRIVE_ID}${path}`;
const ask = (depth: string, path: string, body = ''): Question => [
  'PROPFIND',
  path,
  { headers: { Depth: depth }, ...(body === '' ? {} : { body }) },
];
const QUESTIONS: readonly Question[] = [
  ['GET', drive(`${SHARED}/a/small.txt`)],
  ['HEAD', drive(`${SHARED}/a/small.txt`)],
  ['GET', drive(`${SHARED}/a/large.bin`)],
  ['GET', drive(`${SHARED}/a/small.txt`), { headers: { Range: 'bytes=1-2' } }],
  ['HEAD', drive(`${SHARED}/a`)],
  ask('0', drive(`${SHARED}/a/small.txt`)),
  ask('0', drive(`${SHARED}/a/`), CHECKSUMS),
  ask('0', drive(`${SHARED}/`), SYNC),
  ask('1', drive('/'), SYNC),
  ask('1', drive(SHARED)),
  ask('1', drive(`${SHARED}/a/`), CLOUD),
  ask('1', drive(`${SHARED}/a/`)),
  ask('1', drive(`${SHARED}/a/b/`), CHECKSUMS),
  ask('1', drive('/Trash/')),
  ask('infinity', drive(`${SHARED}/`), CHECKSUMS),
  ...['alice', 'bob'].flatMap((name) => [
    ask('1', `/remote.php/dav/files/${emailOf(name)}${SHARED}/a`, CHECKSUMS),
    ask('0', `/remote.php/dav/files/${emailOf(name)}/`),
    ['GET', `/remote.php/webdav${SHARED}/a/small.txt`] as const,
  ]),
];

/** But for what each answer has of its own. */
function shownOf({ status, headers, text }: Answer): string {
  const { date: _date, 'x-request-id': _id, ...kept } = headers;
  // A lock has less time each second: the last test looks at that.
  const body = text
    .replace(/(?<=Second-)\d+/g, (left) => String(Math.round(Number(left) / 1000)))
    .replace(/(?<=request-id>)[^<]+/g, '');
  return JSON.stringify([status, kept, body], null, 1);
}

async function answers(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, authorization] of Object.entries(WHO)) {
    for (const [method, target, options] of QUESTIONS) {
      const headers = { Authorization: authorization(), ...options?.headers };
      const depth = options?.headers?.Depth ?? '';
      const answer = await server.send(method, target, { ...options, headers });
      found[`${name}: ${method} ${target} ${depth} ${options?.body ?? ''}`] = shownOf(answer);
    }
  }
  return found;
}

/** The same, each worked out from the database. */
async function workedOut(): Promise<Record<string, string>> {
  const { commits } = server.engines.metadata;
  const { look } = commits;
  commits.look = () => null;
  try {
    return await answers();
  } finally {
    commits.look = look;
  }
}

/** Questions that are answered otherwise. */
function differing(one: Record<string, string>, other: Record<string, string>): string[] {
  return Object.keys(one).filter((question) => one[question] !== other[question]);
}

const hits = async () => {
  const { text } = await server.send('GET', '/metrics');
  return Number(/^firn_kept_answer_hits_total (\d+)/m.exec(text)?.[1]);
};

const run = async (status: number, method: string, path: string, options: RequestOptions = {}) => {
  const answer = await server.as('alice')(method, path, options);
  expect([method, path, answer.status]).toEqual([method, path, status]);
  return answer;
};
const to = (path: string) => ({ headers: { Destination: server.urlOf(path) } });
const put = (path: string, body: string, headers = {}) => server.as('alice')('PUT', path, { body, headers });
const tokenOf = ({ headers }: Answer) => String(headers['lock-token']);

/** A change, after what has to be before it and is no part of it. */
interface Change {
  readonly before?: () => Promise<unknown>;
  readonly change: (before: unknown) => Promise<unknown>;
}

const lock = (seconds: number) =>
  run(200, 'LOCK', `${SHARED}/a/small.txt`, { body: LOCK, headers: { Timeout: `Second-${seconds}` } });
const accounts = () => server.accounts;
const bobIsBack = async () => {
  await server.addMember('bob');
  await accounts().setDisabled(emailOf('bob'), false);
  await accounts().requireSecondFactor(false);
};
const newDevice = async (expiresAt: number | null = null) => {
  device = await server.addAppPassword('bob', { expiresAt });
};

const CHANGES: Record<string, Change> = {
  'PUT of a new name': { change: () => put(`${SHARED}/a/b/new.txt`, 'new') },
  'PUT of other bytes': { change: () => put(`${SHARED}/a/small.txt`, 'others') },
  'PUT of other bytes that go to the disk': { change: () => put(`${SHARED}/a/large.bin`, 'y'.repeat(50_000)) },
  MKCOL: { change: () => run(201, 'MKCOL', `${SHARED}/a/c`) },
  'COPY of a tree': { change: () => run(201, 'COPY', `${SHARED}/a`, to(`${SHARED}/copy`)) },
  'MOVE away': { change: () => run(201, 'MOVE', `${SHARED}/a/small.txt`, to('/elsewhere.txt')) },
  'MOVE to here': { change: () => run(201, 'MOVE', '/elsewhere.txt', to(`${SHARED}/a/small.txt`)) },
  'MOVE of an ancestor, and back': {
    change: () => run(201, 'MOVE', `${SHARED}/a`, to(`${SHARED}/z`)),
  },
  'MOVE back': { change: () => run(201, 'MOVE', `${SHARED}/z`, to(`${SHARED}/a`)) },
  'MOVE over something': {
    before: () => put(`${SHARED}/a/other.txt`, 'other'),
    change: () => run(204, 'MOVE', `${SHARED}/a/other.txt`, to(`${SHARED}/a/small.txt`)),
  },
  DELETE: {
    before: () => put(`${SHARED}/a/lost.txt`, 'lost'),
    change: () => run(204, 'DELETE', `${SHARED}/a/lost.txt`),
  },
  'restored from the trash': {
    change: async () => {
      const { text } = await run(207, 'PROPFIND', '/Trash/', { headers: { Depth: '1' } });
      const [, name] = /\/Trash\/(lost[^<]*)</.exec(text) ?? [];
      return run(201, 'MOVE', `/Trash/${name}`, to(`${SHARED}/a/lost.txt`));
    },
  },
  'the trash is emptied': {
    before: () => run(204, 'DELETE', `${SHARED}/copy`),
    change: () => server.send('DELETE', `/remote.php/dav/trashbin/${emailOf('alice')}/trash`, { user: 'alice' }),
  },
  PROPPATCH: {
    change: () =>
      run(207, 'PROPPATCH', `${SHARED}/a/small.txt`, {
        body: change({ '{http://example.org/}colour': 'red' }),
      }),
  },
  LOCK: { change: () => lock(5000) },
  'the refresh of a lock': {
    before: async () =>
      tokenOf(await run(200, 'LOCK', `${SHARED}/a/large.bin`, { body: LOCK, headers: { Timeout: 'Second-9000' } })),
    change: (token) =>
      run(200, 'LOCK', `${SHARED}/a/large.bin`, { headers: { If: `(${token})`, Timeout: 'Second-3000' } }),
  },
  UNLOCK: {
    before: async () =>
      tokenOf(await run(200, 'LOCK', `${SHARED}/a/b`, { body: LOCK, headers: { Timeout: 'Second-7000' } })),
    change: (token) => run(204, 'UNLOCK', `${SHARED}/a/b`, { headers: { 'Lock-Token': String(token) } }),
  },
  'a lock ends by time': {
    before: () => run(200, 'LOCK', `${SHARED}/a/b`, { body: LOCK, headers: { Timeout: 'Second-1' } }),
    change: () => wait(LIFE_MS),
  },
  'a version is restored': {
    before: () => put(`${SHARED}/a/b/new.txt`, 'newer'),
    change: async () => {
      const id = await server.idOf('alice', `${SHARED}/a/b/new.txt`);
      const folder = `/remote.php/dav/versions/${emailOf('alice')}/versions/${id}`;
      const { text } = await server.send('PROPFIND', folder, { user: 'alice', headers: { Depth: '1' } });
      const [, version] = [...text.matchAll(/<D:href>([^<]+)<\/D:href>/g)].map((match) => match[1]!);
      const Destination = `/remote.php/dav/versions/${emailOf('alice')}/restore/x`;
      expect((await server.send('MOVE', version!, { user: 'alice', headers: { Destination } })).status).toBe(201);
    },
  },
  'an upload in parts': {
    change: async () => {
      const uploads = `/remote.php/dav/uploads/${emailOf('alice')}/one`;
      const send = (method: string, target: string, options = {}) =>
        server.send(method, target, { user: 'alice', ...options });
      const Destination = `/remote.php/dav/files/${emailOf('alice')}${SHARED}/a/parts.txt`;
      await send('MKCOL', uploads, { headers: { Destination } });
      await send('PUT', `${uploads}/1`, { body: 'part', headers: { Destination } });
      expect((await send('MOVE', `${uploads}/.file`, { headers: { Destination } })).status).toBe(201);
    },
  },
  'an import': {
    before: () => run(201, 'MKCOL', `${SHARED}/a/imported`),
    change: async () => {
      const url = server.urlOf('/');
      const options = { user: emailOf('alice'), password: 'grey otters like cold rivers', from: 'source' };
      const id = await startImport(server, url, { ...options, to: `${decodeURI(SHARED).slice(1)}/a/imported` });
      expect((await endOf(server, id)).state).toBe('succeeded');
    },
  },
  'the same bytes come to another drive with their checksum': {
    change: () =>
      server.send('PUT', `/dav/${OTHER}/same.txt`, {
        user: 'alice',
        body: SAME,
        headers: { 'OC-Checksum': `SHA1:${createHash('sha1').update(SAME).digest('hex')}` },
      }),
  },
  'the drive has another quota': { change: () => accounts().changeDrive(DRIVE_ID, { quotaBytes: 3_000_000 }) },
  'the drive has another name': { change: () => accounts().changeDrive(DRIVE_ID, { name: 'Ship' }) },
  'a member may only look': { change: () => accounts().putMember(DRIVE_ID, emailOf('bob'), { role: 'viewer' }) },
  'a member has a quota': { change: () => accounts().putMember(DRIVE_ID, emailOf('bob'), { quotaBytes: 9_000 }) },
  'a member is removed': { change: () => accounts().removeMember(DRIVE_ID, emailOf('bob')) },
  'a member comes back': { change: bobIsBack },
  'another own drive': {
    before: () => server.addMember('bob', { driveId: OTHER }),
    change: () => accounts().setOwnDrive(emailOf('bob'), OTHER),
  },
  'the own drive of before': { change: () => accounts().setOwnDrive(emailOf('bob'), DRIVE_ID) },
  'a user is disabled': { change: () => accounts().setDisabled(emailOf('bob'), true) },
  'a user is enabled': { change: bobIsBack },
  'an app password is revoked': {
    before: () => newDevice(),
    change: () => accounts().revokeAppPassword(emailOf('bob'), device.id),
  },
  'an app password ends by time': {
    before: () => newDevice(Date.now() + 4 * LIFE_MS),
    change: () => wait(4 * LIFE_MS),
  },
  'a second factor is required of everyone': {
    before: () => newDevice(),
    change: () => accounts().requireSecondFactor(true),
  },
  'a second factor is no longer required': { change: bobIsBack },
  'another password': { change: () => accounts().setPassword(emailOf('bob'), 'brown bears like warm rivers') },
  'the trash forgets by age': {
    before: () => run(204, 'DELETE', `${SHARED}/a/parts.txt`),
    change: async () => {
      const now = Date.now();
      await expireTrash(server.engines.metadata, now + 1000, now);
    },
  },
  'another process renames the drive': {
    change: () => {
      const audit = new Audit(beside.metadata);
      const options = { uploadMaxBytes: server.config.uploadMaxExtendedBytes, audit };
      return new Accounts(beside.metadata, new Passwords(), options).changeDrive(DRIVE_ID, { name: 'Boat' });
    },
  },
  'another process changes a file': {
    change: async () => {
      const id = await server.idOf('alice', `${SHARED}/a/small.txt`);
      await beside.metadata.write([], async (store) => {
        const [node] = await store.findNodes([id]);
        await store.setTimes(node!, { modified: 1_000_000_000_000 });
      });
    },
  },
};

beforeAll(async () => {
  server = await TestServer.start({ importAllowedNetworks: ['127.0.0.1'] });
  await server.addDrive({ id: OTHER, name: 'Other', owner: 'alice', quotaBytes: 6_000_000 });
  await accounts().setOwnDrive(emailOf('alice'), DRIVE_ID);
  await server.addMember('bob');
  await newDevice();
  // The disk has another number every few seconds.
  await accounts().changeDrive(DRIVE_ID, { quotaBytes: 5_000_000 });
  for (const path of [`${SHARED}/a`, `${SHARED}/a/b`, '/source']) await run(201, 'MKCOL', path);
  await put(`${SHARED}/a/small.txt`, 'small');
  await put(`${SHARED}/a/large.bin`, 'x'.repeat(50_000));
  await put(`${SHARED}/a/b/same.txt`, SAME);
  await put('/source/from.txt', 'from elsewhere');
  beside = await openEngines(server.config, { isCommand: true });
});
afterAll(async () => {
  await beside?.close();
  await server?.stop();
});

/** Without a cache there is nothing to see. */
const isKept = process.env.FIRN_TEST_ANSWER_CACHE_BYTES !== '0';

describe('an answer that was kept is the one that would be worked out', () => {
  test.each(Object.entries(CHANGES))('%s', async (_title, { before, change: make }) => {
    const given = await before?.();
    const earlier = await answers();
    const hitsBefore = await hits();
    expect(differing(await answers(), earlier)).toEqual([]);
    if (isKept) expect(await hits()).toBeGreaterThan(hitsBefore);
    await make(given);
    const now = await answers();
    expect(differing(now, await workedOut())).toEqual([]);
    // The change is one that these questions see.
    expect(differing(now, earlier)).not.toEqual([]);
  });

  test('what is left of a lock’s time is told as of each answer', async () => {
    await run(200, 'LOCK', `${SHARED}/a/b`, { body: LOCK, headers: { Timeout: 'Second-1000' } });
    const left = async () => /Second-\d+/.exec((await run(207, 'PROPFIND', `${SHARED}/a/b`)).text)?.[0];
    const [first] = [await left(), await wait(1001)];
    expect(await left()).not.toBe(first);
  });
});
