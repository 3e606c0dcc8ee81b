import Database from 'better-sqlite3';
import { StorageFullError } from '../../stores/blob-store.js';
import { type SqlConnection, UniqueViolation } from '../sql/sql-database.js';

/** One better-sqlite3 connection that keeps its prepared statements. */
export class SqliteConnection implements SqlConnection {
  readonly dialect = 'sqlite';
  readonly #statements = new Map<string, Database.Statement>();
  readonly #listStatements = new Map<string, Database.Statement>();

  constructor(readonly database: Database.Database) {}

  async all<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    try {
      return this.#prepare(sql).all(parameters) as Row[];
    } catch (error) {
      throw translate(error);
    }
  }

  async lists<List extends readonly unknown[]>(sql: string, parameters: readonly unknown[]): Promise<List[]> {
    try {
      return this.#prepareLists(sql).all(parameters) as unknown as List[];
    } catch (error) {
      throw translate(error);
    }
  }

  async run(sql: string, parameters: readonly unknown[]): Promise<number> {
    try {
      return this.#prepare(sql).run(parameters).changes;
    } catch (error) {
      throw translate(error);
    }
  }

  /** For BEGIN, COMMIT and the like; synchronous. */
  control(sql: string): void {
    this.#prepare(sql).run();
  }

  #prepareLists(sql: string): Database.Statement {
    let statement = this.#listStatements.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql).raw();
      this.#listStatements.set(sql, statement);
    }
    return statement;
  }

  #prepare(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
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
