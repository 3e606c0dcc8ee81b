import { sql } from 'kysely';
import type { KnownContent } from '../../stores/blob-index.js';
import type { BlobId } from '../../stores/values.js';
import { nominateKeys } from './candidate-statements.js';
import { type ContentRecord, contentOf } from './node-rows.js';
import type { SqlConnection } from './sql-database.js';
import { statement } from './statement.js';

/** Bytes that are not what their hash says. */
interface Damaged {
  readonly key: number;
  readonly bytes: Uint8Array;
  readonly now: number;
}

/**
 * Keeps the bytes for a person, and leaves the content without: as one whose bytes a BlobStore has, and has lost. An upload of the same
 * file brings them back. Where there is such a one already, it takes over the names. False, and nothing happens, where the bytes are others.
 */
export async function setAside(connection: SqlConnection, { key, bytes, now }: Damaged): Promise<boolean> {
  if ((await keepBytes.run(connection, { key, bytes, now })) === 0) return false;
  const blob = await blobOfSameHash.first(connection, { key });
  if (!blob) {
    await forgetBytes.run(connection, { key });
    return true;
  }
  for (const rename of renames) await rename.run(connection, { from: key, to: blob.key });
  await nominateKeys.run(connection, { keys: JSON.stringify([key]) });
  return true;
}

export async function findKnown(connection: SqlConnection, id: BlobId): Promise<KnownContent | null> {
  const row = (await blobOf.first(connection, { id })) ?? (await mendedOf.first(connection, { id }));
  return row ? (contentOf(row) as KnownContent) : null;
}

/** Gives the bytes to the content of that hash that has none. False where there is no such one. */
export async function mendInline(connection: SqlConnection, id: BlobId, bytes: Uint8Array): Promise<boolean> {
  return (await giveBytes.run(connection, { id, bytes })) > 0;
}

const blobOf = statement<{ id: string }>()((db, p) =>
  db
    .selectFrom('content')
    .select(['key', 'id', 'size', 'sha1', 'md5', 'bytes', 'place'])
    .where('id', '=', p('id'))
    .where('bytes', 'is', null),
);

/** Bytes that were set aside and have come again. */
const mendedOf = statement<{ id: string }>()<ContentRecord>(
  (_db, p, d) => sql<ContentRecord>`
    SELECT content.* FROM damaged_bytes ${d.join} content ON content.key = damaged_bytes.content_key
    WHERE damaged_bytes.content_id = ${p('id')} AND content.id = ${p('id')} LIMIT 1`,
);

const giveBytes = statement<{ id: string; bytes: Uint8Array }>()((db, p) =>
  db
    .updateTable('content')
    .set({ bytes: p('bytes'), place: null })
    .where('id', '=', p('id'))
    .where('bytes', 'is', null),
);

const keepBytes = statement<{ key: number; bytes: Uint8Array; now: number }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO damaged_bytes (content_id, bytes, found_at, content_key)
    SELECT id, bytes, ${p('now')}, key FROM content WHERE key = ${p('key')} AND bytes = ${p('bytes')}`,
);

const blobOfSameHash = statement<{ key: number }>()<{ key: number }>(
  (_db, p, d) => sql<{ key: number }>`
    SELECT blob.key FROM content ${d.join} content AS blob ON blob.id = content.id AND blob.bytes IS NULL
    WHERE content.key = ${p('key')}`,
);

const forgetBytes = statement<{ key: number }>()((db, p) =>
  db.updateTable('content').set({ bytes: null }).where('key', '=', p('key')),
);

const renames = (['node', 'node_past', 'upload_part'] as const).map((table) =>
  statement<{ from: number; to: number }>()<never>(
    (_db, p) => sql<never>`
      UPDATE ${sql.table(table)} SET content_key = ${p('to')} WHERE content_key = ${p('from')}`,
  ),
);
