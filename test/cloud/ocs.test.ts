import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Passwords, PasswordsBusyError } from '../../src/accounts/passwords.js';
import { StorageFullError } from '../../src/stores/blob-store.js';
import { StoreBusyError, StoreFailingError } from '../../src/stores/metadata-store.js';
import { authorizationOf, basic, TestServer } from '../support/make-server.js';
import { childrenOf, parseAnswer, textIn, type Xml } from '../support/multistatus.js';
import { testOnOneServer } from '../support/tried.js';

const USER = 'alice@example.org';
const WRONG = basic(USER, 'not the password at all');
const ASKS = { 'OCS-APIRequest': 'true' };
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
});
afterAll(() => server.stop());

interface Options {
  readonly as?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}
/** `target` begins after the version's `.php`. */
async function ask(version: 1 | 2, target: string, { as, method = 'GET', headers = {} }: Options = {}) {
  const credentials = as === undefined ? {} : { Authorization: as };
  const answer = await server.send(method, `/ocs/v${version}.php${target}`, {
    headers: { ...ASKS, ...credentials, ...headers },
  });
  const isJson = answer.headers['content-type'] === 'application/json; charset=utf-8';
  return { ...answer, ocs: isJson && answer.text !== '' ? JSON.parse(answer.text).ocs : null };
}
const alice = {
  get as() {
    return authorizationOf('alice');
  },
};

/** Follows names from the root of an XML answer. */
function at(text: string, ...names: string[]): Xml {
  let element = parseAnswer(text);
  for (const name of names) element = childrenOf(element, `{}${name}`)[0]!;
  return element;
}

