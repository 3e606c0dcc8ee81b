import type { SqlConnection, SqlDatabase, SqlWriteOptions } from '../../src/engines/sql/sql-database.js';
import type { TransactionStats } from '../../src/stores/metadata-store.js';

type Work<T> = (connection: SqlConnection) => Promise<T>;

/** A real database whose transactions stop before each statement, and before their ends, for what a test has happen there. */
export class SteppedDatabase implements SqlDatabase {
  readonly #database: SqlDatabase;
  before: (sql: string) => Promise<unknown> = async () => {};

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  read<T>(work: Work<T>): Promise<T> {
    return this.#database.read((connection) => this.#stepped(work, connection));
  }

  readOne<T>(work: Work<T>): Promise<T> {
    return this.#database.readOne((connection) => work(this.#stopping(connection)));
  }

  write<T>(work: Work<T>, options?: SqlWriteOptions): Promise<T> {
    return this.#database.write((connection) => this.#stepped(work, connection), options);
  }

  stats(): TransactionStats {
    return this.#database.stats();
  }

  wipeRemoved(): Promise<boolean> {
    return this.#database.wipeRemoved();
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #stepped<T>(work: Work<T>, connection: SqlConnection): Promise<T> {
    const value = await work(this.#stopping(connection));
    await this.before('COMMIT');
    return value;
  }

  #stopping(connection: SqlConnection): SqlConnection {
    const stop = async (sql: string) => void (await this.before(sql));
    return {
      dialect: connection.dialect,
      all: async (sql, parameters) => stop(sql).then(() => connection.all(sql, parameters)),
      lists: async (sql, parameters) => stop(sql).then(() => connection.lists(sql, parameters)),
      run: async (sql, parameters) => stop(sql).then(() => connection.run(sql, parameters)),
    };
  }
}
