import type { PoolClient, QueryResult } from 'pg';
import type { DriveFacts, SqlConnection } from '../sql/sql-database.js';
import { translate } from './postgres-errors.js';

/** What a statement that changes something has in it. */
const CHANGING = /\b(insert|update|delete|nextval|setval)\b/i;

/** One transaction, or one statement, on a connection of the pool. Statements run in the order in which they are asked. */
export class PostgresConnection implements SqlConnection {
  readonly dialect = 'postgres';
  readonly #client: PoolClient;
  #isOver = false;
  /** The answer to BEGIN. */
  readonly #begun: Promise<unknown> | null;
  #isAhead = true;
  readonly facts: DriveFacts | null;
  /** The first error that a statement ended with: the transaction can't be committed then. */
  failure: Error | null = null;
  #told: (error: unknown) => unknown = translate;

  /** `begun`: null for statements that are in no transaction. `facts`: of its drives. */
  constructor(client: PoolClient, begun: Promise<unknown> | null = null, facts: DriveFacts | null = null) {
    this.#client = client;
    this.#begun = begun;
    this.facts = facts;
  }

  async all<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    return (await this.#ask(sql, parameters)).rows as Row[];
  }

  async lists<List extends readonly unknown[]>(sql: string, parameters: readonly unknown[]): Promise<List[]> {
    return (await this.#ask(sql, parameters, { rowMode: 'array' })).rows as unknown as List[];
  }

  async run(sql: string, parameters: readonly unknown[]): Promise<number> {
    return (await this.#ask(sql, parameters)).rowCount ?? 0;
  }

  send(sql: string, parameters: readonly unknown[], told?: (error: unknown) => unknown): void {
    const named = told ? (error: unknown) => told(translate(error)) : translate;
    // `failure` says it.
    this.#ask(sql, parameters, { told: named }).catch(() => {});
  }

  /** The failure as callers know it. */
  get reason(): unknown {
    return this.#told(this.failure);
  }

  /** The connection goes to somebody else now. */
  end(): void {
    this.#isOver = true;
  }

  async #ask(
    text: string,
    values: readonly unknown[],
    { rowMode, told = translate }: { readonly rowMode?: 'array'; readonly told?: (error: unknown) => unknown } = {},
  ): Promise<QueryResult> {
    if (this.#isOver) throw new Error('the transaction is over');
    try {
      // Where BEGIN is refused, what is sent behind it runs outside of any transaction: that may be a look alone.
      this.#isAhead &&= !CHANGING.test(text);
      // Also where it has come: what is asked later must not go before what waits here.
      if (!this.#isAhead) await this.#begun;
      return await this.#client.query({ text, values: [...values], ...(rowMode ? { rowMode } : {}) } as never);
    } catch (error) {
      if (!this.failure) {
        this.failure = error as Error;
        this.#told = told;
      }
      throw translate(error);
    }
  }
}