describe('client-requirements R34, §2.10 — OCS capabilities', () => {
  test.each([
    [1, 100],
    [2, 200],
  ] as const)('version %i says %i for “OK”, signed in or not', async (version, statuscode) => {
    for (const options of [{}, alice]) {
      const { status, ocs, headers } = await ask(version, '/cloud/capabilities?format=json', options);
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('application/json; charset=utf-8');
      expect(ocs.meta).toEqual({ status: 'ok', statuscode, message: 'OK' });
      expect(ocs.data.version).toMatchObject({ major: 28, minor: 0, micro: 0, string: '28.0.0', edition: '' });
      const { core, dav, files, checksums } = ocs.data.capabilities;
      expect(core['webdav-root']).toBe('remote.php/webdav');
      expect(dav).toEqual({ chunking: '1.0', bulkupload: '1.0' });
      expect(files).toMatchObject({ bigfilechunking: true, undelete: true, versioning: true });
      expect(files).toMatchObject({ version_labeling: false, version_deletion: false });
      expect(checksums.supportedTypes).toContain('SHA1');
      expect(checksums.preferredUploadType).toBe('SHA1');
    }
  });

  test('its version is that of status.php', async () => {
    const { ocs } = await ask(1, '/cloud/capabilities?format=json');
    const status = JSON.parse((await server.send('GET', '/status.php')).text);
    expect(status.versionstring).toBe(ocs.data.version.string);
    expect(ocs.data.capabilities.core.status.version).toBe(status.version);
  });

  test('XML without format and with format=xml; JSON by Accept; the query wins', async () => {
    for (const [query, headers] of [
      ['', {}],
      ['?format=xml', {}],
      ['?format=xml', { Accept: 'application/json' }],
    ] as const) {
      const answer = await ask(1, `/cloud/capabilities${query}`, { headers });
      expect(answer.headers['content-type']).toBe('application/xml; charset=utf-8');
      expect(textIn(at(answer.text, 'meta', 'statuscode'))).toBe('100');
      const capabilities = at(answer.text, 'data', 'capabilities');
      expect(textIn(at(answer.text, 'data', 'capabilities', 'files', 'bigfilechunking'))).toBe('1');
      expect(textIn(at(answer.text, 'data', 'capabilities', 'files', 'versioning'))).toBe('1');
      const types = childrenOf(childrenOf(childrenOf(capabilities, '{}checksums')[0], '{}supportedTypes')[0]);
      expect(types.map((type) => [type.name, textIn(type)])).toContainEqual(['{}element', 'SHA1']);
    }
    const byAccept = await ask(2, '/cloud/capabilities', { headers: { Accept: 'application/json, text/plain' } });
    expect(byAccept.ocs.meta.statuscode).toBe(200);
  });

  test('at a path mount, at a drive’s own host, with doubled slashes, and HEAD', async () => {
    const target = '/ocs/v2.php/cloud/capabilities?format=json';
    for (const [prefix, headers] of [
      ['/dav/123456', {}],
      ['', { Host: '123456.connect.example.org' }],
      ['/', {}],
    ] as const) {
      const { status, text } = await server.send('GET', `${prefix}${target}`, { headers });
      expect([status, JSON.parse(text).ocs.meta.statuscode]).toEqual([200, 200]);
    }
    expect(await ask(1, '//cloud//capabilities/?format=json')).toMatchObject({
      status: 200,
      ocs: { meta: { statuscode: 100 } },
    });
    const head = await ask(1, '/cloud/capabilities?format=json', { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
  });

  test('ownCloud’s /config needs no credentials either', async () => {
    expect((await ask(1, '/config?format=json')).ocs.data).toMatchObject({ version: '1.7', website: 'Firn' });
  });
});

describe('client-requirements R34 — OCS, the user', () => {
  test('user and users/ID, by whatever spelling of the address, say who has signed in', async () => {
    for (const version of [1, 2] as const) {
      for (const target of ['/cloud/user', `/cloud/users/${USER}`, '/cloud/users/ALICE%40example.org']) {
        const { status, ocs } = await ask(version, `${target}?format=json`, alice);
        expect([status, ocs.meta.status]).toEqual([200, 'ok']);
        expect(ocs.data).toMatchObject({ id: USER, email: USER, enabled: true, displayname: 'alice' });
        expect(ocs.data['display-name']).toBe('alice');
      }
    }
  });

  test('quota is that of the drive; -3 is no limit', async () => {
    await server.addUser('carol');
    await server.addDrive({ id: 300001, name: 'Small', owner: 'carol', quotaBytes: 1000 });
    await server.as('carol', 300001)('PUT', '/a', { body: 'x'.repeat(250) });
    const of = async (name: string) =>
      (await ask(2, '/cloud/user?format=json', { as: authorizationOf(name) })).ocs.data.quota;
    expect(await of('carol')).toEqual({ free: 750, used: 250, total: 1000, relative: 25, quota: 1000 });
    expect(await of('bob')).toMatchObject({ free: -3, total: -3, quota: -3, relative: 0 });
  });

  test('in XML, with what a name may hold escaped', async () => {
    const { id } = (await server.stores.accounts.findUser('bob@example.org'))!;
    await server.stores.accounts.updateUser(id, { name: 'Bob & <Söhne>' });
    const { text } = await ask(1, '/cloud/user', { as: authorizationOf('bob') });
    expect(textIn(at(text, 'data', 'display-name'))).toBe('Bob & <Söhne>');
    expect(textIn(at(text, 'data', 'enabled'))).toBe('1');
  });

  test('another user’s is not found, member of the same drive or not', async () => {
    for (const name of ['bob@example.org', 'nobody@example.org']) {
      const first = await ask(1, `/cloud/users/${name}?format=json`, alice);
      expect([first.status, first.ocs.meta.status, first.ocs.meta.statuscode]).toEqual([200, 'failure', 998]);
      const second = await ask(2, `/cloud/users/${name}?format=json`, alice);
      expect([second.status, second.ocs.meta.statuscode, second.ocs.data]).toEqual([404, 404, []]);
    }
  });
});

describe('client-requirements R34, §2.12 — OCS fails softly: in its envelope', () => {
  test.each([
    ['GET', '/apps/files/api/v1/directEditing'],
    ['GET', '/apps/files_sharing/api/v1/shares'],
    ['GET', '/apps/notifications/api/v2/notifications'],
    ['GET', '/apps/user_status/api/v1/user_status'],
    ['GET', '/core/autocomplete/get'],
    ['GET', '/'],
    ['POST', '/cloud/user'],
    ['PUT', '/cloud/capabilities'],
    ['DELETE', '/cloud/users/alice@example.org'],
  ])('%s %s is unknown: HTTP 200 and 998 in version 1, 404 and 404 in version 2', async (method, target) => {
    const first = await ask(1, `${target}?format=json`, { ...alice, method });
    expect([first.status, first.ocs.meta.status, first.ocs.meta.statuscode]).toEqual([200, 'failure', 998]);
    const second = await ask(2, `${target}?format=json`, { ...alice, method });
    expect([second.status, second.ocs.meta.status, second.ocs.meta.statuscode]).toEqual([404, 'failure', 404]);
    const xml = await ask(2, target, { ...alice, method });
    expect([xml.status, textIn(at(xml.text, 'meta', 'statuscode'))]).toEqual([404, '404']);
  });

  test.each([
    [1, 997],
    [2, 401],
  ] as const)(
    'version %i, without credentials and with wrong ones: HTTP 401 with a challenge, %i inside',
    async (version, code) => {
      for (const [target, options] of [
        ['/cloud/user', {}],
        ['/core/getapppassword', {}],
        ['/apps/whatever', {}],
        ['/cloud/user', { as: WRONG }],
        ['/cloud/capabilities', { as: WRONG }],
      ] as const) {
        const { status, headers, ocs } = await ask(version, `${target}?format=json`, options);
        expect([status, ocs.meta.status, ocs.meta.statuscode]).toEqual([401, 'failure', code]);
        expect(headers['www-authenticate']).toMatch(/^Basic realm="Firn"/);
        expect(ocs.meta.message).not.toBe('');
      }
    },
  );

  test('who is a member of no drive, or not of this one, is told so', async () => {
    await server.addUser('dora');
    const as = authorizationOf('dora');
    const first = await ask(1, '/cloud/user?format=json', { as });
    expect([first.status, first.ocs.meta.statuscode]).toEqual([200, 998]);
    expect(first.ocs.meta.message).toBe('You are a member of no drive yet. Ask the administrator to add you to one.');
    for (const id of [123456, 999999]) {
      const target = `/dav/${id}/ocs/v2.php/cloud/user?format=json`;
      const { status, text } = await server.send('GET', target, { headers: { Authorization: as } });
      expect([status, JSON.parse(text).ocs.meta.message]).toEqual([
        404,
        'There is no such drive, or you are no member of it.',
      ]);
    }
  });

  test('PRODUCT S5 — guessing is slowed here as everywhere: 429 with Retry-After in both versions', async () => {
    await server.addUser('erin');
    let answer = await ask(1, '/cloud/user?format=json', { as: basic('erin@example.org', 'guess 0') });
    for (let guess = 1; answer.status === 401 && guess < 20; guess++) {
      answer = await ask(guess % 2 === 0 ? 1 : 2, '/cloud/user?format=json', {
        as: basic('erin@example.org', `guess ${guess}`),
      });
    }
    expect([answer.status, answer.ocs.meta.statuscode]).toEqual([429, 429]);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('client-requirements R34 — OCS, app passwords', () => {
  const list = async (email = USER) =>
    (await server.accounts.appPasswords(email)).filter((row) => row.revokedAt === null);

  test('getapppassword changes the account password for an app password, named after the program', async () => {
    const headers = { 'User-Agent': 'Mozilla/5.0 (iOS) Nextcloud-iOS/6.2.0' };
    const { status, text } = await ask(2, '/core/getapppassword', { ...alice, headers });
    expect(status).toBe(200);
    const secret = textIn(at(text, 'data', 'apppassword'));
    const as = basic(USER, secret);
    expect(
      (await server.send('PROPFIND', '/remote.php/webdav/', { headers: { Authorization: as, Depth: '0' } })).status,
    ).toBe(207);
    expect((await list()).map(({ name, driveId }) => [name, driveId])).toEqual([['Nextcloud iOS 6.2.0', null]]);

    const again = await ask(2, '/core/getapppassword?format=json', { as });
    expect([again.status, again.ocs.meta.statuscode]).toEqual([403, 403]);
    const first = await ask(1, '/core/getapppassword?format=json', { as });
    expect([first.status, first.ocs.meta.statuscode]).toEqual([200, 403]);
    expect(await list()).toHaveLength(1);

    const revoke = await ask(2, '/core/apppassword?format=json', { as, method: 'DELETE' });
    expect([revoke.status, revoke.ocs.meta]).toEqual([200, { status: 'ok', statuscode: 200, message: 'OK' }]);
    expect((await ask(2, '/cloud/user?format=json', { as })).status).toBe(401);
    expect(await list()).toEqual([]);
  });

  test('at the address of a drive it is for that drive alone', async () => {
    await server.addDrive({ id: 300002, name: 'Other' });
    const { text } = await server.send('GET', '/dav/300002/ocs/v1.php/core/getapppassword?format=json', {
      user: 'alice',
      headers: ASKS,
    });
    const { ocs } = JSON.parse(text);
    expect(ocs.meta.statuscode).toBe(100);
    const as = basic(USER, ocs.data.apppassword);
    const statusAt = async (id: number) =>
      (await server.as(as, id)('PROPFIND', '/', { headers: { Depth: '0' } })).status;
    expect(await Promise.all([300002, 123456].map(statusAt))).toEqual([207, 404]);
    await server.accounts.revokeAppPasswords(USER);
  });

  test('without the header that no other site can send it makes none (a browser may remember the password)', async () => {
    const { status } = await server.send('GET', '/ocs/v2.php/core/getapppassword', { user: 'alice' });
    expect(status).toBe(412);
    expect(await list()).toEqual([]);
  });

  test('an account password can’t be revoked here', async () => {
    const { status, ocs } = await ask(2, '/core/apppassword?format=json', { ...alice, method: 'DELETE' });
    expect([status, ocs.meta.statuscode]).toEqual([403, 403]);
    expect((await ask(2, '/cloud/user?format=json', alice)).status).toBe(200);
  });

  test('two that revoke at once have both succeeded, or come too late', async () => {
    const { authorization: as } = await server.addAppPassword('bob');
    expect((await ask(2, '/cloud/user', { as })).status).toBe(200);
    const revoke = () => ask(2, '/core/apppassword', { as, method: 'DELETE' });
    const statuses = (await Promise.all([revoke(), revoke(), revoke()])).map(({ status }) => status);
    expect(statuses).toContain(200);
    for (const status of statuses) expect([200, 401]).toContain(status);
    expect(await list('bob@example.org')).toEqual([]);
  });
});

describe('client-requirements §2.12 — what the stores refuse is inside the envelope, too', () => {
  testOnOneServer.each([
    ['busy', new StoreBusyError(), 503, 503, '5'],
    ['failing', new StoreFailingError('a disk that fails'), 503, 503, '10'],
    ['full', new StorageFullError(), 507, 200, undefined],
  ] as const)('a store that is %s', async (_name, error, statuscode, firstStatus, retryAfter) => {
    await ask(2, '/cloud/user?format=json', alice);
    const { metadata } = server.engines;
    for (const version of [1, 2] as const) {
      const read = vi.spyOn(metadata, 'read').mockRejectedValue(error);
      const { status, headers, ocs } = await ask(version, '/cloud/user?format=json', alice);
      read.mockRestore();
      expect(status).toBe(version === 1 ? firstStatus : statuscode);
      expect(ocs.meta).toMatchObject({ status: 'failure', statuscode });
      expect(ocs.meta.message).toMatch(/^The server/);
      expect(headers['retry-after']).toBe(retryAfter);
    }
  });

  test('too many passwords that are checked at once', async () => {
    const verify = vi.spyOn(Passwords.prototype, 'verifyPassword').mockRejectedValue(new PasswordsBusyError());
    const { status, headers, ocs } = await ask(1, '/cloud/user?format=json', { as: basic(USER, 'another one') });
    verify.mockRestore();
    expect([status, headers['retry-after']]).toEqual([503, '2']);
    expect(ocs.meta).toEqual({ status: 'failure', statuscode: 503, message: expect.stringMatching(/^Too many/) });
  });
});
