import { sql } from 'kysely';
import type { Doomed, SweepId } from '../../stores/blob-index.js';
import type { BlobPlace } from '../../stores/values.js';
import { nominateMarked } from './candidate-statements.js';
import { at, NAMED, UNDER_WAY, VALUE } from './content-places.js';
import type { SqlConnection } from './sql-database.js';
import { statement } from './statement.js';

/** The steps of a sweep, each inside one transaction; see `BlobIndex` for the protocol. */

export async function beginSweep(
  connection: SqlConnection,
  { condemnedBefore, limit, now }: { condemnedBefore: number; limit: number; now: number },
): Promise<Doomed | null> {
  if (await anyPause.first(connection, { now })) return null;
  const marks = await condemnedPage.all(connection, { before: condemnedBefore, limit });
  if (marks.length === 0) return null;
  await dropMarks.run(connection, { places: JSON.stringify(marks.map(({ place }) => place)) });
  const doomed = marks.flatMap(({ place, is_named: isNamed }) => (isNamed ? [] : [place as BlobPlace]));
  if (doomed.length === 0) return { sweep: null, places: [] };
  const places = JSON.stringify(doomed);
  const sweep = (await insertSweep.first(connection, { now }))!.id as SweepId;
  await noteSwept.run(connection, { places, sweep, now });
  await forgetContents.run(connection, { places });
  return { sweep, places: doomed };
}

export async function takeOverSweep(
  connection: SqlConnection,
  { begunBefore, now }: { begunBefore: number; now: number },
): Promise<Doomed | null> {
  if (await anyPause.first(connection, { now })) return null;
  const left = await oldestSweep.first(connection, { before: begunBefore });
  if (!left) return null;
  await renewSweep.run(connection, { id: left.id, now });
  const rows = await placesOfSweep.all(connection, { id: left.id });
  return { sweep: left.id as SweepId, places: rows.map(({ place }) => place as BlobPlace) };
}

export async function endSweep(connection: SqlConnection, id: SweepId, now: number): Promise<void> {
  await datePlaces.run(connection, { id, now });
  await removeSweep.run(connection, { id });
}

/**
 * Forgets all that collectors have noted but which contents they look at: for a copy whose bytes are where their hashes say,
 * and nowhere else.
 */
export async function settlePlaces(connection: SqlConnection): Promise<void> {
  await nominateMarked.run(connection, {});
  for (const settle of [clearPlaces, clearMarks, clearSwept, clearSweeps, clearLeases])
    await settle.run(connection, {});
}

const anyPause = statement<{ now: number }>()((db, p) =>
  db.selectFrom('sweep_hold').select('id').where('held_until', '>=', p('now')).limit(1),
);

/** No place is in two sweeps: the first may still be deleting there. */
const condemnedPage = statement<{ before: number; limit: number }>()<{ place: string; is_named: number }>(
  (_db, p) => sql<{ place: string; is_named: number }>`
    SELECT place, EXISTS (SELECT 1 FROM content WHERE ${at(sql.raw('condemned.place'))} AND ${NAMED}) AS is_named
    FROM condemned WHERE condemned_at <= ${p('before')}
    AND NOT EXISTS (SELECT 1 FROM swept WHERE swept.place = condemned.place AND ${UNDER_WAY})
    ORDER BY condemned_at LIMIT ${p('limit')}`,
);

const dropMarks = statement<{ places: string }>()<never>(
  (_db, p, d) => sql<never>`DELETE FROM condemned WHERE place IN ${d.texts(p('places'))}`,
);

const insertSweep = statement<{ now: number }>()((db, p) =>
  db
    .insertInto('sweep')
    .values({ begun_at: p('now') })
    .returning('id'),
);

const noteSwept = statement<{ places: string; sweep: number; now: number }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO swept (place, sweep_id, swept_at)
    SELECT value, ${p('sweep')}, ${p('now')} FROM ${d.eachText(p('places'))} WHERE true
    ON CONFLICT (place) DO UPDATE SET sweep_id = excluded.sweep_id, swept_at = excluded.swept_at`,
);

const forgetContents = statement<{ places: string }>()<never>(
  (_db, p, d) => sql<never>`
    DELETE FROM content WHERE key IN (
      SELECT content.key FROM ${d.eachText(p('places'))} ${d.join} content ON ${at(VALUE)}
    )`,
);

const oldestSweep = statement<{ before: number }>()((db, p) =>
  db.selectFrom('sweep').select('id').where('begun_at', '<=', p('before')).orderBy('id').limit(1),
);

const renewSweep = statement<{ id: number; now: number }>()((db, p) =>
  db
    .updateTable('sweep')
    .set({ begun_at: p('now') })
    .where('id', '=', p('id')),
);

/** But for what a content is at after all: of a database that was put together by hand. */
const placesOfSweep = statement<{ id: number }>()<{ place: string }>(
  (_db, p) => sql<{ place: string }>`
    SELECT place FROM swept WHERE sweep_id = ${p('id')}
    AND NOT EXISTS (SELECT 1 FROM content WHERE ${at(sql.raw('swept.place'))}) ORDER BY place`,
);

const datePlaces = statement<{ id: number; now: number }>()((db, p) =>
  db
    .updateTable('swept')
    .set({ swept_at: p('now') })
    .where('sweep_id', '=', p('id')),
);

const removeSweep = statement<{ id: number }>()((db, p) => db.deleteFrom('sweep').where('id', '=', p('id')));

const clearPlaces = statement<Record<string, never>>()<never>(
  () => sql<never>`UPDATE content SET place = NULL WHERE place IS NOT NULL`,
);
const clearMarks = statement<Record<string, never>>()((db) => db.deleteFrom('condemned'));
const clearSwept = statement<Record<string, never>>()((db) => db.deleteFrom('swept'));
const clearSweeps = statement<Record<string, never>>()((db) => db.deleteFrom('sweep'));
const clearLeases = statement<Record<string, never>>()((db) => db.deleteFrom('blob_lease'));
