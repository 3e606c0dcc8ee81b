import type { SqlConnection, SqlDatabase, SqlWriteOptions } from '../../src/engines/sql/sql-database.js';
import type { TransactionStats } from '../../src/stores/metadata-store.js';

/** A statement as it ran. */
export interface RanStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** A real database that also writes down what runs on it. */
export class CountingDatabase implements SqlDatabase {
  readonly ran: RanStatement[] = [];
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  read<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return this.#database.read((connection) => work(this.#noting(connection)));
  }

  readOne<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return this.#database.readOne((connection) => work(this.#noting(connection)));
  }

  write<T>(work: (connection: SqlConnection) => Promise<T>, options?: SqlWriteOptions): Promise<T> {
    return this.#database.write((connection) => work(this.#noting(connection)), options);
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

  /** How many statements `work` runs. */
  async count(work: () => Promise<unknown>): Promise<number> {
    return (await this.statementsOf(work)).length;
  }

  async statementsOf(work: () => Promise<unknown>): Promise<RanStatement[]> {
    this.ran.length = 0;
    await work();
    return this.ran.splice(0);
  }

  #noting(connection: SqlConnection): SqlConnection {
    const { dialect, facts = null } = connection;
    const send: SqlConnection['send'] = (sql, parameters, told) => {
      this.ran.push({ sql, parameters });
      connection.send!(sql, parameters, told);
    };
    return {
      dialect,
      facts,
      ...(connection.send && { send }),
      all: (sql, parameters) => {
        this.ran.push({ sql, parameters });
        return connection.all(sql, parameters);
      },
      lists: (sql, parameters) => {
        this.ran.push({ sql, parameters });
        return connection.lists(sql, parameters);
      },
      run: (sql, parameters) => {
        this.ran.push({ sql, parameters });
        return connection.run(sql, parameters);
      },
    };
  }
}
