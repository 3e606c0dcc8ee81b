import { sql } from 'kysely';
import type { NamedContent, NamedPosition } from '../../stores/blob-index.js';
import type { BlobId, BlobPlace, ContentKey } from '../../stores/values.js';
import { NAMED } from './content-places.js';
import type { SqlConnection } from './sql-database.js';
import { statement } from './statement.js';

const KEY_DIGITS = 15;
/** Keys that follow each other in one part, of `PARTS`: what was stored together is read together. */
const PART_KEYS = 1_024;
const PARTS = 256;

interface Page {
  readonly after: NamedPosition | null;
  readonly limit: number;
  /** Null: all. */
  readonly part: string | null;
}

/** One page of the contents that something names. A page that blobs fill doesn't ask for the others. */
export async function namedContents(connection: SqlConnection, page: Page): Promise<NamedContent[]> {
  const { after, limit, part } = page;
  if (after?.startsWith('1')) return namedInline(connection, page);
  const rows = await blobPage.all(connection, { after: after?.slice(1) ?? part ?? '', end: `${part ?? ''}g`, limit });
  const blobs = rows.map((row) => contentOf(row, `0${row.id}`));
  if (blobs.length === limit) return blobs;
  return [...blobs, ...(await namedInline(connection, { after: null, limit: limit - blobs.length, part }))];
}

async function namedInline(connection: SqlConnection, { after, limit, part }: Page): Promise<NamedContent[]> {
  const first = after === null ? 0 : Number(`0x${after.slice(1)}`) + 1;
  const found: NamedRecord[] = [];
  if (part === null) {
    found.push(...(await inlinePage.all(connection, { from: first, to: Number.MAX_SAFE_INTEGER, limit })));
  } else {
    const last = (await lastKey.first(connection, {}))!.key;
    for (let block = blockAt(first, part); block * PART_KEYS <= last && found.length < limit; block += PARTS) {
      const [from, to] = [Math.max(first, block * PART_KEYS), (block + 1) * PART_KEYS - 1];
      found.push(...(await inlinePage.all(connection, { from, to, limit: limit - found.length })));
    }
  }
  return found.map((row) => contentOf(row, `1${row.key.toString(16).padStart(KEY_DIGITS, '0')}`));
}

/** The first block of a part that ends behind a key. */
function blockAt(key: number, part: string): number {
  const block = Math.floor(key / PART_KEYS);
  return block + ((Number.parseInt(part, 16) - (block % PARTS) + PARTS) % PARTS);
}

type NamedRecord = { key: number; id: string; size: number; place: string | null; bytes: Uint8Array | null };

function contentOf({ key, id, size, place, bytes }: NamedRecord, position: string): NamedContent {
  return {
    key: key as ContentKey,
    position: position as NamedPosition,
    id: id as BlobId,
    size,
    place: place as BlobPlace | null,
    bytes,
  };
}

const blobPage = statement<{ after: string; end: string; limit: number }>()<NamedRecord>(
  (_db, p) => sql<NamedRecord>`
    SELECT key, id, size, place, bytes FROM content WHERE id > ${p('after')} AND id < ${p('end')} AND bytes IS NULL
    AND ${NAMED} ORDER BY id LIMIT ${p('limit')}`,
);

const inlinePage = statement<{ from: number; to: number; limit: number }>()<NamedRecord>(
  (_db, p) => sql<NamedRecord>`
    SELECT key, id, size, place, bytes FROM content WHERE key >= ${p('from')} AND key <= ${p('to')}
    AND bytes IS NOT NULL AND ${NAMED} ORDER BY key LIMIT ${p('limit')}`,
);

const lastKey = statement<Record<string, never>>()<{ key: number }>(
  () => sql<{ key: number }>`SELECT coalesce(max(key), 0) AS key FROM content`,
);
