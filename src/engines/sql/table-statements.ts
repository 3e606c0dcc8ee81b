import { type RawBuilder, sql } from 'kysely';
import type { Fragments } from './dialect.js';
import { statement } from './statement.js';

export interface Column {
  readonly name: string;
  readonly kind: 'number' | 'text' | 'bytes';
  /** Of a row of the same table. */
  readonly isOfOwn: boolean;
}

/** A table as both databases have it. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** By which its rows are in order; none: it has one row, or none. */
  readonly key: readonly string[];
}

export type Value = number | string | Uint8Array | null;
export type Row = readonly Value[];
/** The values of a row's key; its parameters are `after0`, `after1`, … */
export type Key = readonly Value[];

type Bounds = Record<string, unknown>;

/** The statements of one table, whichever it is. */
export type TableStatements = ReturnType<typeof statementsOf>;

/**
 * `weigh`: what a row counts beside the bytes that it has, as an expression of SQL.
 */
export function statementsOf({ name, columns, key }: Table, weigh: string | null) {
  const table = sql.id(name);
  const all = sql.join(columns.map((column) => sql.id(column.name)));
  const keys = sql.join(key.map((column) => sql.id(column)));
  const bound = (p: (name: string) => unknown, side: string) =>
    sql`(${sql.join(key.map((_column, index) => sql`${p(`${side}${index}`)}`))})`;
  const order = sql.join(key.map((column) => sql.id(column)));
  const backwards = sql.join(key.map((column) => sql`${sql.id(column)} DESC`));
  const own = columns.find(({ isOfOwn }) => isOfOwn)?.name ?? null;
  return {
    /** The keys of the next rows, and what each row weighs. */
    first: statement<Bounds>()<never>(
      (_db, p, d) => sql<never>`
        SELECT ${keys}, ${weightOf(columns, weigh, d)} FROM ${table} ORDER BY ${order} LIMIT ${p('limit')}`,
    ),
    next: statement<Bounds>()<never>(
      (_db, p, d) => sql<never>`
        SELECT ${keys}, ${weightOf(columns, weigh, d)} FROM ${table} WHERE (${keys}) > ${bound(p, 'after')}
        ORDER BY ${order} LIMIT ${p('limit')}`,
    ),
    upTo: statement<Bounds>()<never>(
      (_db, p) => sql<never>`SELECT ${all} FROM ${table} WHERE (${keys}) <= ${bound(p, 'last')} ORDER BY ${order}`,
    ),
    between: statement<Bounds>()<never>(
      (_db, p) => sql<never>`
        SELECT ${all} FROM ${table} WHERE (${keys}) > ${bound(p, 'after')} AND (${keys}) <= ${bound(p, 'last')}
        ORDER BY ${order}`,
    ),
    whole: statement<Bounds>()<never>(() => sql<never>`SELECT ${all} FROM ${table}`),
    last: statement<Bounds>()<never>(() => sql<never>`SELECT ${keys} FROM ${table} ORDER BY ${backwards} LIMIT 1`),
    count: statement<Bounds>()<{ count: number }>(() => sql<{ count: number }>`SELECT count(*) AS count FROM ${table}`),
    clear: statement<Bounds>()<never>(() => sql<never>`DELETE FROM ${table}`),
    insert: statement<{ rows: string }>()<never>(
      (_db, p, d) => sql<never>`
        INSERT INTO ${table} (${all}) SELECT ${sql.join(columns.map((column, index) => valueAt(column, index, d)))}
        FROM ${d.wantedLists(p('rows'))}`,
    ),
    /** Rows that name one which comes after them: key, and what they name. */
    late: statement<{ after: number; limit: number }>()<never>(
      (_db, p) => sql<never>`
        SELECT ${keys}, ${sql.id(own ?? '')} FROM ${table}
        WHERE ${sql.id(own ?? '')} > ${keys} AND ${keys} > ${p('after')} ORDER BY ${keys} LIMIT ${p('limit')}`,
    ),
    nameLate: statement<{ rows: string }>()<never>(
      (_db, p, d) => sql<never>`
        UPDATE ${table} SET ${sql.id(own ?? '')} = ${d.numberAt(1)} FROM ${d.wantedLists(p('rows'))}
        WHERE ${table}.${keys} = ${d.numberAt(0)}`,
    ),
  };
}

function weightOf(columns: readonly Column[], weigh: string | null, d: Fragments): RawBuilder<unknown> {
  const parts = columns
    .filter(({ kind }) => kind !== 'number')
    .map(({ name }) => sql`coalesce(${d.bytesOf(`"${name}"`)}, 0)`);
  const more = weigh === null ? [] : [sql`(${sql.raw(weigh)})`];
  return sql`${sql.join([sql.lit(0), ...parts, ...more], sql` + `)} AS weight`;
}

function valueAt({ kind }: Column, index: number, d: Fragments): RawBuilder<unknown> {
  if (kind === 'number') return d.numberAt(index);
  return kind === 'text' ? d.textAt(index) : d.bytesAt(index);
}
