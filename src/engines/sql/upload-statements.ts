import { sql } from 'kysely';
import { keyOf } from './content-statements.js';
import type { Fragments } from './dialect.js';
import type { Schema } from './schema.js';
import { statement } from './statement.js';

/** Statements on uploads that come in parts. */

export interface UploadRecord extends Omit<Schema['upload'], 'id' | 'received' | 'parts'> {
  id: number;
  received: number;
  parts: number;
}

type Key = { drive: number; user: number; scope: number; name: string };

export const findUpload = statement<Key>()<UploadRecord>(
  (_db, p) => sql<UploadRecord>`
    SELECT * FROM upload WHERE drive_id = ${p('drive')} AND user_id = ${p('user')} AND scope_id = ${p('scope')}
    AND name = ${p('name')}`,
);

export const insertUpload = statement<
  Key & { size: number | null; target: string | null; now: number; expires: number }
>()<UploadRecord>(
  (_db, p, d) => sql<UploadRecord>`
    INSERT INTO upload (drive_id, user_id, scope_id, name, size, target, created_at, expires_at)
    VALUES (${p('drive')}, ${p('user')}, ${p('scope')}, ${p('name')}, ${p('size')}, ${p('target')}, ${p('now')},
      ${p('expires')})${d.orNothing} RETURNING *`,
);

export const setSize = statement<{ id: number; size: number }>()((db, p) =>
  db
    .updateTable('upload')
    .set({ size: p('size') })
    .where('id', '=', p('id')),
);

export const finishUpload = statement<{ id: number; now: number }>()((db, p) =>
  db
    .updateTable('upload')
    .set({ finished_at: p('now'), received: 0, parts: 0, lease_holder: null, lease_until: null })
    .where('id', '=', p('id')),
);

export const removeUpload = statement<{ id: number }>()((db, p) => db.deleteFrom('upload').where('id', '=', p('id')));

export const countOpen = statement<{ user: number; now: number }>()<{ count: number }>(
  (_db, p) => sql<{ count: number }>`
    SELECT count(*) AS count FROM upload
    WHERE user_id = ${p('user')} AND finished_at IS NULL AND expires_at > ${p('now')}`,
);

export const held = statement<{ drive: number; user: number }>()<{ drive: number; member: number }>(
  (_db, p) => sql<{ drive: number; member: number }>`
    SELECT coalesce(sum(received), 0) AS drive,
      coalesce(sum(CASE WHEN user_id = ${p('user')} THEN received ELSE 0 END), 0) AS member
    FROM upload WHERE drive_id = ${p('drive')}`,
);

export const totals = statement<{ now: number }>()<{ open: number; bytes: number }>(
  (_db, p) => sql<{ open: number; bytes: number }>`
    SELECT count(*) AS open, coalesce(sum(received), 0) AS bytes FROM upload
    WHERE finished_at IS NULL AND expires_at > ${p('now')}`,
);

export interface PartRecord {
  name: string;
  number: number;
  size: number;
  blob: string;
  stored_at: number;
}

const PART = sql.raw(
  'upload_part.name, upload_part.number, upload_part.size, content.id AS blob, upload_part.stored_at',
);

function partsWithContents(d: Fragments) {
  return sql`${PART} FROM upload_part ${d.join} content ON content.key = upload_part.content_key`;
}

export const parts = statement<{ upload: number }>()<PartRecord>(
  (_db, p, d) => sql<PartRecord>`
    SELECT ${partsWithContents(d)} WHERE upload_part.upload_id = ${p('upload')} ORDER BY upload_part.number, upload_part.name`,
);

export const findPart = statement<{ upload: number; name: string }>()<PartRecord>(
  (_db, p, d) => sql<PartRecord>`
    SELECT ${partsWithContents(d)} WHERE upload_part.upload_id = ${p('upload')} AND upload_part.name = ${p('name')}`,
);

/** A part whose content isn't recorded is refused by the table. */
export const putPart = statement<{
  upload: number;
  name: string;
  number: number;
  size: number;
  content: string;
  key: number | null;
  stored: number;
}>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO upload_part (upload_id, name, number, size, content_key, stored_at)
    VALUES (${p('upload')}, ${p('name')}, ${p('number')}, ${p('size')},
      ${keyOf(p, d)}, ${p('stored')})
    ON CONFLICT (upload_id, name) DO UPDATE SET number = excluded.number, size = excluded.size,
      content_key = excluded.content_key, stored_at = excluded.stored_at`,
);

export const removePart = statement<{ upload: number; name: string }>()((db, p) =>
  db.deleteFrom('upload_part').where('upload_id', '=', p('upload')).where('name', '=', p('name')),
);

/** Takes in what a change of one part does to its upload. `expires` and `expected` null: whatever they are. */
export const countPart = statement<{
  id: number;
  bytes: number;
  parts: number;
  expires: number | null;
  expected: number | null;
}>()<never>(
  (_db, p) => sql<never>`
    UPDATE upload SET received = received + ${p('bytes')}, parts = parts + ${p('parts')},
      expires_at = coalesce(${p('expires')}, expires_at)
    WHERE id = ${p('id')} AND received = coalesce(${p('expected')}, received)`,
);

export const keep = statement<{ id: number; until: number }>()<never>(
  (_db, p) => sql<never>`
    UPDATE upload SET expires_at = ${p('until')} WHERE id = ${p('id')} AND expires_at < ${p('until')}`,
);

export const setLease = statement<{ id: number; holder: string; until: number }>()((db, p) =>
  db
    .updateTable('upload')
    .set({ lease_holder: p('holder'), lease_until: p('until') })
    .where('id', '=', p('id')),
);

export const endLease = statement<{ id: number; holder: string }>()((db, p) =>
  db
    .updateTable('upload')
    .set({ lease_holder: null, lease_until: null })
    .where('id', '=', p('id'))
    .where('lease_holder', '=', p('holder')),
);

export const endAllLeases = statement<Record<string, never>>()((db) =>
  db.updateTable('upload').set({ lease_holder: null, lease_until: null }).where('lease_holder', 'is not', null),
);

export const removeAllParts = statement<{ upload: number }>()((db, p) =>
  db.deleteFrom('upload_part').where('upload_id', '=', p('upload')),
);

/** The first ones by name. */
export const removeParts = statement<{ upload: number; limit: number }>()<never>(
  (_db, p) => sql<never>`
    DELETE FROM upload_part WHERE upload_id = ${p('upload')} AND name IN (
      SELECT name FROM upload_part WHERE upload_id = ${p('upload')} ORDER BY name LIMIT ${p('limit')}
    )`,
);

export const recount = statement<{ id: number }>()<never>(
  (_db, p) => sql<never>`
    UPDATE upload SET (received, parts) = (
      SELECT coalesce(sum(size), 0), count(*) FROM upload_part WHERE upload_id = upload.id
    ) WHERE id = ${p('id')}`,
);

/** What expires is removed in short transactions, whatever its size. */
export const expireUploadsOf = statement<{ drive: number; user: number }>()((db, p) =>
  db.updateTable('upload').set({ expires_at: 0 }).where('drive_id', '=', p('drive')).where('user_id', '=', p('user')),
);

/** The one of a drive that expired first. */
export const expiredUpload = statement<{ drive: number; now: number }>()<{ id: number }>(
  (_db, p) => sql<{ id: number }>`
    SELECT id FROM upload WHERE drive_id = ${p('drive')} AND expires_at < ${p('now')} ORDER BY expires_at LIMIT 1`,
);
