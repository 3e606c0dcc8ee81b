import { sql } from 'kysely';
import type {
  BlobIndex,
  ContentPosition,
  Doomed,
  KnownContent,
  NamedContent,
  NamedPosition,
  SweepId,
} from '../../stores/blob-index.js';
import type { BlobRef } from '../../stores/blob-store.js';
import type { BlobId, BlobPlace } from '../../stores/values.js';
import * as found from './candidate-statements.js';
import { at, NAMED, UNDER_WAY, VALUE } from './content-places.js';
import { tellDamage } from './damage.js';
import * as damaged from './damaged-contents.js';
import { namedContents } from './named-pages.js';
import { insertPurges } from './node-statements.js';
import type { SqlConnection, SqlDatabase } from './sql-database.js';
import { abandonCopy } from './sql-staged-copies.js';
import { beginSweep, endSweep, takeOverSweep } from './sql-sweeps.js';
import { staleCopies } from './staged-copy-statements.js';
import { statement } from './statement.js';

/**
 * How long one transaction may work, in milliseconds; it ends after the piece of work that passes it. No writer of PostgreSQL waits for
 * it, and a statement is a trip there.
 */
const STEP_MS = { sqlite: 15, postgres: 500 };
/** Rows that one statement deals with between two looks at the clock: some milliseconds, also where the disk has to be read. */
const ROWS_A_LOOK = { sqlite: 50, postgres: 1_000 };
/** Nodes with dead properties that one statement deletes: those of each may have hundreds of KiB. */
const WITH_PROPERTIES_MAX = 20;

