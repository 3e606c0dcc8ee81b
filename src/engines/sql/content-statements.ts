import { sql } from 'kysely';
import type { Fragments } from './dialect.js';
import type { ContentRecord } from './node-rows.js';
import { statement } from './statement.js';

/** Statements on contents. Those whose bytes are in the database are found by what names them, the others by their hash as well. */

const CONTENT = sql.raw(
  'content.key, content.id, content.size, content.sha1, content.md5, content.bytes, content.place',
);

/** Of a file, as it is or was: `id` says which of its contents. */
export const contentOfFile = statement<{ node: number; id: string }>()<ContentRecord>(
  (_db, p) => sql<ContentRecord>`
    SELECT ${CONTENT} FROM content WHERE content.key IN (
      SELECT content_key FROM node WHERE node.id = ${p('node')}
      UNION ALL SELECT content_key FROM node_past WHERE node_past.node_id = ${p('node')}
    ) AND content.id = ${p('id')} LIMIT 1`,
);

export const contentOfPart = statement<{ upload: number; name: string; id: string }>()<ContentRecord>(
  (_db, p, d) => sql<ContentRecord>`
    SELECT ${CONTENT} FROM upload_part ${d.join} content ON content.key = upload_part.content_key
    WHERE upload_part.upload_id = ${p('upload')} AND upload_part.name = ${p('name')} AND content.id = ${p('id')}`,
);

/** Of files as they are, or were. */
export const digests = statement<{ nodes: string }>()<{ id: string; sha1: string | null; md5: string | null }>(
  (_db, p, d) => sql<{ id: string; sha1: string | null; md5: string | null }>`
    SELECT id, sha1, md5 FROM content WHERE key IN (
      SELECT content_key FROM node WHERE node.id IN ${d.numbers(p('nodes'))}
    ) AND (sha1 IS NOT NULL OR md5 IS NOT NULL)`,
);

export const digestsAt = statement<{ nodes: string }>()<{ id: string; sha1: string | null; md5: string | null }>(
  (_db, p, d) => sql<{ id: string; sha1: string | null; md5: string | null }>`
    SELECT id, sha1, md5 FROM content WHERE key IN (
      SELECT content_key FROM node WHERE node.id IN ${d.numbers(p('nodes'))}
      UNION ALL SELECT content_key FROM node_past WHERE node_past.node_id IN ${d.numbers(p('nodes'))}
    ) AND (sha1 IS NOT NULL OR md5 IS NOT NULL)`,
);

export const noteDigests = statement<{ key: number; sha1: string | null; md5: string | null }>()<never>(
  (_db, p) => sql<never>`
    UPDATE content SET sha1 = coalesce(sha1, ${p('sha1')}), md5 = coalesce(md5, ${p('md5')}) WHERE key = ${p('key')}`,
);

/** Of bytes that a BlobStore has. Where the hash is known, the place is the new one. */
export const putBlob = statement<{
  id: string;
  size: number;
  sha1: string | null;
  md5: string | null;
  now: number;
  place: string | null;
}>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO content (id, size, sha1, md5, stored_at, place)
    VALUES (${p('id')}, ${p('size')}, ${p('sha1')}, ${p('md5')}, ${p('now')}, ${p('place')})
    ON CONFLICT (id) WHERE bytes IS NULL DO UPDATE SET
      sha1 = coalesce(content.sha1, excluded.sha1), md5 = coalesce(content.md5, excluded.md5), place = excluded.place
    WHERE (content.sha1 IS NULL AND excluded.sha1 IS NOT NULL) OR (content.md5 IS NULL AND excluded.md5 IS NOT NULL)
      OR content.place ${d.differs} excluded.place`,
);

export type InlineContent = {
  readonly id: string;
  readonly size: number;
  readonly sha1: string | null;
  readonly md5: string | null;
  readonly now: number;
  readonly bytes: Uint8Array;
};

const insertInline = (p: <Name extends keyof InlineContent>(name: Name) => InlineContent[Name]) => sql`
    INSERT INTO content (id, size, sha1, md5, stored_at, bytes)
    VALUES (${p('id')}, ${p('size')}, ${p('sha1')}, ${p('md5')}, ${p('now')}, ${p('bytes')})`;

export const isBlobKnown = statement<{ id: string }>()((db, p) =>
  db.selectFrom('content').select('key').where('id', '=', p('id')).where('bytes', 'is', null),
);

/** Seldom: else nobody looks whether the same bytes are. */
const IS_ANY_DAMAGED = sql.raw('(EXISTS (SELECT 1 FROM damaged_bytes) OR EXISTS (SELECT 1 FROM damage))');

/** The same bytes that were damaged or lost are whole again for all who name them. */
const heal = (p: <Name extends 'id' | 'bytes'>(name: Name) => Pick<InlineContent, 'id' | 'bytes'>[Name]) => sql<never>`
    UPDATE content SET bytes = ${p('bytes')}, place = NULL WHERE id = ${p('id')} AND bytes IS NULL AND ${IS_ANY_DAMAGED}`;

/** Of bytes that are kept here: a row of its own, whatever others are the same. `is_damaged`: whether others may lack theirs. */
export const putInline = statement<InlineContent>()<{ key: number; is_damaged: number }>(
  (_db, p) => sql<{ key: number; is_damaged: number }>`${insertInline(p)}
    RETURNING key, ${IS_ANY_DAMAGED} AS is_damaged`,
);

export const healInline = statement<Pick<InlineContent, 'id' | 'bytes'>>()<never>((_db, p) => heal(p));

/** Both in one, where each statement has its price. */
export const putInlineAndHeal = statement<InlineContent>()<never>(
  (_db, p) => sql<never>`WITH healed AS (${heal(p as Parameters<typeof heal>[0])})${insertInline(p)}`,
);

export const newestKey = statement<Record<string, never>>()<{ key: number }>(
  () => sql<{ key: number }>`SELECT currval('content_key_seq') AS key`,
);

/** `NEWEST`: of the content that the transaction recorded last, with its bytes. */
export const NEWEST = 0;

/**
 * The key of a content that is to be named: `key` where it is known, else that of the blob with the hash. PostgreSQL is not asked for a
 * key between two statements: that is a trip.
 */
export function keyOf(
  p: <Name extends 'key' | 'content'>(name: Name) => { key: number | null; content: string | null }[Name],
  d: Fragments,
) {
  const known = sql<number>`coalesce(${d.number(p('key'))}, (SELECT content.key FROM content WHERE content.id = ${p('content')} AND content.bytes IS NULL))`;
  if (d.dialect === 'sqlite') return known;
  return sql<number>`CASE WHEN ${d.number(p('key'))} = ${sql.lit(NEWEST)} THEN currval('content_key_seq') ELSE ${known} END`;
}
