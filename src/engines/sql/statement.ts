import {
  type Compilable,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { type Dialect, FRAGMENTS, type Fragments } from './dialect.js';
import type { Schema } from './schema.js';
import type { SqlConnection } from './sql-database.js';

/** Stands for a value while a statement is compiled. */
class Parameter {
  constructor(readonly name: string) {}
}

/** Builders that only compile: running is the connection's affair, which keeps the prepared statement. */
const builders: Record<Dialect, Kysely<Schema>> = {
  sqlite: new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  }),
  postgres: new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  }),
};

type Parameters = Record<string, unknown>;

const asItIs = (error: unknown) => error;

type Build<P extends Parameters, Row> = (
  db: Kysely<Schema>,
  parameter: <K extends keyof P & string>(name: K) => P[K],
  fragments: Fragments,
) => Compilable<Row> | RawBuilder<Row>;

interface Compiled {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/**
 * A statement written with Kysely, compiled once per dialect and run many times with other values: building and
 * compiling a query again costs more than SQLite takes to answer it.
 */
export class Statement<P extends Parameters, Row> {
  readonly #build: Build<P, Row>;
  readonly #compiled: Partial<Record<Dialect, Compiled>> = {};

  constructor(build: Build<P, Row>) {
    this.#build = build;
  }

  all(connection: SqlConnection, parameters: P): Promise<Row[]> {
    const compiled = this.#compile(connection.dialect);
    return connection.all<Row>(compiled.sql, bind(compiled, parameters));
  }

  /** The rows as lists of their values, in the order of the columns; `List` is the caller's word for them. */
  lists<List extends readonly unknown[]>(connection: SqlConnection, parameters: P): Promise<List[]> {
    const compiled = this.#compile(connection.dialect);
    return connection.lists<List>(compiled.sql, bind(compiled, parameters));
  }

  async first(connection: SqlConnection, parameters: P): Promise<Row | undefined> {
    return (await this.all(connection, parameters))[0];
  }

  /** Returns the number of changed rows. */
  run(connection: SqlConnection, parameters: P): Promise<number> {
    const compiled = this.#compile(connection.dialect);
    return connection.run(compiled.sql, bind(compiled, parameters));
  }

  /** For a change of which nobody wants to know how many rows it changed. `told`: what a failure of it is called. */
  async send(connection: SqlConnection, parameters: P, told: (error: unknown) => unknown = asItIs): Promise<void> {
    const compiled = this.#compile(connection.dialect);
    const bound = bind(compiled, parameters);
    if (connection.send) {
      connection.send(compiled.sql, bound, told);
      return;
    }
    try {
      await connection.run(compiled.sql, bound);
    } catch (error) {
      throw told(error);
    }
  }

  #compile(dialect: Dialect): Compiled {
    const known = this.#compiled[dialect];
    if (known) return known;
    const parameter = <K extends keyof P & string>(name: K) => new Parameter(name) as unknown as P[K];
    const builder = builders[dialect];
    // A query ignores the argument; a raw one asks it how to compile.
    const query = this.#build(builder, parameter, FRAGMENTS[dialect]).compile(builder);
    const numbered = { sql: query.sql, values: query.parameters };
    const compiled = dialect === 'postgres' ? folded(numbered) : numbered;
    this.#compiled[dialect] = compiled;
    return compiled;
  }
}

/** With one `$n` for all places of a parameter: PostgreSQL then knows its type at each of them, if it does at one. */
function folded({ sql, values }: Compiled): Compiled {
  const places = new Map<unknown, number>();
  const kept: unknown[] = [];
  const numbers = values.map((value) => {
    const name = value instanceof Parameter ? value.name : null;
    const known = name === null ? undefined : places.get(name);
    if (known !== undefined) return known;
    const number = kept.push(value);
    if (name !== null) places.set(name, number);
    return number;
  });
  return { sql: sql.replace(/\$(\d+)/g, (_text, number) => `$${numbers[Number(number) - 1]}`), values: kept };
}

function bind(compiled: Compiled, parameters: Parameters): unknown[] {
  const { values } = compiled;
  const bound = new Array<unknown>(values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    const given = value instanceof Parameter ? parameters[value.name] : value;
    bound[index] = typeof given === 'boolean' ? Number(given) : given;
  }
  return bound;
}

/** Names the types of a statement's values and rows: `statement<{ id: number }>()((db, parameter) => …)`. */
export function statement<P extends Parameters>() {
  return <Row>(build: Build<P, Row>) => new Statement<P, Row>(build);
}