/** The collector's side of the metadata; see the seam for the protocol. */
export class SqlBlobIndex implements BlobIndex {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async dropStagedCopies(now: number): Promise<void> {
    const stale = await this.#database.readOne((connection: SqlConnection) => staleCopies.all(connection, { now }));
    if (stale.length === 0) return;
    await this.#database.write(async (connection) => {
      for (const { node_id } of await staleCopies.all(connection, { now })) await abandonCopy(connection, node_id);
    });
  }

  purge(limit: number): Promise<boolean> {
    return this.#database.write(async (connection) => {
      const isOver = clock(STEP_MS[connection.dialect]);
      let isAny = false;
      for (let rest = limit; rest > 0 && !isOver(); ) {
        const top = await purgeTop.first(connection, {});
        if (!top) break;
        isAny = true;
        rest -= await purgeStep(connection, top.node_id, Math.min(rest, ROWS_A_LOOK[connection.dialect]));
      }
      return isAny;
    });
  }

  async condemn(limit: number, now: number): Promise<number | null> {
    const rows = await this.#database.readOne((connection: SqlConnection) =>
      found.candidates.all(connection, { limit }),
    );
    if (rows.length === 0) return null;
    return this.#database.write(async (connection) => {
      const isOver = clock(STEP_MS[connection.dialect]);
      const rowsALook = ROWS_A_LOOK[connection.dialect];
      let marked = 0;
      for (let start = 0; start < rows.length && !isOver(); start += rowsALook) {
        const keys = JSON.stringify(rows.slice(start, start + rowsALook).map((row) => row.content_key));
        await found.forgetInline.run(connection, { keys });
        marked += await found.condemnUnnamed.run(connection, { keys, now });
        await found.dropCandidates.run(connection, { keys });
      }
      return marked;
    });
  }

  async nominate(after: ContentPosition | null, limit: number): Promise<ContentPosition | null> {
    const rows = await this.#database.readOne((connection: SqlConnection) =>
      found.forgottenPage.all(connection, { after: after ?? 0, limit }),
    );
    const forgotten = rows.flatMap((row) => (row.is_forgotten === 1 ? [row.key] : []));
    if (forgotten.length > 0) {
      const keys = JSON.stringify(forgotten);
      await this.#database.write((connection) => found.nominateKeys.run(connection, { keys }));
    }
    return rows.length < limit ? null : (rows.at(-1)!.key as ContentPosition);
  }

  async unknown(places: readonly BlobPlace[]): Promise<BlobPlace[]> {
    const rows = await this.#read((connection) => unknown.all(connection, { places: JSON.stringify(places) }));
    return rows.map((row) => row.place as BlobPlace);
  }

  async newest(limit: number): Promise<BlobRef[]> {
    const rows = await this.#read((connection) => newest.all(connection, { limit }));
    return rows.map(refOf);
  }

  condemnUnknown(places: readonly BlobPlace[], now: number): Promise<number> {
    const wanted = { places: JSON.stringify(places), now };
    return this.#database.write((connection) => condemnUnknown.run(connection, wanted));
  }

  beginSweep(options: { condemnedBefore: number; limit: number; now: number }): Promise<Doomed | null> {
    return this.#database.write((connection) => beginSweep(connection, options));
  }

  takeOverSweep(options: { begunBefore: number; now: number }): Promise<Doomed | null> {
    return this.#database.write((connection) => takeOverSweep(connection, options));
  }

  async endSweep(sweep: SweepId, now: number): Promise<void> {
    await this.#database.write((connection) => endSweep(connection, sweep, now));
  }

  async pardon(sweptBefore: number, after: BlobPlace | null, limit: number): Promise<BlobPlace | null> {
    const swept = await this.#database.readOne((connection: SqlConnection) =>
      sweptPage.all(connection, { after: after ?? '', limit }),
    );
    const old = swept.flatMap((row) => (row.swept_at <= sweptBefore ? [row.place] : []));
    if (old.length > 0) {
      const places = JSON.stringify(old);
      await this.#database.write((connection) => pardon.run(connection, { places, before: sweptBefore }));
    }
    return swept.length < limit ? null : (swept.at(-1)!.place as BlobPlace);
  }

  async pauseSweep(until: number, now: number): Promise<number> {
    const row = await this.#database.write(async (connection) => {
      await forgetHolds.run(connection, { now });
      return insertHold.first(connection, { until });
    });
    return row!.id;
  }

  extendPause(hold: number, until: number, now: number): Promise<boolean> {
    return this.#database.write(async (connection) => (await extendPause.run(connection, { hold, until, now })) > 0);
  }

  async endPause(hold: number): Promise<void> {
    await this.#database.write((connection) => endPause.run(connection, { hold }));
  }

  async unnamed(places: readonly BlobPlace[]): Promise<BlobPlace[]> {
    const rows = await this.#read((connection) => unnamed.all(connection, { places: JSON.stringify(places) }));
    return rows.map((row) => row.place as BlobPlace);
  }

  async paths({ key }: Pick<KnownContent, 'key'>, limit: number): Promise<string[]> {
    const rows = await this.#read((connection) => paths.all(connection, { key, limit }));
    const found = rows.map((row) => `drive ${row.drive_id}: ${row.path}`);
    if (found.length >= limit) return found;
    const past = await this.#read((connection) => pastNames.all(connection, { key, limit: limit - found.length }));
    for (const { drive_id: drive, name, until_at: until } of past) {
      found.push(`drive ${drive}: ${name} as it was until ${new Date(until).toISOString()}`);
    }
    if (found.length > 0) return found;
    const parts = await this.#read((connection) => partsOf.all(connection, { key, limit }));
    return parts.map((row) => `drive ${row.drive_id}: an upload that goes on`);
  }

  setAside({ key, bytes }: KnownContent, now: number): Promise<boolean> {
    return bytes === null
      ? Promise.resolve(false)
      : this.#database.write((connection) => damaged.setAside(connection, { key, bytes, now }));
  }

  find(id: BlobId): Promise<KnownContent | null> {
    return this.#read((connection) => damaged.findKnown(connection, id));
  }

  named(after: NamedPosition | null, limit: number, part: string | null = null): Promise<NamedContent[]> {
    return this.#read((connection) => namedContents(connection, { after, limit, part }));
  }

  /** For what goes on where the database is damaged. */
  #read<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return tellDamage(this.#database.readOne(work));
  }
}

