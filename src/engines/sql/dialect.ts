import { type RawBuilder, sql } from 'kysely';

/** The databases that statements are compiled for. */
export type Dialect = 'sqlite' | 'postgres';

/**
 * Pieces of statements that the two databases spell differently, so that each statement is written once. Lists travel as one JSON
 * parameter: a statement has one text whatever the list's length.
 */
export interface Fragments {
  /** For the few statements that one of the two has no words for. */
  readonly dialect: Dialect;
  /**
   * Whether a statement that a unique index would refuse changes nothing: a refusal ends a transaction of PostgreSQL. SQLite throws
   * `UniqueViolation`.
   */
  readonly skipsTaken: boolean;
  /** What ends such an insertion. */
  readonly orNothing: RawBuilder<unknown>;
  /** A join with an `ON`, which SQLite makes in the order of the text; PostgreSQL's planner picks by its statistics. */
  readonly join: RawBuilder<unknown>;
  /**
   * A join, as SQLite has it, for whose every row PostgreSQL is to search an index: of a recursion it expects far too many rows, and would
   * walk the table.
   */
  searched(join: RawBuilder<unknown>, table: string, condition: string): RawBuilder<unknown>;
  /** The name that PostgreSQL wants of a query in FROM. */
  readonly page: RawBuilder<unknown>;
  /**
   * The columns of a unique key with long texts behind its first one. An index of PostgreSQL has room for 2,704 bytes of a row, so
   * there the texts' hash is in it.
   */
  longKey<Column extends string>(columns: readonly Column[]): Column[];
  /** `=` turned round, where null equals null. */
  readonly differs: RawBuilder<unknown>;
  /** The index that SQLite has to take. */
  indexedBy(index: string): RawBuilder<unknown>;
  /** A parameter whose place doesn't say that it is a number, or a text. */
  number<T extends number | null>(value: T): RawBuilder<T>;
  text<T extends string | null>(value: T): RawBuilder<T>;
  /** The values of a JSON list, for an `IN`. */
  numbers(json: string): RawBuilder<number>;
  texts(json: string): RawBuilder<string>;
  /** A JSON list as a table `wanted` with the columns `value`, a number, and `key`, its place. */
  wantedNumbers(json: string): RawBuilder<unknown>;
  /** A JSON list as a table with the column `value`. */
  eachNumber(json: string): RawBuilder<unknown>;
  eachText(json: string): RawBuilder<unknown>;
  /** A JSON list of lists as a table `wanted`; `numberAt` and `textAt` read a list of it. */
  wantedLists(json: string): RawBuilder<unknown>;
  numberAt(index: number): RawBuilder<number>;
  textAt(index: number): RawBuilder<string>;
  /** Bytes, which are there in hex. */
  bytesAt(index: number): RawBuilder<Uint8Array>;
  /** The text at a place of a JSON list. */
  textOf(json: string, place: RawBuilder<number>): RawBuilder<string>;
  /** The functions of several values that return the greatest or the least. */
  readonly greatest: RawBuilder<unknown>;
  readonly least: RawBuilder<unknown>;
  /** A condition as 1 or 0. */
  truth(condition: RawBuilder<unknown>): RawBuilder<number>;
  /** The bytes of a text. */
  bytesOf(column: string): RawBuilder<number>;
  /** What ends a SELECT of rows of `table` that are about to be taken: those that another transaction takes are left out. */
  takenOf(table: string): RawBuilder<unknown>;
  /** The time of the database's machine, in milliseconds since 1970. */
  readonly clock: RawBuilder<number>;
}

const NOTHING = sql.raw('');

const SQLITE: Fragments = {
  dialect: 'sqlite',
  skipsTaken: false,
  orNothing: NOTHING,
  join: sql.raw('CROSS JOIN'),
  searched: (join) => join,
  page: NOTHING,
  longKey: (columns) => [...columns],
  differs: sql.raw('IS NOT'),
  indexedBy: (index) => sql.raw(` INDEXED BY ${index}`),
  number: (value) => sql`${value}`,
  text: (value) => sql`${value}`,
  numbers: (json) => sql`(SELECT value FROM json_each(${json}))`,
  texts: (json) => sql`(SELECT value FROM json_each(${json}))`,
  wantedNumbers: (json) => sql`json_each(${json}) AS wanted`,
  eachNumber: (json) => sql`json_each(${json})`,
  eachText: (json) => sql`json_each(${json})`,
  wantedLists: (json) => sql`json_each(${json}) AS wanted`,
  numberAt: (index) => sql.raw(`wanted.value ->> ${index}`),
  textAt: (index) => sql.raw(`wanted.value ->> ${index}`),
  bytesAt: (index) => sql.raw(`unhex(wanted.value ->> ${index})`),
  textOf: (json, place) => sql`(${json} ->> ${place})`,
  greatest: sql.raw('max'),
  least: sql.raw('min'),
  truth: (condition) => sql`${condition}`,
  bytesOf: (column) => sql.raw(`length(CAST(${column} AS BLOB))`),
  takenOf: () => NOTHING,
  clock: sql.raw("CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)"),
};

const POSTGRES: Fragments = {
  dialect: 'postgres',
  skipsTaken: true,
  orNothing: sql.raw(' ON CONFLICT DO NOTHING'),
  join: sql.raw('JOIN'),
  searched: (_join, table, condition) =>
    sql.raw(`CROSS JOIN LATERAL (SELECT * FROM ${table} WHERE ${condition} OFFSET 0) AS ${table}`),
  page: sql.raw(' AS page'),
  longKey: ([first]) => [first!, 'digest' as never],
  differs: sql.raw('IS DISTINCT FROM'),
  indexedBy: () => NOTHING,
  number: (value) => sql`${value}::bigint`,
  text: (value) => sql`${value}::text`,
  numbers: (json) => sql`(SELECT value::bigint FROM jsonb_array_elements_text(${json}::jsonb) AS listed (value))`,
  texts: (json) => sql`(SELECT value FROM jsonb_array_elements_text(${json}::jsonb) AS listed (value))`,
  wantedNumbers: (json) => sql`(SELECT value::bigint AS value, key
    FROM jsonb_array_elements_text(${json}::jsonb) WITH ORDINALITY AS listed (value, key)) AS wanted`,
  eachNumber: (json) => sql`(SELECT value::bigint AS value
    FROM jsonb_array_elements_text(${json}::jsonb) AS listed (value)) AS listed`,
  eachText: (json) => sql`jsonb_array_elements_text(${json}::jsonb) AS listed (value)`,
  wantedLists: (json) => sql`jsonb_array_elements(${json}::jsonb) AS wanted (value)`,
  numberAt: (index) => sql.raw(`(wanted.value ->> ${index})::bigint`),
  textAt: (index) => sql.raw(`(wanted.value ->> ${index})`),
  bytesAt: (index) => sql.raw(`decode(wanted.value ->> ${index}, 'hex')`),
  textOf: (json, place) => sql`(${json}::jsonb ->> ${place})`,
  greatest: sql.raw('greatest'),
  least: sql.raw('least'),
  truth: (condition) => sql`CASE WHEN ${condition} THEN 1 ELSE 0 END`,
  bytesOf: (column) => sql.raw(`octet_length(${column})`),
  takenOf: (table) => sql.raw(` FOR UPDATE OF ${table} SKIP LOCKED`),
  clock: sql.raw('floor(extract(epoch from clock_timestamp()) * 1000)::bigint'),
};

export const FRAGMENTS: Record<Dialect, Fragments> = { sqlite: SQLITE, postgres: POSTGRES };
