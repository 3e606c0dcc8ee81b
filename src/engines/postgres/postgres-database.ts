import { setTimeout as wait } from 'node:timers/promises';
import pg, { type CustomTypesConfig, type Pool, type PoolClient } from 'pg';
import {
  OutcomeUnknownError,
  StoreBusyError,
  StoreFailingError,
  type TransactionStats,
} from '../../stores/metadata-store.js';
import type { DriveId } from '../../stores/values.js';
import type { Migration } from '../sql/migrate.js';
import type { SqlConnection, SqlDatabase, SqlWriteOptions } from '../sql/sql-database.js';
import { checkServer } from './check-server.js';
import { BrokenCommitError, MARK, type TransactionMark, wasCommitted } from './commit-outcome.js';
import { migrate } from './migrate-postgres.js';
import { PostgresConnection } from './postgres-connection.js';
import { codeOf, isConflict, isLateReference, isLost, translate } from './postgres-errors.js';
import { SentFacts } from './sent-facts.js';
import { Turns } from './turns.js';

/** Connections of each of the two pools: writes that wait for a row must not keep reads waiting. */
const CONNECTIONS_MAX = 10;
/** How long a connection may take to be made, in milliseconds. */
const CONNECT_MS = 5_000;
/** How long a connection is used: plans and a forgotten standby don't stay for ever. In seconds. */
const LIFETIME_SECONDS = 3_600;
/**
 * How often a transaction is tried that others stood in the way of: with the pauses, some two seconds. Six were too few for three servers that
 * begin beside each other.
 */
const TRIES_MAX = 9;
/** Pause before the second try, in milliseconds; each further one is twice as long, and each is cut at random. */
const PAUSE_MS = 10;
/** "might not have been replicated" and whatever else the server is not sure of. */
const WARNING = '01000';

const READ = 'REPEATABLE READ READ ONLY';
const ON_DRIVES = 'READ COMMITTED';
const ALONE = 'SERIALIZABLE';

/** How long things may take, in milliseconds; 0: as long as it takes. */
interface Patience {
  /** A statement of a transaction, by the database's clock. */
  readonly statementMs: number;
  /** Any statement, with its way there and back. */
  readonly answerMs: number;
}

const OF_REQUESTS: Patience = { statementMs: 15_000, answerMs: 20_000 };
const UNLIMITED: Patience = { statementMs: 0, answerMs: 0 };

const LOCK_DRIVES =
  'WITH locked AS MATERIALIZED (SELECT id FROM drive WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE) ' +
  `SELECT count(*), ${MARK} FROM locked`;
/** Of a statement behind one that failed. */
const ABORTED = '25P02';
/** Changes nothing, and waits for the disk and the standbys as any change does. */
const PROOF = 'UPDATE migration_turn SET id = id';

export interface PostgresOptions {
  /** For tests: a server that may lose what it acknowledged. */
  readonly mayBeUnsafe?: boolean;
  /** For tests: see `Patience`. */
  readonly statementMs?: number;
  readonly answerMs?: number;
}

type Work<T> = (connection: SqlConnection) => Promise<T>;

/** Says that the transaction did nothing, and may run again. */
class AgainError extends Error {
  override readonly name = 'AgainError';
}

/**
 * PostgreSQL. Writes of drives begin by locking the drives' rows and then see what the last one left (READ COMMITTED); writes of none are
 * SERIALIZABLE. Reads see one snapshot.
 */
export class PostgresDatabase implements SqlDatabase {
  readonly #readers: Pool;
  readonly #writers: Pool;
  readonly #turns = new Turns();
  #failedCommits = 0;

  private constructor(
    private readonly url: string,
    private readonly patience: Patience,
  ) {
    this.#readers = makePool(url, patience);
    this.#writers = makePool(url, patience);
  }