/**
 * Frees the members of a detached folder, up to `limit`, then the folder itself. Folders in it that have members of
 * their own are cut off and queued instead. Returns how many rows it dealt with, at least one.
 */
async function purgeStep(connection: SqlConnection, node: number, limit: number): Promise<number> {
  const page = await purgeChildren.all(connection, { node, limit });
  const children = page.slice(0, pastProperties(page));
  const folders = children.filter((child) => child.is_collection === 1 && child.descendants > 0);
  if (folders.length > 0) {
    const ids = JSON.stringify(folders.map((folder) => folder.id));
    await insertPurges.run(connection, { ids });
    await cutFolders.run(connection, { ids });
  }
  const freed = children.filter((child) => !folders.includes(child)).map((child) => child.id);
  const isLast = page.length < limit && children.length === page.length;
  if (isLast) {
    await unqueue.run(connection, { node });
    freed.push(node);
  }
  const ids = JSON.stringify(freed);
  await found.nominateOfNodes.run(connection, { ids });
  await deleteNodes.run(connection, { ids });
  return children.length + (isLast ? 1 : 0);
}

/** How many of the rows come before one deletion would take too many properties along. */
function pastProperties(rows: readonly { property_bytes: number }[]): number {
  let count = 0;
  const end = rows.findIndex((row) => row.property_bytes > 0 && ++count > WITH_PROPERTIES_MAX);
  return end < 0 ? rows.length : end;
}

function refOf({ id, size, place }: RefRecord): BlobRef {
  return { id: id as BlobId, size, place: place as BlobPlace | null };
}

/** Tells whether a step has had its time. */
function clock(stepMs: number): () => boolean {
  const end = performance.now() + stepMs;
  return () => performance.now() >= end;
}

type RefRecord = { id: string; size: number; place: string | null };

const purgeTop = statement<Record<string, never>>()((db) =>
  db.selectFrom('purge').select('node_id').where('waits', '=', sql.lit(0)).limit(1),
);

const purgeChildren = statement<{ node: number; limit: number }>()((db, p) =>
  db
    .selectFrom('node')
    .select(['id', 'is_collection', 'descendants', 'property_bytes'])
    .where('parent_id', '=', p('node'))
    .limit(p('limit')),
);

const cutFolders = statement<{ ids: string }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE node SET parent_id = NULL WHERE id IN ${d.numbers(p('ids'))}`,
);

const deleteNodes = statement<{ ids: string }>()<never>(
  (_db, p, d) => sql<never>`DELETE FROM node WHERE id IN ${d.numbers(p('ids'))}`,
);

const unqueue = statement<{ node: number }>()((db, p) => db.deleteFrom('purge').where('node_id', '=', p('node')));

const unknown = statement<{ places: string }>()<{ place: string }>(
  (_db, p, d) => sql<{ place: string }>`
    SELECT value AS place FROM ${d.eachText(p('places'))} WHERE NOT EXISTS (SELECT 1 FROM content WHERE ${at(VALUE)})`,
);

/** Rows that are looked through for some that a BlobStore has: those in the database may be many. */
const NEWEST_ROWS = 2_000;

/** Not those that go soon. PostgreSQL joins in the order that it likes. */
const newest = statement<{ limit: number }>()<RefRecord>(
  (_db, p, { dialect }) => sql<RefRecord>`
    SELECT id, size, place FROM (
      SELECT id, size, place, bytes IS NULL AS is_blob${sql.raw(dialect === 'sqlite' ? '' : ', key')} FROM content ORDER BY key DESC LIMIT ${sql.lit(NEWEST_ROWS)}
    ) AS page
    WHERE is_blob AND NOT EXISTS (SELECT 1 FROM condemned WHERE condemned.place = coalesce(page.place, page.id))
    ${sql.raw(dialect === 'sqlite' ? '' : 'ORDER BY key DESC ')}LIMIT ${p('limit')}`,
);

const condemnUnknown = statement<{ places: string; now: number }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO condemned (place, condemned_at)
    SELECT value, ${p('now')} FROM ${d.eachText(p('places'))}
    WHERE NOT EXISTS (SELECT 1 FROM content WHERE ${at(VALUE)})
    AND NOT EXISTS (SELECT 1 FROM condemned WHERE place = value)
    AND NOT EXISTS (SELECT 1 FROM swept WHERE place = value AND ${UNDER_WAY})${d.orNothing}`,
);

