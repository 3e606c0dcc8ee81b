import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { type DriveRequest, TestServer } from '../support/make-server.js';
import { askFor, change, parseMultistatus, textIn } from '../support/multistatus.js';
import { MIGRATIONS, openRaw, temporaryFile } from '../support/sqlite-file.js';

const KIB = 1024;
const QUOTA = 600 * KIB;
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addDrive({ id: 654321, name: 'Small', quotaBytes: QUOTA });
  await server.addMember('ben', { driveId: 654321, quotaBytes: 100 * KIB });
  alice = server.as('alice', 654321);
});
afterAll(() => server.stop());

const setting = (names: Record<string, number>) =>
  change(Object.fromEntries(Object.entries(names).map(([name, kib]) => [`{urn:x}${name}`, 'v'.repeat(kib * KIB)])));
async function used(who = alice, path = '/'): Promise<number> {
  const { text } = await who('PROPFIND', path, { headers: { Depth: '0' }, body: askFor('quota-used-bytes') });
  return Number(textIn(parseMultistatus(text)[0]!.props.get('{DAV:}quota-used-bytes')));
}
const namesAt = async (path: string) => {
  const { text } = await alice('PROPFIND', path, { headers: { Depth: '0' } });
  return [...parseMultistatus(text)[0]!.props.keys()].filter((name) => name.startsWith('{urn:x}'));
};
const copy = (from: string, to: string, headers = {}) =>
  alice('COPY', from, { headers: { Destination: server.urlOf(to, 654321), ...headers } });

describe('security 6 — dead properties have a number and count in the quotas', () => {
  test('one resource takes 256 KiB of them; more is 507 with a sentence, and nothing of the request is set', async () => {
    await alice('PUT', '/capped', { body: '' });
    for (const name of ['a', 'b', 'c', 'd']) {
      expect((await alice('PROPPATCH', '/capped', { body: setting({ [name]: 60 }) })).status).toBe(207);
    }
    const refused = await alice('PROPPATCH', '/capped', { body: setting({ e: 1, f: 60 }) });
    expect(refused.status).toBe(507);
    expect(refused.text).toContain('properties of one file or folder');
    expect(await namesAt('/capped')).toEqual(['{urn:x}a', '{urn:x}b', '{urn:x}c', '{urn:x}d']);
    // Less than before is always fine, and so is the same again.
    expect((await alice('PROPPATCH', '/capped', { body: setting({ a: 60 }) })).text).toContain('200 OK');
    await alice('PROPPATCH', '/capped', { body: change({ '{urn:x}a': null }) });
    expect((await alice('PROPPATCH', '/capped', { body: setting({ e: 1, f: 50 }) })).text).toContain('200 OK');
    await alice('DELETE', '/capped');
    await alice('DELETE', '/Trash/capped');
  });

  test('a request that is larger than that alone is written out no further', async () => {
    await alice('PUT', '/huge', { body: '' });
    const { status, text } = await alice('PROPPATCH', '/huge', {
      body: setting(Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`p${index}`, 60]))),
    });
    expect(status).toBe(207);
    expect(
      parseMultistatus(text)[0]!
        .propstats.map((propstat) => propstat.status)
        .sort(),
    ).toEqual([424, 507]);
    expect(await namesAt('/huge')).toEqual([]);
  });

  test('many small ones cost their rows: two thousand and some, not fifty thousand', async () => {
    await alice('PUT', '/small', { body: '' });
    const statuses = [];
    for (let round = 0; round < 3; round++) {
      const names = Array.from({ length: 900 }, (_, index) => [`{}a${round}-${index}`, ''] as const);
      statuses.push((await alice('PROPPATCH', '/small', { body: change(Object.fromEntries(names)) })).status);
    }
    expect(statuses).toEqual([207, 207, 507]);
    await alice('DELETE', '/small');
    await alice('DELETE', '/Trash/small');
  });

  test('they are in what is used, with every COPY, and go with what has them', async () => {
    const before = await used();
    await alice('MKCOL', '/folder');
    await alice('PUT', '/folder/file', { body: 'abc' });
    await alice('PROPPATCH', '/folder', { body: setting({ own: 20 }) });
    await alice('PROPPATCH', '/folder/file', { body: setting({ of: 40 }) });
    const taken = (await used()) - before;
    expect(taken).toBeGreaterThan(60 * KIB);
    expect(taken).toBeLessThan(61 * KIB);
    const size = await alice('PROPFIND', '/folder', {
      headers: { Depth: '0' },
      body: askFor('{http://owncloud.org/ns}size'),
    });
    expect(textIn(parseMultistatus(size.text)[0]!.props.get('{http://owncloud.org/ns}size'))).toBe('3');
    await copy('/folder', '/deep');
    expect(await used()).toBe(before + 2 * taken);
    await copy('/folder', '/shallow', { Depth: '0' });
    const shallow = (await used()) - before - 2 * taken;
    expect(shallow).toBeGreaterThan(20 * KIB);
    expect(shallow).toBeLessThan(21 * KIB);
    await alice('MOVE', '/deep', { headers: { Destination: server.urlOf('/folder/moved', 654321) } });
    expect(await used()).toBe(before + 2 * taken + shallow);
    for (const name of ['folder', 'shallow']) {
      await alice('DELETE', `/${name}`);
      await alice('DELETE', `/Trash/${name}`);
    }
    expect(await used()).toBe(before);
    expect(await server.inconsistencies()).toEqual([]);
  });

  test('507 where they do not fit, in PROPPATCH, MKCOL and COPY, and in the quota of a member', async () => {
    await alice('PUT', '/full', { body: Buffer.alloc(QUOTA - 100 * KIB - (await used())) });
    await alice('PUT', '/f', { body: '' });
    expect((await alice('PROPPATCH', '/f', { body: setting({ a: 60 }) })).text).toContain('200 OK');
    expect((await alice('PROPPATCH', '/f', { body: setting({ b: 60 }) })).status).toBe(507);
    expect(await namesAt('/f')).toEqual(['{urn:x}a']);
    const made = await alice('MKCOL', '/m', {
      headers: { 'Content-Type': 'application/xml' },
      body: setting({ b: 60 }).replaceAll('propertyupdate', 'mkcol'),
    });
    expect([made.status, (await alice('HEAD', '/m')).status]).toEqual([507, 404]);
    expect((await copy('/f', '/g')).status).toBe(507);
    await alice('DELETE', '/full');
    await alice('DELETE', '/Trash/full');
    const ben = server.as('ben', 654321);
    await ben('PUT', '/own', { body: '' });
    expect((await ben('PROPPATCH', '/own', { body: setting({ a: 60 }) })).text).toContain('200 OK');
    expect((await ben('PROPPATCH', '/own', { body: setting({ b: 60 }) })).status).toBe(507);
    await ben('PUT', '/Common%20documents/own', { body: '' });
    expect((await ben('PROPPATCH', '/Common%20documents/own', { body: setting({ b: 60 }) })).text).toContain('200 OK');
  });
});

