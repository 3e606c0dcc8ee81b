import { StorageFormatError } from '../../stores/storage-errors.js';
import type { SqlDatabase } from './sql-database.js';
import { statement } from './statement.js';

/** Says of a storage that it isn't to be served: what it holds is on its way here, or has gone. */
export interface MoveMark {
  readonly state: 'arriving' | 'left';
  /** Of the other storage. */
  readonly otherId: string;
  /** Of the other storage, for people. */
  readonly place: string;
  readonly stamp: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export async function findMoveMark(database: SqlDatabase): Promise<MoveMark | null> {
  const row = await database.readOne((connection) => find.first(connection, {}));
  return row ? { state: row.state, otherId: row.other_id, place: row.place, stamp: row.stamp, at: row.at } : null;
}

/** Instead of any other. */
export async function putMoveMark(database: SqlDatabase, mark: MoveMark): Promise<void> {
  await database.write(async (connection) => {
    await clear.run(connection, {});
    await insert.run(connection, { ...mark });
  });
}

export async function removeMoveMark(database: SqlDatabase): Promise<void> {
  await database.write((connection) => clear.run(connection, {}));
}

/** Throws `StorageFormatError` where the storage is half of a move. */
export async function checkIsHere(database: SqlDatabase): Promise<void> {
  const mark = await findMoveMark(database);
  if (mark?.state === 'arriving') {
    throw new StorageFormatError(
      `The storage is being filled from ${mark.place}, and that has not ended: run the same "firn migrate-storage" again.`,
    );
  }
  if (mark?.state === 'left') {
    const day = new Date(mark.at).toISOString().slice(0, 10);
    throw new StorageFormatError(
      `The storage was moved to ${mark.place} on ${day}: start Firn with that configuration.`,
    );
  }
}

const find = statement<Record<string, never>>()((db) => db.selectFrom('storage_move').selectAll().limit(1));

const clear = statement<Record<string, never>>()((db) => db.deleteFrom('storage_move'));

const insert = statement<{ state: 'arriving' | 'left'; otherId: string; place: string; stamp: string; at: number }>()(
  (db, p) =>
    db.insertInto('storage_move').values({
      state: p('state'),
      other_id: p('otherId'),
      place: p('place'),
      stamp: p('stamp'),
      at: p('at'),
    }),
);
