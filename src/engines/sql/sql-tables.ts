import { sql } from 'kysely';
import { listColumns, listCounters, listReferences, setCounter } from './catalog-statements.js';
import type { SqlConnection, SqlDatabase } from './sql-database.js';
import { statement } from './statement.js';
import { type Column, type Key, type Row, statementsOf, type Table, type TableStatements } from './table-statements.js';

/** Rows of a page, and what they may weigh together, in bytes. */
const PAGE_ROWS = 500;
const PAGE_BYTES = 4 * 1024 * 1024;
/** A row whose bytes are in a BlobStore weighs by them, too: 256 MiB of files are a page. */
const WEIGHTS: Readonly<Record<string, string>> = { content: 'CASE WHEN bytes IS NULL THEN size / 64 ELSE 0 END' };
/** Whose key in PostgreSQL has the hash of its texts (`Fragments.longKey`). */
const LONG_KEYS: Readonly<Record<string, readonly string[]>> = { property: ['node_id', 'namespace', 'name'] };

/** What is of a database, or of the places of its blobs, and means nothing elsewhere. */
const OWN_TABLES = [
  'migration',
  'migration_turn',
  'revision',
  'storage_id',
  'storage_move',
  'cluster_node',
  'blob_lease',
  'condemned',
  'sweep',
  'swept',
  'sweep_hold',
  'content_candidate',
  'scrub_part',
];

const blobSizes = statement<Record<string, never>>()<{ blobs: number; blobBytes: number }>(
  () => sql<{ blobs: number; blobBytes: number }>`
    SELECT count(*) AS blobs, coalesce(sum(size), 0) AS "blobBytes" FROM content WHERE bytes IS NULL`,
);

/** All rows of a storage, table by table, whatever they mean: for what takes them to another database. */
export class SqlTables {
  readonly #statements = new Map<string, TableStatements>();

  constructor(readonly database: SqlDatabase) {}

  /** Those that mean something elsewhere, each after those that it names rows of. */
  async list(): Promise<Table[]> {
    const [columns, references] = await this.database.read(async (connection) => [
      await listColumns.all(connection, {}),
      await listReferences.all(connection, {}),
    ]);
    const names = [...new Set(columns.map(({ table }) => table))].filter((name) => !OWN_TABLES.includes(name));
    const tables = names.map((name): Table => {
      const isOfOwn = (column: string) =>
        references.some((each) => each.table === name && each.target === name && each.column === column);
      const own = columns.filter(({ table }) => table === name);
      const key = own.filter(({ place }) => place > 0).sort((a, b) => a.place - b.place);
      return {
        name,
        columns: own
          .map(({ column, type }): Column => ({ name: column, kind: kindOf(name, type), isOfOwn: isOfOwn(column) }))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
        key: LONG_KEYS[name] ?? key.map(({ column }) => column),
      };
    });
    return inOrder(tables, references);
  }

