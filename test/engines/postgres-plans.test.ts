import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestPostgres } from '../support/engines.js';
import { DRIVE_ID, type DriveRequest } from '../support/make-server.js';
import { startFirnOn } from '../support/postgres-firn.js';
import { statementsSent } from '../support/sent-statements.js';

const MEMBERS = 100_000;
/** Those that grow with what is stored. */
const LARGE = ['node', 'content', 'upload', 'upload_part', 'property', 'dav_lock', 'vacated_lock', 'removal', 'trash'];
const postgres = new TestPostgres();

describe(`PostgreSQL's plans on a drive with a folder of ${MEMBERS} files`, () => {
  let place: Awaited<ReturnType<typeof startFirnOn>>;
  let alice: DriveRequest;
  let raw: pg.Client;

  beforeAll(async () => {
    const url = await postgres.makeDatabase();
    place = await startFirnOn(url);
    alice = place.firn.as((await place.firn.addAppPassword('alice')).authorization);
    for (const folder of ['/big/', '/small/']) await alice('MKCOL', folder);
    await alice('PUT', '/big/first', { body: 'x' });
    for (const name of ['a', 'b', 'c']) await alice('PUT', `/small/${name}`, { body: name });
    raw = new pg.Client({ connectionString: url });
    await raw.connect();
    await raw.query(
      `INSERT INTO node (drive_id, parent_id, name, is_collection, content_key, content_id, size, modified, created, revision)
       SELECT drive_id, parent_id, 'file-' || number, 0, content_key, content_id, size, modified, created, revision
       FROM node, generate_series(1, ${MEMBERS}) AS number WHERE name = 'first'`,
    );
    await raw.query(
      `INSERT INTO content (id, size, stored_at, bytes) SELECT 'filler ' || number, 1, 1, 'x' FROM generate_series(1, ${MEMBERS}) AS number`,
    );
    await raw.query('ANALYZE');
  });
  afterAll(async () => {
    // What came in behind the server's back goes, and is counted no more: the server is checked when it stops.
    await raw.query("DELETE FROM node WHERE name LIKE 'file-%'; DELETE FROM content WHERE id LIKE 'filler %'; ANALYZE");
    for await (const _found of place.firn.engines.check.check({ repair: true, now: Date.now() }));
    await raw.end();
    await place.stop();
  });

  const to = (path: string) => ({ headers: { Destination: place.firn.urlOf(path) } });
  const lockinfo = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
  const marked = '<propertyupdate xmlns="DAV:"><set><prop><mark xmlns="urn:x">1</mark></prop></set></propertyupdate>';
  const sync =
    '<sync-collection xmlns="DAV:"><sync-token/><sync-level>infinite</sync-level><prop><getetag/></prop><limit><nresults>10</nresults></limit></sync-collection>';
  const requests: [string, () => ReturnType<DriveRequest>][] = [
    ['GET', () => alice('GET', '/big/file-77777')],
    ['PUT, new', () => alice('PUT', '/big/new', { body: 'new' })],
    ['PUT, other content', () => alice('PUT', '/big/file-5', { body: 'other' })],
    ['PUT, large', () => alice('PUT', '/big/large', { body: Buffer.alloc(100_000, 'l') })],
    ['MKCOL', () => alice('MKCOL', '/big/folder/')],
    ['PROPFIND', () => alice('PROPFIND', '/small/', { headers: { Depth: '1' } })],
    ['PROPFIND, depth 0', () => alice('PROPFIND', '/big/', { headers: { Depth: '0' } })],
    ['PROPFIND of the root', () => alice('PROPFIND', '/', { headers: { Depth: '1' } })],
    ['PROPPATCH', () => alice('PROPPATCH', '/big/file-6', { body: marked })],
    ['REPORT', () => alice('REPORT', '/', { body: sync })],
    ['LOCK', () => alice('LOCK', '/big/file-7', { body: lockinfo })],
    ['COPY', () => alice('COPY', '/small/', to('/big/copy/'))],
    ['MOVE', () => alice('MOVE', '/small/', to('/big/moved/'))],
    ['DELETE', () => alice('DELETE', '/big/moved/')],
    ['DELETE of a file', () => alice('DELETE', '/big/file-8')],
    ['PROPFIND of the trash', () => alice('PROPFIND', '/Trash/', { headers: { Depth: '1' } })],
  ];

  async function scansOf(text: string, values: readonly unknown[]): Promise<string[]> {
    const { rows } = await raw.query<{ 'QUERY PLAN': string }>({ text: `EXPLAIN ${text}`, values: [...values] });
    const steps = rows.map((row) => row['QUERY PLAN']);
    return steps.filter((step) => LARGE.some((table) => new RegExp(`Seq Scan on ${table}\\b`).test(step)));
  }

  it.each(requests)('%s — walks no table that grows', async (_name, request) => {
    const sent = await statementsSent(async () => expect((await request()).status).toBeLessThan(300));
    const looked = sent.filter(({ text }) => /\b(select|insert|update|delete)\b/i.test(text) && !/^BEGIN/.test(text));
    expect(looked.length).toBeGreaterThan(0);
    for (const { text, values } of looked) {
      // A table of a few rows is walked at once. So where others than the two large ones have no index, this shows it.
      await raw.query('SET enable_seqscan = off');
      expect(await scansOf(text, values), text).toEqual([]);
      await raw.query('SET enable_seqscan = on');
      const scans = await scansOf(text, values);
      expect(
        scans.filter((step) => /Seq Scan on (node|content)\b/.test(step)),
        text,
      ).toEqual([]);
    }
  });

  it('the folder has them all', async () => {
    const { rows } = await raw.query('SELECT count(*) AS count FROM node WHERE drive_id = $1', [DRIVE_ID]);
    expect(Number((rows[0] as { count: string }).count)).toBeGreaterThan(MEMBERS);
  });
});
