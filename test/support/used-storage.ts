import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import type { Config } from '../../src/config.js';
import { POSTGRES_MIGRATIONS } from '../../src/engines/postgres/migrate-postgres.js';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import { SqlTables } from '../../src/engines/sql/sql-tables.js';
import type { Row } from '../../src/engines/sql/table-statements.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { SECRET_KEY } from '../../src/engines/storage-key.js';
import { ConsoleClient } from './console-client.js';
import { TestPostgres } from './engines.js';
import { type DriveRequest, emailOf, PASSWORD, TestServer } from './make-server.js';
import { childrenOf, parseAnswer, parseMultistatus, textIn } from './multistatus.js';
import { newPrefix, useS3Server } from './s3-server.js';
import { MIGRATIONS } from './sqlite-file.js';
import { inFolder } from './storage-config.js';
import { BYTES, metadata as namesOf, TUS } from './tus-client.js';

export type Place = Pick<Config, 'storage' | 'metadata' | 'blobs' | 'secretKeyFile'>;

export const LARGE = randomBytes(300_000);
const XML = '<?xml version="1.0"?>';

/** Storages of one file of tests, embedded and of a cluster. */
export class Places {
  readonly #bucket = useS3Server();
  readonly #postgres = new TestPostgres();
  #home = '';