test('security 6 — a storage from before they counted gets the numbers by its migration', async () => {
  const path = await temporaryFile();
  const before = MIGRATIONS.filter(({ name }) => name < '0008');
  await SqliteDatabase.open(path, before).close();
  const raw = openRaw(path);
  const node = raw.prepare(
    `INSERT INTO node (id, drive_id, parent_id, name, is_collection, size, modified, created, revision, has_properties)
     VALUES (?, 1, ?, ?, ?, ?, 0, 0, 0, ?)`,
  );
  node.run(1, null, 'root', 1, 7, 0);
  node.run(2, 1, 'folder', 1, 7, 1);
  node.run(3, 2, 'file', 0, 7, 1);
  node.run(4, 2, 'plain', 0, 0, 0);
  const property = raw.prepare('INSERT INTO property (node_id, namespace, name, xml) VALUES (?, ?, ?, ?)');
  property.run(2, 'n', 'a', '<a/>');
  property.run(3, 'n', 'ä', '<ä/>');
  property.run(3, '', 'b', '<b/>');
  const database = SqliteDatabase.open(path, MIGRATIONS);
  const rows = await database.read((connection) =>
    connection.all<{ id: number; size: number; property_bytes: number }>(
      'SELECT id, size, property_bytes FROM node ORDER BY id',
      [],
    ),
  );
  await database.close();
  const [folder, file] = [100 + 1 + 1 + 4, 100 + 1 + 2 + 5 + 100 + 0 + 1 + 4];
  expect(rows).toEqual([
    { id: 1, size: 7, property_bytes: folder + file },
    { id: 2, size: 7, property_bytes: folder + file },
    { id: 3, size: 7, property_bytes: file },
    { id: 4, size: 0, property_bytes: 0 },
  ]);
});
