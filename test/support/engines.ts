import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll } from 'vitest';
import { POSTGRES_MIGRATIONS } from '../../src/engines/postgres/migrate-postgres.js';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import { Pgbouncer } from './pgbouncer.js';
import { copyOf18, PostgresServer } from './postgres-server.js';

const MIGRATIONS = readMigrations(POSTGRES_MIGRATIONS);

/** Versions, or 15 behind a pooler that lends its connections by the transaction. */
type PostgresKind = '15' | '18' | 'pgbouncer';

/**
 * PostgreSQL for one file of tests: a server of its own, or the one of FIRN_TEST_DATABASE (`postgres://…`, of a superuser). Each `open`
 * returns an empty database.
 */
export class TestPostgres {
  readonly #kind: PostgresKind;
  #server: Promise<PostgresServer> | null = null;
  #pooler: Promise<Pgbouncer> | null = null;
  readonly #made: string[] = [];
  /** Opened before, and of no test now: to connect costs more than to empty. */
  readonly #free: { readonly database: PostgresDatabase; readonly close: () => Promise<void> }[] = [];

  constructor(kind: PostgresKind = '15') {
    this.#kind = kind;
    afterAll(() => this.#stop());
  }

  async open(): Promise<PostgresDatabase> {
    const free = this.#free.pop() ?? (await this.#make());
    const { database } = free;
    await database.write((connection) => connection.run(EMPTY, []));
    database.close = async () => {
      this.#free.push(free);
    };
    return database;
  }

  /** The address of a database without a schema. */
  async makeDatabase(): Promise<string> {
    const name = `firn_test_${randomBytes(6).toString('hex')}`;
    await ask(await this.#url('postgres'), `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
    this.#made.push(name);
    return this.#url(name);
  }

  async #make() {
    const url = new URL(await this.makeDatabase());
    if (this.#kind === 'pgbouncer') url.port = String(await this.#poolerPort(Number(url.port)));
    const database = await PostgresDatabase.open(url.href, MIGRATIONS, { mayBeUnsafe: true });
    return { database, close: database.close.bind(database) };
  }

  async #url(database: string): Promise<string> {
    const given = process.env.FIRN_TEST_DATABASE;
    if (given && this.#kind === '15') {
      const url = new URL(given);
      if (database !== 'postgres') url.pathname = database;
      return url.href;
    }
    this.#server ??= this.#start();
    return (await this.#server).url(database);
  }

  async #start(): Promise<PostgresServer> {
    if (this.#kind !== '18') return PostgresServer.start();
    return PostgresServer.start(undefined, undefined, (await copyOf18())!);
  }

  async #poolerPort(target: number): Promise<number> {
    this.#pooler ??= Pgbouncer.start(target);
    return (await this.#pooler).port;
  }

  async #stop(): Promise<void> {
    for (const { close } of this.#free) await close();
    await (await this.#pooler)?.stop();
    if (this.#server) return (await this.#server).stop();
    for (const name of this.#made) await ask(await this.#url('postgres'), `DROP DATABASE ${name}`);
  }
}

/** All that a test can have written. To delete a little is much faster than TRUNCATE, and the other way round. */
const EMPTY = `
  DO $$ DECLARE
    tables text[]; one text;
  BEGIN
    SELECT array_agg(quote_ident(tablename)) INTO tables FROM pg_tables
    WHERE schemaname = 'public' AND tablename NOT IN ('migration', 'migration_turn', 'storage_id', 'organization', 'clock_mark');
    IF pg_relation_size('node') > 200000 THEN
      EXECUTE 'TRUNCATE ' || array_to_string(tables, ', ');
    ELSE
      SET LOCAL session_replication_role = replica;
      FOREACH one IN ARRAY tables LOOP EXECUTE 'DELETE FROM ' || one; END LOOP;
    END IF;
    UPDATE organization SET second_factor_required = 0;
    UPDATE clock_mark SET noted_at = 0, expiry_at = 0, steady_ms = 0;
  END $$`;

async function ask(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
