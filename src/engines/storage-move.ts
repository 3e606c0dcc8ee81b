import type { ContentPosition } from '../stores/blob-index.js';
import type { BlobRef, BlobStore } from '../stores/blob-store.js';
import type { ClusterEngine } from '../stores/cluster-store.js';
import { StorageClaimedError, StorageFormatError } from '../stores/storage-errors.js';
import {
  type CheckedStorage,
  type MovedContents,
  type MoveSize,
  SourceChangedError,
  type StorageMove,
} from '../stores/storage-move.js';
import type { BlobId, BlobPlace } from '../stores/values.js';
import { highestRevision, reachRevision } from './sql/revisions.js';
import { findMoveMark, putMoveMark, removeMoveMark } from './sql/sql-move-mark.js';
import { keyOf, type SqlTables } from './sql/sql-tables.js';
import type { Key, Row, Table } from './sql/table-statements.js';

/** Contents that are looked at in one transaction. */
const NOMINATED = 500;
/** A server of a cluster that has said nothing for so long has ended, in milliseconds: it speaks several times meanwhile. */
const SILENCE_MS = 30_000;

/** One side of a move. */
export interface MovedStorage extends CheckedStorage {
  readonly tables: SqlTables;
  readonly cluster: ClusterEngine | null;
  /** As `BlobLeases.storageId`. */
  storageId(): Promise<string>;
  /** For people: where it is. */
  readonly place: string;
  close(): Promise<void>;
}

/** Takes the rows of one database to another, and notes in both how far that is. */
export class EngineMove implements StorageMove {
  readonly #source: MovedStorage;
  readonly #target: MovedStorage;
  readonly #tables: readonly Table[];
  readonly #content: Table;

  private constructor(source: MovedStorage, target: MovedStorage, tables: readonly Table[]) {
    this.#source = source;
    this.#target = target;
    this.#tables = tables;
    this.#content = tables.find(({ name }) => name === 'content')!;
  }

  /** Throws `StorageFormatError` where the target has something else in it, or the source isn't what was begun with. */
  static async begin(source: MovedStorage, target: MovedStorage, now: number): Promise<EngineMove> {
    const tables = await source.tables.list();
    if (layoutOf(tables) !== layoutOf(await target.tables.list())) {
      throw new Error('the two databases have different tables');
    }
    const move = new EngineMove(source, target, tables);
    await move.#begin(now);
    return move;
  }

  get from(): BlobStore {
    return this.#source.blobs;
  }

  get to(): CheckedStorage {
    return this.#target;
  }

  async sizes(): Promise<{ all: MoveSize; done: MoveSize }> {
    return { all: await this.#sizeOf(this.#source), done: await this.#sizeOf(this.#target) };
  }

  async nextContents(): Promise<MovedContents | null> {
    const table = this.#content;
    const rows = await this.#source.tables.page(table, await this.#target.tables.last(table));
    if (rows.length === 0) return null;
    const at = placesOf(table);
    return {
      rows: rows.length,
      blobs: rows.flatMap((row) => (row[at.bytes] === null ? [refOf(row, at)] : [])),
      record: (places) =>
        this.#target.tables.insert(
          table,
          rows.map((row) => row.with(at.place, places.get(row[at.id] as BlobId) ?? null)),
        ),
    };
  }

