import Database from 'better-sqlite3';
import { StorageFullError } from '../../stores/blob-store.js';
import { type SqlConnection, UniqueViolation } from '../sql/sql-database.js';
import { changesOf } from './changed-tables.js';

interface Prepared {
  readonly statement: Database.Statement;
  /** See `changesOf`. */
  readonly changes: number;
}

/** One better-sqlite3 connection that keeps its prepared statements. */
export class SqliteConnection implements SqlConnection {
  readonly dialect = 'sqlite';
  readonly #statements = new Map<string, Prepared>();
  readonly #listStatements = new Map<string, Prepared>();
  /** What statements have changed since somebody set it to 0; see `changesOf`. */
  changed = 0;

  constructor(readonly database: Database.Database) {}

  async all<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    try {
      const { statement, changes } = this.#prepare(sql);
      this.changed |= changes;
      return statement.all(parameters) as Row[];
    } catch (error) {
      throw translate(error);
    }
  }

  async lists<List extends readonly unknown[]>(sql: string, parameters: readonly unknown[]): Promise<List[]> {
    try {
      const { statement, changes } = this.#prepareLists(sql);
      this.changed |= changes;
      return statement.all(parameters) as unknown as List[];
    } catch (error) {
      throw translate(error);
    }
  }

  async run(sql: string, parameters: readonly unknown[]): Promise<number> {
    try {
      const { statement, changes } = this.#prepare(sql);
      const rows = statement.run(parameters).changes;
      if (rows > 0) this.changed |= changes;
      return rows;
    } catch (error) {
      throw translate(error);
    }
  }

  /** For BEGIN, COMMIT and the like; synchronous. */
  control(sql: string): void {
    this.#prepare(sql).statement.run();
  }

  #prepareLists(sql: string): Prepared {
    let prepared = this.#listStatements.get(sql);
    if (!prepared) {
      prepared = this.#compile(sql);
      prepared.statement.raw();
      this.#listStatements.set(sql, prepared);
    }
    return prepared;
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#statements.get(sql);
    if (!prepared) {
      prepared = this.#compile(sql);
      this.#statements.set(sql, prepared);
    }
    return prepared;
  }

  #compile(sql: string): Prepared {
    const statement = this.database.prepare(sql);
    return { statement, changes: statement.readonly ? 0 : changesOf(sql) };
  }
}

/** Names the failures that callers know; gives any other as it is. */
export function translate(error: unknown): unknown {
  if (error instanceof Database.SqliteError && error.code === 'SQLITE_FULL') {
    return new StorageFullError({ cause: error });
  }
  if (error instanceof Database.SqliteError && /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)$/.test(error.code)) {
    return new UniqueViolation(error.message, { cause: error });
  }
  return error;
}

/** Whether another connection holds the lock that was asked for. */
export function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}