const sweptPage = statement<{ after: string; limit: number }>()((db, p) =>
  db
    .selectFrom('swept')
    .select(['place', 'swept_at'])
    .where('place', '>', p('after'))
    .orderBy('place')
    .limit(p('limit')),
);

const pardon = statement<{ places: string; before: number }>()<never>(
  (_db, p, d) => sql<never>`
    DELETE FROM swept WHERE place IN ${d.texts(p('places'))}
    AND swept_at <= ${p('before')} AND NOT ${UNDER_WAY}`,
);

const forgetHolds = statement<{ now: number }>()((db, p) =>
  db.deleteFrom('sweep_hold').where('held_until', '<', p('now')),
);

const insertHold = statement<{ until: number }>()((db, p) =>
  db
    .insertInto('sweep_hold')
    .values({ held_until: p('until') })
    .returning('id'),
);

const extendPause = statement<{ hold: number; until: number; now: number }>()((db, p) =>
  db
    .updateTable('sweep_hold')
    .set({ held_until: p('until') })
    .where('id', '=', p('hold'))
    .where('held_until', '>=', p('now')),
);

const endPause = statement<{ hold: number }>()((db, p) => db.deleteFrom('sweep_hold').where('id', '=', p('hold')));

const unnamed = statement<{ places: string }>()<{ place: string }>(
  (_db, p, d) => sql<{ place: string }>`
    SELECT value AS place FROM ${d.eachText(p('places'))}
    WHERE NOT EXISTS (SELECT 1 FROM content WHERE ${at(VALUE)} AND ${NAMED})`,
);

const paths = statement<{ key: number; limit: number }>()<{ drive_id: number; path: string }>(
  (_db, p, d) => sql<{ drive_id: number; path: string }>`
    WITH RECURSIVE up (drive_id, parent_id, path) AS (
      SELECT * FROM (
        SELECT node.drive_id, node.parent_id, node.name FROM node
        WHERE node.content_key = ${p('key')} LIMIT ${p('limit')}
      )${d.page}
      UNION ALL
      SELECT up.drive_id, node.parent_id, CASE WHEN node.parent_id IS NULL THEN up.path
        ELSE node.name || '/' || up.path END
      FROM up JOIN node ON node.id = up.parent_id
    )
    SELECT drive_id, path FROM up WHERE parent_id IS NULL`,
);

const pastNames = statement<{ key: number; limit: number }>()<{ drive_id: number; name: string; until_at: number }>(
  (_db, p) => sql<{ drive_id: number; name: string; until_at: number }>`
    SELECT node_past.drive_id, node_past.name, node_past.until_at
    FROM node_past WHERE node_past.content_key = ${p('key')} ORDER BY node_past.until_at DESC LIMIT ${p('limit')}`,
);

const partsOf = statement<{ key: number; limit: number }>()<{ drive_id: number }>(
  (_db, p) => sql<{ drive_id: number }>`
    SELECT DISTINCT upload.drive_id FROM upload_part JOIN upload ON upload.id = upload_part.upload_id
    WHERE upload_part.content_key = ${p('key')} LIMIT ${p('limit')}`,
);