  async *copyRows(): AsyncGenerator<number> {
    for (const table of this.#tables) {
      if (table === this.#content) continue;
      let after: Key | null = await this.#target.tables.last(table);
      for (;;) {
        const rows = await this.#source.tables.page(table, after);
        if (rows.length === 0) break;
        await this.#target.tables.insert(table, rows);
        yield rows.length;
        after = keyOf(table, rows.at(-1)!);
      }
      await this.#nameLate(table);
    }
  }

  async settle(): Promise<void> {
    const { database } = this.#target.tables;
    await this.#target.tables.setCounters(await this.#source.tables.counters(this.#tables));
    await reachRevision(database, await highestRevision(this.#source.tables.database));
    // The collector's marks are of places, which are others here.
    let after: ContentPosition | null = null;
    do after = await this.#target.blobIndex.nominate(after, NOMINATED);
    while (after !== null);
  }

  async *compare(): AsyncGenerator<number> {
    for (const table of this.#tables) {
      for (let after: Key | null = null; ; ) {
        const rows: Row[] = await this.#source.tables.page(table, after);
        if (rows.length === 0) break;
        const last = keyOf(table, rows.at(-1)!);
        const others = await this.#target.tables.upTo(table, after, last);
        if (textOf(table, rows) !== textOf(table, others)) throw this.#changed(table.name);
        yield rows.length;
        after = last;
      }
      const [here, there] = [await this.#source.tables.count(table), await this.#target.tables.count(table)];
      if (here !== there) throw this.#changed(table.name);
    }
  }

  async finish({ keepsSource, now }: { keepsSource: boolean; now: number }): Promise<void> {
    if (!keepsSource) {
      await checkUnserved(this.#source);
      const otherId = await this.#target.storageId();
      const mark = { state: 'left', otherId, place: this.#target.place, stamp: '', at: now } as const;
      await putMoveMark(this.#source.tables.database, mark);
    }
    await removeMoveMark(this.#target.tables.database);
  }

  async close(): Promise<void> {
    try {
      await this.#target.close();
    } finally {
      await this.#source.close();
    }
  }

  async #begin(now: number): Promise<void> {
    const [source, target] = [this.#source, this.#target];
    for (const side of [source, target]) await checkUnserved(side);
    if (await this.#isEmpty(source)) throw new StorageFormatError(`There is nothing in the source (${source.place}).`);
    const [sourceId, targetId] = [await source.storageId(), await target.storageId()];
    const [left, arriving] = [await findMoveMark(source.tables.database), await findMoveMark(target.tables.database)];
    if (left?.state === 'arriving') {
      throw new StorageFormatError(`The source is itself being filled from ${left.place}, and that has not ended.`);
    }
    const isOurs = arriving?.state === 'arriving' && arriving.otherId === sourceId;
    if (left && !(isOurs && left.otherId === targetId)) {
      throw new StorageFormatError(`The source was moved to ${left.place} already.`);
    }
    const stamp = await stampOf(source.tables);
    if (!arriving && (await this.#isEmpty(target))) {
      const mark = { state: 'arriving', otherId: sourceId, place: source.place, stamp, at: now } as const;
      return putMoveMark(target.tables.database, mark);
    }
    if (!isOurs) {
      throw new StorageFormatError(`The target is not empty (${target.place}): a storage is moved into an empty one.`);
    }
    if (arriving.stamp !== stamp) {
      throw new StorageFormatError(
        `The source has changed since its move began, so that the target would be of two moments: empty ${target.place}, and begin again.`,
      );
    }
  }

  async #isEmpty({ tables }: MovedStorage): Promise<boolean> {
    for (const table of this.#tables) if (await tables.last(table)) return false;
    return true;
  }

  async #nameLate(table: Table): Promise<void> {
    for (let after = 0; ; ) {
      const rows = await this.#source.tables.late(table, after);
      if (rows.length === 0) return;
      await this.#target.tables.nameLate(table, rows);
      after = Number(rows.at(-1)![0]);
    }
  }

  async #sizeOf({ tables }: MovedStorage): Promise<MoveSize> {
    let rows = 0;
    for (const table of this.#tables) rows += await tables.count(table);
    return { rows, ...(await tables.blobSizes()) };
  }

  #changed(table: string): SourceChangedError {
    return new SourceChangedError(
      `The source was changed while it was copied (table ${table}): empty ${this.#target.place}, and begin again with nobody at work on the source.`,
    );
  }
}

/** Throws `StorageClaimedError` where a server of a cluster works on the storage; that of a folder has claimed the folder. */
async function checkUnserved({ cluster, place }: MovedStorage): Promise<void> {
  if (!cluster) return;
  const now = await cluster.store.time();
  const living = (await cluster.store.servers()).find(
    ({ leftAt, seenAt }) => leftAt === null && now - seenAt < SILENCE_MS,
  );
  if (!living) return;
  throw new StorageClaimedError(
    `The server ${living.name} works on ${place}: stop it first. If it was killed, wait for half a minute.`,
  );
}

interface Places {
  readonly id: number;
  readonly size: number;
  readonly bytes: number;
  readonly place: number;
}

/** Where the columns of a content are. */
function placesOf({ columns }: Table): Places {
  const at = (name: string) => columns.findIndex((column) => column.name === name);
  return { id: at('id'), size: at('size'), bytes: at('bytes'), place: at('place') };
}

function refOf(row: Row, at: Places): BlobRef {
  return { id: row[at.id] as BlobId, size: Number(row[at.size]), place: row[at.place] as BlobPlace | null };
}

function layoutOf(tables: readonly Table[]): string {
  const lines = tables.map(({ name, columns, key }) =>
    JSON.stringify([name, columns.map((column) => [column.name, column.kind]), key]),
  );
  return lines.sort().join('\n');
}

/** For a comparison; without where a blob is. */
function textOf({ columns }: Table, rows: readonly Row[]): string {
  const place = columns.findIndex(({ name }) => name === 'place');
  return JSON.stringify(
    rows.map((row) =>
      row.map((value, index) => {
        if (index === place) return null;
        return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
      }),
    ),
  );
}

/** Changes with whatever people and programs do. */
async function stampOf(tables: SqlTables): Promise<string> {
  const audit = (await tables.list()).find(({ name }) => name === 'audit')!;
  return JSON.stringify([await highestRevision(tables.database), await tables.last(audit)]);
}
