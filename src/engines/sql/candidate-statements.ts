import { sql } from 'kysely';
import { at, NAMED, PLACE } from './content-places.js';
import type { Fragments } from './dialect.js';
import { statement } from './statement.js';

/**
 * Contents that may be named by nothing any more. What un-names some writes them down first, in its transaction; the
 * collector looks at no others. JSON lists as in node-statements.ts.
 */

/** No bound of a list. */
export const ALL = Number.MAX_SAFE_INTEGER;

const nominate = sql.raw('INSERT INTO content_candidate (content_key)');
const unlessKnown = sql.raw('ON CONFLICT (content_key) DO NOTHING');
/**
 * Where writes run side by side, a candidate that is known is written again: a collector that has looked at it, and takes it off the list,
 * fails and looks again. No row may come twice then.
 */
const evenIfKnown = sql.raw('ON CONFLICT (content_key) DO UPDATE SET content_key = excluded.content_key');
const ending = ({ dialect }: Fragments) => (dialect === 'sqlite' ? unlessKnown : evenIfKnown);
const once = ({ dialect }: Fragments) => sql.raw(dialect === 'sqlite' ? '' : 'DISTINCT ');

export const nominateOfNodes = statement<{ ids: string }>()<never>(
  (_db, p, d) => sql<never>`
    ${nominate} SELECT ${once(d)}content_key FROM node WHERE id IN ${d.numbers(p('ids'))}
    AND content_key IS NOT NULL ${ending(d)}`,
);

export const nominateOfPart = statement<{ upload: number; name: string }>()<never>(
  (_db, p, d) => sql<never>`
    ${nominate} SELECT content_key FROM upload_part WHERE upload_id = ${p('upload')} AND name = ${p('name')}
    ${ending(d)}`,
);

/** Of the first parts of an upload by name. */
export const nominateOfParts = statement<{ upload: number; limit: number }>()<never>((_db, p, d) => {
  const keys = sql`SELECT content_key FROM upload_part WHERE upload_id = ${p('upload')}
    ORDER BY name LIMIT ${p('limit')}`;
  return d.dialect === 'sqlite'
    ? sql<never>`
    ${nominate} ${keys} ${unlessKnown}`
    : sql<never>`${nominate} SELECT DISTINCT content_key FROM (${keys}) AS page ${evenIfKnown}`;
});

/** Those that are marked at a place: for who drops all marks. */
export const nominateMarked = statement<Record<string, never>>()<never>(
  (_db, _p, d) => sql<never>`
    ${nominate} SELECT content.key FROM condemned ${d.join} content ON ${at(sql.raw('condemned.place'))}
    WHERE true ${unlessKnown}`,
);

export const nominateKeys = statement<{ keys: string }>()<never>(
  (_db, p, d) => sql<never>`${nominate} SELECT value FROM ${d.eachNumber(p('keys'))} WHERE true ${ending(d)}`,
);

/** Whether nothing names `content`, and no collector will look at it. */
export const FORGOTTEN = sql`(NOT ${NAMED}
  AND NOT EXISTS (SELECT 1 FROM content_candidate WHERE content_candidate.content_key = content.key)
  AND (content.bytes IS NOT NULL OR NOT EXISTS (SELECT 1 FROM condemned WHERE condemned.place = ${PLACE})))`;

export const nominateForgotten = statement<Record<string, never>>()<never>(
  () => sql<never>`${nominate} SELECT key FROM content WHERE ${FORGOTTEN} ${unlessKnown}`,
);

/** A page of all contents, to look whether something was forgotten. */
export const forgottenPage = statement<{ after: number; limit: number }>()<{ key: number; is_forgotten: number }>(
  (_db, p) => sql<{ key: number; is_forgotten: number }>`
    SELECT key, ${FORGOTTEN} AS is_forgotten FROM content WHERE key > ${p('after')} ORDER BY key LIMIT ${p('limit')}`,
);

export const candidates = statement<{ limit: number }>()((db, p) =>
  db.selectFrom('content_candidate').select('content_key').orderBy('content_key').limit(p('limit')),
);

export const dropCandidates = statement<{ keys: string }>()<never>(
  (_db, p, d) => sql<never>`
    DELETE FROM content_candidate WHERE content_key IN ${d.numbers(p('keys'))}`,
);

export const forgetInline = statement<{ keys: string }>()<never>(
  (_db, p, d) => sql<never>`
    DELETE FROM content WHERE key IN ${d.numbers(p('keys'))}
    AND bytes IS NOT NULL AND NOT ${NAMED}`,
);

export const condemnUnnamed = statement<{ keys: string; now: number }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO condemned (place, condemned_at)
    SELECT ${PLACE} AS spot, ${p('now')} FROM content WHERE key IN ${d.numbers(p('keys'))}
    AND bytes IS NULL AND NOT ${NAMED}
    AND NOT EXISTS (SELECT 1 FROM condemned WHERE condemned.place = ${PLACE})
    ORDER BY spot${d.orNothing}`,
);