  /** Rows in order, from the one after `after`; none: no more. */
  async page(table: Table, after: Key | null): Promise<Row[]> {
    const statements = this.#of(table);
    if (table.key.length === 0)
      return after ? [] : this.#read((connection) => statements.whole.lists<Row>(connection, {}));
    return this.#read(async (connection) => {
      const bounds = { ...bound('after', after ?? []), limit: PAGE_ROWS };
      const listed = await statements[after ? 'next' : 'first'].lists<Row>(connection, bounds);
      const last = lastWithin(listed);
      return last === null ? [] : this.#between(connection, table, after, last);
    });
  }

  /** The rows after `after`, up to `last`. */
  upTo(table: Table, after: Key | null, last: Key): Promise<Row[]> {
    if (table.key.length === 0) return this.#read((connection) => this.#of(table).whole.lists<Row>(connection, {}));
    return this.#read((connection) => this.#between(connection, table, after, last));
  }

  /** The key of the last row; null where there is none. */
  async last(table: Table): Promise<Key | null> {
    if (table.key.length === 0) return null;
    const [row] = await this.#read((connection) => this.#of(table).last.lists<Key>(connection, {}));
    return row ?? null;
  }

  /** Of the contents that a BlobStore has. */
  async blobSizes(): Promise<{ blobs: number; blobBytes: number }> {
    return (await this.#read((connection) => blobSizes.first(connection, {})))!;
  }

  async count(table: Table): Promise<number> {
    return (await this.#read((connection) => this.#of(table).count.first(connection, {})))!.count;
  }

  /** Rows of the table that come after all that it has; of a table with one row, another one. Durable when it resolves. */
  async insert(table: Table, rows: readonly Row[]): Promise<void> {
    const statements = this.#of(table);
    const { columns } = table;
    const own = columns.findIndex(({ isOfOwn }) => isOfOwn);
    const key = columns.findIndex(({ name }) => name === table.key[0]);
    const lists = rows.map((row) =>
      row.map((value, index) => {
        // What comes later is named when all are there.
        if (index === own && Number(value) > Number(row[key])) return null;
        return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
      }),
    );
    await this.database.write(async (connection) => {
      if (table.key.length === 0) await statements.clear.run(connection, {});
      await statements.insert.run(connection, { rows: JSON.stringify(lists) });
    });
  }

  /** The rows after the one of that key that name one which comes later: key, and what they name. */
  late(table: Table, after: number): Promise<Row[]> {
    if (!table.columns.some(({ isOfOwn }) => isOfOwn)) return Promise.resolve([]);
    return this.#read((connection) => this.#of(table).late.lists<Row>(connection, { after, limit: PAGE_ROWS }));
  }

  async nameLate(table: Table, rows: readonly Row[]): Promise<void> {
    await this.database.write((connection) => this.#of(table).nameLate.run(connection, { rows: JSON.stringify(rows) }));
  }

  /** The last number that each counting column gave out: where the database doesn't remember, the highest that there is. */
  async counters(tables: readonly Table[]): Promise<Map<string, number>> {
    const remembered = await this.#read((connection) => listCounters.all(connection, {}));
    const last = new Map(remembered.map(({ table, last: value }) => [table, value ?? 0]));
    const counting = tables.filter(({ key, columns }) => {
      return key.length === 1 && columns.some(({ name, kind }) => name === key[0] && kind === 'number');
    });
    for (const table of counting) {
      const [row] = await this.#read((connection) => this.#of(table).last.lists<Key>(connection, {}));
      last.set(table.name, Math.max(last.get(table.name) ?? 0, Number(row?.[0] ?? 0)));
    }
    return last;
  }

  /** Has them go on behind these, and behind where they are. */
  async setCounters(counters: ReadonlyMap<string, number>): Promise<void> {
    await this.database.write(async (connection) => {
      for (const { table, column, last } of await listCounters.all(connection, {})) {
        const wanted = counters.get(table) ?? 0;
        if (wanted > (last ?? 0)) await setCounter(connection, { table, column, last: wanted });
      }
    });
  }

  #between(connection: SqlConnection, table: Table, after: Key | null, last: Key): Promise<Row[]> {
    const statements = this.#of(table);
    const bounds = { ...bound('after', after ?? []), ...bound('last', last) };
    return statements[after ? 'between' : 'upTo'].lists<Row>(connection, bounds);
  }

  #read<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return this.database.readOne(work);
  }

  #of(table: Table): TableStatements {
    const known = this.#statements.get(table.name) ?? statementsOf(table, WEIGHTS[table.name] ?? null);
    this.#statements.set(table.name, known);
    return known;
  }
}

export function keyOf({ columns, key }: Table, row: Row): Key {
  return key.map((name) => row[columns.findIndex((column) => column.name === name)]!);
}

function bound(side: string, key: Key): Record<string, unknown> {
  return Object.fromEntries(key.map((value, index) => [`${side}${index}`, value]));
}

/** The key of the last row, of those listed with their weights, that a page has room for: at least one. */
function lastWithin(listed: readonly Row[]): Key | null {
  let weight = 0;
  const end = listed.findIndex((row, index) => {
    weight += Number(row.at(-1));
    return index > 0 && weight > PAGE_BYTES;
  });
  const last = end < 0 ? listed.at(-1) : listed[end - 1];
  return last ? last.slice(0, -1) : null;
}

function kindOf(table: string, type: string): Column['kind'] {
  switch (type.toLowerCase()) {
    case 'integer':
    case 'bigint':
      return 'number';
    case 'text':
      return 'text';
    case 'blob':
    case 'bytea':
      return 'bytes';
    default:
      throw new Error(`the table ${table} has a column of the type ${type}, which is not copied`);
  }
}

function inOrder(tables: readonly Table[], references: readonly { table: string; target: string }[]): Table[] {
  const ordered: Table[] = [];
  let left = [...tables];
  while (left.length > 0) {
    const isReady = ({ name }: Table) =>
      !references.some(
        ({ table, target }) => table === name && target !== name && left.some((each) => each.name === target),
      );
    const ready = left.filter(isReady);
    if (ready.length === 0) throw new Error(`${left.map(({ name }) => name).join(', ')} name each other's rows`);
    ordered.push(...ready);
    left = left.filter((table) => !ready.includes(table));
  }
  return ordered;
}