  /** Opens the database at `url` and brings its schema up to date. Throws `StorageFormatError` and `MigrationError`. */
  static async open(
    url: string,
    migrations: readonly Migration[],
    options: PostgresOptions = {},
  ): Promise<PostgresDatabase> {
    // Without the pools' time for an answer: a migration may take long, and others wait for it.
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS, types: TYPES });
    client.on('error', ignore);
    try {
      await client.connect();
      await checkServer(async (sql) => (await client.query(sql)).rows, options.mayBeUnsafe ?? false);
      await migrate(client, migrations);
    } finally {
      await client.end();
    }
    const { statementMs = OF_REQUESTS.statementMs, answerMs = OF_REQUESTS.answerMs } = options;
    return new PostgresDatabase(url, { statementMs, answerMs });
  }

  /** The same database for questions to all of it, which nobody waits for; closed by itself. It connects when it is asked. */
  patient(): PostgresDatabase {
    return new PostgresDatabase(this.url, UNLIMITED);
  }

  read<T>(work: Work<T>): Promise<T> {
    return this.#use(this.#readers, async (client) => {
      const begun = client.query(this.#begin(READ));
      begun.catch(ignore);
      const connection = new PostgresConnection(client);
      try {
        const value = await work(connection);
        await begun;
        return value;
      } finally {
        connection.end();
        // The next user of the connection waits for it.
        client.query('ROLLBACK').catch(ignore);
      }
    });
  }

  readOne<T>(work: Work<T>): Promise<T> {
    return this.#use(this.#readers, async (client) => {
      const connection = new PostgresConnection(client);
      try {
        return await work(connection);
      } finally {
        connection.end();
      }
    });
  }

  write<T>(work: Work<T>, { drives = [] }: SqlWriteOptions = {}): Promise<T> {
    const ordered = [...new Set(drives)].sort((a, b) => a - b);
    return this.#turns.take(ordered, async () => {
      for (let tries = 1; ; tries++) {
        try {
          return await this.#try(ordered, work);
        } catch (error) {
          if (!(error instanceof AgainError)) throw error;
          if (tries === TRIES_MAX) throw translate(error.cause);
          await wait(PAUSE_MS * 2 ** (tries - 1) * Math.random());
        }
      }
    });
  }

  stats(): TransactionStats {
    return {
      waitingReads: this.#readers.waitingCount,
      waitingWrites: this.#turns.waiting + this.#writers.waitingCount,
      failedCommits: this.#failedCommits,
      logBytes: null,
    };
  }

  /** A row that is removed stays in PostgreSQL's files until VACUUM and its log turn round. Secrets are there encrypted. */
  wipeRemoved(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Rejects where a commit doesn't become durable. */
  async prove(): Promise<void> {
    await this.#use(this.#writers, async (client) => {
      if (await isWarned(client, () => client.query(PROOF))) throw new OutcomeUnknownError('the standby is silent');
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#readers.end(), this.#writers.end()]);
  }

  /** One try. Throws `AgainError` where nothing happened and another may succeed. */
  async #try<T>(drives: readonly DriveId[], work: Work<T>): Promise<T> {
    try {
      return await this.#transact(drives, work);
    } catch (error) {
      if (!(error instanceof BrokenCommitError)) throw error;
      const ask = (sql: string, values: readonly unknown[]) =>
        this.#use(this.#readers, async (client) => (await client.query(sql, [...values])).rows);
      if (!(await wasCommitted(error, ask))) throw new AgainError('', { cause: error.cause });
      // The standby may not have it: what is written behind it proves that it does.
      await this.prove().catch(() => {
        throw new OutcomeUnknownError('the connection broke while something was written', { cause: error.cause });
      });
      return error.value as T;
    }
  }

  async #transact<T>(drives: readonly DriveId[], work: Work<T>): Promise<T> {
    return this.#use(this.#writers, async (client) => {
      const begun = client.query(this.#begin(drives.length > 0 ? ON_DRIVES : ALONE));
      const marked = drives.length > 0 ? client.query(LOCK_DRIVES, [drives]) : client.query(`SELECT ${MARK}`);
      for (const asked of [begun, marked]) asked.catch(ignore);
      const facts = drives.length > 0 ? new SentFacts(client, drives) : null;
      const connection = new PostgresConnection(client, begun, facts);
      let value: T;
      let mark: TransactionMark;
      try {
        value = await work(connection);
        await begun;
        mark = (await marked).rows[0] as TransactionMark;
        if (connection.failure) throw connection.failure;
      } catch (error) {
        connection.end();
        throw await this.#giveUp(client, {
          before: await failureOf(begun, marked, ...(facts ? [facts.answer] : [])),
          connection,
          error,
        });
      }
      connection.end();
      await this.#commit(client, connection, mark, value);
      return value;
    });
  }

  /** Ends a transaction that failed, and returns what its caller is told. `error`: what its work ended with. */
  async #giveUp(
    client: PoolClient,
    { before, connection, error }: { before: unknown; connection: PostgresConnection; error: unknown },
  ): Promise<unknown> {
    const failure = before ?? connection.failure;
    if (failure === null || codeOf(failure) !== null) await client.query('ROLLBACK').catch(ignore);
    if (failure === null) return error;
    const mayRunAgain = isConflict(failure) || isLost(failure) || isLateReference(failure);
    if (mayRunAgain) return new AgainError('', { cause: failure });
    if (before !== null) return translate(before);
    return error === failure || codeOf(error) === ABORTED ? connection.reason : error;
  }

  async #commit(
    client: PoolClient,
    connection: PostgresConnection,
    mark: TransactionMark,
    value: unknown,
  ): Promise<void> {
    try {
      const isUnsure = await isWarned(client, () => client.query('COMMIT'));
      if (isUnsure) throw new OutcomeUnknownError('the server could not say that its standby has what was written');
    } catch (error) {
      const { failure } = connection;
      // Of a statement that nobody waited for: there was nothing to commit.
      if (codeOf(failure) !== null && !isLost(failure)) {
        throw await this.#giveUp(client, { before: null, connection, error: failure });
      }
      this.#failedCommits++;
      if (error instanceof OutcomeUnknownError) throw error;
      if (isConflict(error)) throw new AgainError('', { cause: error });
      if (/^23/.test(codeOf(error) ?? '')) throw error;
      throw new BrokenCommitError(mark, value, error);
    }
  }

  /** A transaction says all of this of itself: behind a pooler the session belongs to nobody. */
  #begin(isolation: string): string {
    return (
      `BEGIN ISOLATION LEVEL ${isolation}; SET LOCAL statement_timeout = ${this.patience.statementMs}; ` +
      "SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '10s'"
    );
  }

  /** A connection of the pool; one that failed isn't used again. */
  async #use<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
    let client: PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      throw translate(error);
    }
    try {
      const value = await work(client);
      client.release();
      return value;
    } catch (error) {
      client.release(isUseless(error));
      throw error;
    }
  }
}

