import { type RawBuilder, sql } from 'kysely';

/** Pieces of statements that speak of contents and of where their bytes are. */

/** Whether a node, a state of the past or a part of an upload names `content`. */
export const NAMED = sql.raw(
  '(EXISTS (SELECT 1 FROM node WHERE node.content_key = content.key) ' +
    'OR EXISTS (SELECT 1 FROM node_past WHERE node_past.content_key = content.key) ' +
    'OR EXISTS (SELECT 1 FROM upload_part WHERE upload_part.content_key = content.key))',
);

/** The place of a content's bytes, where a BlobStore has them. */
export const PLACE = sql.raw('coalesce(content.place, content.id)');

/** Whether a BlobStore has the content's bytes at that place. */
export function at(place: string | RawBuilder<unknown>) {
  // Once for each of the two indexes: without it the first one is not usable.
  return sql`((content.id = ${place} AND content.place IS NULL AND content.bytes IS NULL)
    OR (content.place = ${place} AND content.bytes IS NULL))`;
}

/** Of a list in JSON. */
export const VALUE = sql.raw('value');

/** Whether `swept`, a row of that table, is of a sweep that has not ended. */
export const UNDER_WAY = sql.raw('EXISTS (SELECT 1 FROM sweep WHERE sweep.id = swept.sweep_id)');