  constructor() {
    beforeAll(async () => {
      this.#home = await mkdtemp(path.join(tmpdir(), 'firn-move-'));
    });
    afterAll(() => rm(this.#home, { recursive: true }));
  }

  makeFolder(): Promise<string> {
    return mkdtemp(path.join(this.#home, 'storage-'));
  }

  /** An empty folder, with the key of the storage in `source`. */
  async makeFolderPlace(source: string): Promise<Place> {
    const storage = await this.makeFolder();
    return { ...inFolder(storage), secretKeyFile: await copyKey(source, storage) };
  }

  /** An empty database and a bucket, with the key of the storage in `source`. */
  async makeCluster(source: string): Promise<Place> {
    const { endpoint, bucket, region, accessKey, secretKey, isPathStyle: pathStyle } = this.#bucket.settings;
    const storage = await this.makeFolder();
    const accessKeyFile = path.join(this.#home, 'key');
    await writeFile(accessKeyFile, `${accessKey}\n${secretKey}\n`, { mode: 0o600 });
    // The tests' server syncs nothing.
    const metadata = { engine: 'postgres' as const, url: await this.#postgres.makeDatabase(), mayBeUnsafe: true };
    const place = { endpoint: endpoint.origin, bucket, region, prefix: newPrefix(), pathStyle };
    return {
      storage,
      metadata,
      blobs: { engine: 's3', ...place, accessKeyFile, caFile: null },
      secretKeyFile: await copyKey(source, storage),
    };
  }
}

async function copyKey(source: string, storage: string): Promise<null> {
  await copyFile(path.join(source, SECRET_KEY), path.join(storage, SECRET_KEY));
  return null;
}

/** All rows by table, but for where blobs are, and the numbers from which each counter goes on. */
export async function rowsOf({ metadata, storage }: Place) {
  const database =
    metadata.engine === 'sqlite'
      ? SqliteDatabase.open(path.join(storage, 'firn.db'), MIGRATIONS)
      : await PostgresDatabase.open(metadata.url, readMigrations(POSTGRES_MIGRATIONS), { mayBeUnsafe: true });
  try {
    const tables = new SqlTables(database);
    const found: Record<string, unknown[]> = {};
    for (const { name, columns, key } of await tables.list()) {
      const wanted = columns.map((column) =>
        column.name === 'place' && name === 'content' ? `NULL AS place` : `"${column.name}"`,
      );
      const order = key.length === 0 ? '' : ` ORDER BY ${key.map((column) => `"${column}"`).join(', ')}`;
      const rows = await database.readOne((connection) =>
        connection.lists<Row>(`SELECT ${wanted.join(', ')} FROM "${name}"${order}`, []),
      );
      found[name] = rows.map((row) =>
        row.map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value)),
      );
    }
    return { rows: found, counters: await tables.counters(await tables.list()) };
  } finally {
    await database.close();
  }
}

const whole = (body: string) => `${XML}${body}`;
const LOCKINFO = whole(
  '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>me</owner></lockinfo>',
);
const askSince = (token: string) =>
  whole(
    `<D:sync-collection xmlns:D="DAV:"><D:sync-token>${token}</D:sync-token><D:sync-level>infinite</D:sync-level>` +
      '<D:prop><D:getetag/></D:prop></D:sync-collection>',
  );

/** ETags and dead properties of all that is below the drive's root. */
export async function listed(alice: DriveRequest): Promise<string> {
  const body = whole(
    '<propfind xmlns="DAV:"><prop><getetag/><a xmlns="urn:x"/><fileid xmlns="http://owncloud.org/ns"/></prop></propfind>',
  );
  const { status, text } = await alice('PROPFIND', '/', { body, headers: { Depth: 'infinity' } });
  expect(status).toBe(207);
  return text;
}

async function sync(alice: DriveRequest, token: string) {
  const { text } = await alice('REPORT', '/', { body: askSince(token), headers: { Depth: '0' } });
  const names = parseMultistatus(text).map(({ href }) => href);
  return { names, token: textIn(childrenOf(parseAnswer(text), '{DAV:}sync-token')[0]!) };
}

/** A server that people have worked on: all that a storage can hold, some of it under way. */
export class Used {
  private constructor(
    readonly server: TestServer,
    readonly lock: string,
    readonly upload: string,
    readonly device: string,
    readonly totp: string,
    readonly browser: ConsoleClient,
    readonly token: string,
  ) {}

  static async make(storage: string): Promise<Used> {
    const server = await TestServer.start({ storage });
    onTestFinished(() => server.stop());
    await server.addMember('bob');
    const alice = server.as('alice');
    const put = (name: string, body: string | Uint8Array) => alice('PUT', name, { body });
    for (const name of ['/old', '/old/deep', '/new']) await alice('MKCOL', name);
    await put('/old/deep/large', LARGE);
    await put('/empty', '');
    await put(`/${encodeURIComponent('täglich ☂ \\ "')}`, 'small');
    await put('/gone', 'in the trash');
    await put('/forever', randomBytes(50_000));
    // Behind its new parent in the order of ids, no more.
    await alice('MOVE', '/old', { headers: { Destination: server.urlOf('/new/old') } });
    const property =
      '<propertyupdate xmlns="DAV:"><set><prop><a xmlns="urn:x">1 &lt; 2 \\ ü</a></prop></set></propertyupdate>';
    expect((await alice('PROPPATCH', '/new', { body: whole(property) })).status).toBe(207);
    const locked = await alice('LOCK', '/new/old/deep/large', { body: LOCKINFO, headers: { Timeout: 'Second-3600' } });
    for (const name of ['/gone', '/forever']) expect((await alice('DELETE', name)).status).toBe(204);
    const { token } = await sync(alice, '');
    const begun = await alice('POST', '/', {
      headers: { ...TUS, 'Upload-Length': '200000', 'Upload-Metadata': namesOf({ filename: 'in parts' }) },
    });
    const upload = new URL(begun.headers.location!).pathname;
    const part = { user: 'alice', headers: { ...BYTES, 'Upload-Offset': '0' }, body: LARGE.subarray(0, 100_000) };
    expect((await server.send('PATCH', upload, part)).status).toBe(204);
    const { authorization: device } = await server.addAppPassword('alice');
    const bob = await server.stores.accounts.findUser(emailOf('bob'));
    const { secret: totp } = await server.turnOnTotp(bob!);
    const browser = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
    return new Used(server, `${locked.headers['lock-token']}`, upload, device, totp, browser, token);
  }

  /** What devices and browsers find is what they left. */
  async expectTheSame(before: string): Promise<void> {
    const { server, lock, upload, device, token } = this;
    const alice = server.as(device);
    expect(await listed(alice)).toBe(before);
    expect(await sync(alice, token)).toEqual({ names: [], token });
    expect((await alice('GET', '/new/old/deep/large')).bytes.equals(LARGE)).toBe(true);
    expect((await alice('PUT', '/new/old/deep/large', { body: 'x' })).status).toBe(423);
    expect((await alice('LOCK', '/new/old/deep/large', { headers: { If: `(${lock})` } })).status).toBe(200);
    expect((await server.send('HEAD', upload, { user: 'alice', headers: TUS })).headers['upload-offset']).toBe(
      '100000',
    );
    expect((await this.browser.send('GET', '/api/drives')).status).toBe(200);
    expect(await server.inconsistencies()).toEqual([]);
  }

  /** They go on working: nothing gets a number or a revision that was there before. */
  async goOn(name: string): Promise<void> {
    const { server, upload, token } = this;
    const alice = server.as('alice');
    expect((await alice('PUT', `/${name}`, { body: LARGE.subarray(5) })).status).toBe(201);
    expect((await sync(alice, token)).names.some((href) => href.endsWith(name))).toBe(true);
    expect((await server.send('HEAD', upload, { user: 'alice', headers: TUS })).status).toBe(200);
  }
}

/** Rows of the tables that the work above leaves empty, as jobs and other programs leave them; a number that was deleted, and a content that waits for the collector. */
const RARE_ROWS = `
  INSERT INTO node (id, drive_id, parent_id, name, is_collection, modified, created, revision)
    VALUES (9001, 123456, NULL, 'destroyed', 1, 1, 1, 1), (9002, 123456, NULL, 'on its way', 1, 1, 1, 1);
  INSERT INTO purge VALUES (9001, 0);
  INSERT INTO succession VALUES (9002, 9001, 1);
  INSERT INTO staged_copy VALUES (9002, 1);
  INSERT INTO damaged_bytes VALUES (7, 'an id', x'00ff275c00', 1, 1);
  INSERT INTO damage VALUES ('an id', 'wrong-hash', 'it is wrong', 1, NULL);
  INSERT INTO forgotten_removals VALUES (123456, 1);
  INSERT INTO sync_gap VALUES (1, 2);
  INSERT INTO storage_point VALUES ('2027-01-31', 9007199254740991, 1);
  INSERT INTO former_password SELECT 3, id, 'hash', 1 FROM app_user LIMIT 1;
  INSERT INTO passkey SELECT 'id', id, 'key', x'', 0, '["usb"]', 1, NULL FROM app_user LIMIT 1;
  INSERT INTO vacated_lock SELECT 'token', 123456, 1, 'name', id, 'shared', '<a>' || char(10) || '</a>', 1, 1, 1 FROM app_user LIMIT 1;
  INSERT INTO login_flow (key, poll_key, client, remote_address, network, address, is_web_view, started_at, seen_at)
    VALUES ('key', 'poll', '', '::1', '::', '', 1, 1, 1);
  INSERT INTO challenge SELECT id, 'get', 'text', 1 FROM session LIMIT 1;
  INSERT INTO import_source VALUES (5, 'key', 123456);
  INSERT INTO import_folder SELECT 6, max(id), 'http://x/' || char(92), 'a', 'done', NULL FROM job;
  INSERT INTO import_file VALUES (9, 5, 'http://x/y', 'a', 1, 'done', NULL, 's', 1, NULL, '"e"', NULL, NULL, NULL);
  DELETE FROM import_file;
  INSERT INTO content (id, size, stored_at, bytes, place) VALUES ('named by nothing', 3, 1, x'61620a', 'marked');
  INSERT INTO condemned VALUES ('marked', 1);
  INSERT INTO import_file VALUES (8, 5, 'http://x/y', 'a', 1, 'done', NULL, 's', 1, NULL, '"e"', NULL, NULL, NULL)`;

export function addRareRows({ storage }: Place): void {
  const database = new Database(path.join(storage, 'firn.db'));
  database.exec(RARE_ROWS);
  database.close();
}