function makePool(connectionString: string, { answerMs }: Patience): Pool {
  const pool = new pg.Pool({
    connectionString,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS,
    ...(answerMs > 0 && { query_timeout: answerMs }),
    maxLifetimeSeconds: LIFETIME_SECONDS,
    keepAlive: true,
    pipeline: true,
    application_name: 'firn',
    types: TYPES,
  });
  // One that rests and is cut off leaves the pool by itself.
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
}

/** Of bool, int8 and numeric (`pg_type`), in text: as SQLite returns them. */
const PARSERS: Readonly<Record<number, (text: string) => number>> = {
  16: (text) => (text === 't' ? 1 : 0),
  20: Number,
  1700: Number,
};

const TYPES: CustomTypesConfig = {
  getTypeParser: (type: number, format?: 'text' | 'binary') =>
    PARSERS[type] ?? pg.types.getTypeParser(type, format as 'text'),
};

/** Whether the server sent a warning while `work` ran. */
async function isWarned(client: PoolClient, work: () => Promise<{ command: string }>): Promise<boolean> {
  let isSure = true;
  const listen = ({ code }: { code?: string }) => {
    isSure &&= code !== WARNING;
  };
  client.on('notice', listen);
  try {
    const { command } = await work();
    if (command === 'ROLLBACK') throw new Error('a statement failed, and the work went on');
    return !isSure;
  } finally {
    client.off('notice', listen);
  }
}

async function failureOf(...asked: readonly Promise<unknown>[]): Promise<unknown> {
  for (const each of asked) {
    const failure = await each.then(
      () => null,
      (error: unknown) => error,
    );
    if (failure) return failure;
  }
  return null;
}

/** Whether the connection is not to be used again. */
function isUseless(error: unknown): boolean {
  if (error instanceof AgainError) return isLost(error.cause);
  const isOfConnection = error instanceof StoreBusyError || error instanceof StoreFailingError;
  return isOfConnection || error instanceof OutcomeUnknownError || error instanceof BrokenCommitError;
}

function ignore(): void {}
