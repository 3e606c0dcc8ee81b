import pg from 'pg';
import { POSTGRES_MIGRATIONS } from '../../src/engines/postgres/migrate-postgres.js';
import { PostgresDatabase, type PostgresOptions } from '../../src/engines/postgres/postgres-database.js';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import type { StoreTransaction } from '../../src/stores/metadata-store.js';
import { engineOn, World } from '../conformance/metadata-fixture.js';
import type { PostgresServer } from './postgres-server.js';
import { TcpProxy } from './tcp-proxy.js';

export const POSTGRES = readMigrations(POSTGRES_MIGRATIONS);
/** How long this database waits for an answer, in milliseconds. */
const ANSWER_MS = 1_000;

/** A node whose way to its database leads through a proxy, and a look at the database that doesn't. */
export class PostgresStand {
  private constructor(
    readonly server: PostgresServer,
    readonly proxy: TcpProxy,
    readonly database: PostgresDatabase,
    readonly world: World,
  ) {}

  /** On the server's database `firn_stand`, made here. */
  static async open(server: PostgresServer, name = 'firn_stand'): Promise<PostgresStand> {
    await server.ask(`CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
    const proxy = await TcpProxy.start(server.port);
    const options: PostgresOptions = { mayBeUnsafe: true, answerMs: ANSWER_MS };
    const url = new URL(server.url(name));
    url.port = String(proxy.port);
    const database = await PostgresDatabase.open(url.href, POSTGRES, options);
    return new PostgresStand(server, proxy, database, await World.open(async () => engineOn(database)));
  }

  /** Makes a folder as a request does; `work`, in the same transaction before it. Returns how often the work ran. */
  async makeFolder(
    name: string,
    work: (runs: number, transaction: StoreTransaction) => Promise<unknown> = async () => {},
  ): Promise<number> {
    let runs = 0;
    const { world } = this;
    await world.engine.metadata.write([world.drive.id], async (transaction) => {
      await work(++runs, transaction);
      const node = { driveId: world.drive.id, parentId: world.home, name, content: null, modified: 1, created: 1 };
      return transaction.insertNode(node, 1);
    });
    return runs;
  }

  /** The names in the folder, as the server itself has them. */
  async names(port = this.server.port): Promise<string[]> {
    const url = new URL(this.server.url('firn_stand'));
    url.port = String(port);
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    try {
      const sql = 'SELECT name FROM node WHERE parent_id = $1 ORDER BY id';
      return (await client.query<{ name: string }>(sql, [this.world.home])).rows.map(({ name }) => name);
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.proxy.close();
  }
}
