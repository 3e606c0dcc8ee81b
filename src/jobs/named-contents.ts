import { turns } from '../drive/turns.js';
import { type BlobIndex, MetadataDamagedError, type NamedContent, type NamedPosition } from '../stores/blob-index.js';

/** Digits of a hash that are counted up to get past a damaged place of the database: one part in 65,536 is left out. */
const SKIPPED_DIGITS = 4;
/** Of those in the database so many are left out, then twice as many, and so on. */
const SKIPPED_KEYS = 16;
const KEY_DIGITS = 15;

/** Where the database can't be read. */
export class UnreadParts {
  #count = 0;
  #first = '';

  note(error: MetadataDamagedError, where: string): void {
    if (this.#count++ === 0) this.#first = `${where} (${error.message})`;
  }

  /** A sentence; null where all could be read. */
  tell(): string | null {
    if (this.#count === 0) return null;
    const more = this.#count === 1 ? '' : `, and in ${this.#count - 1} more places`;
    return `the database is damaged and does not tell the contents ${this.#first}${more}: they were not checked`;
  }
}

/** Which contents, from the one after `after`, and how many in one question. */
export interface NamedWalk {
  readonly after: NamedPosition | null;
  readonly page: number;
  /** As of `BlobIndex.named`; absent: all. */
  readonly part?: string;
}

/**
 * The contents that something names, in their order. Goes around what can't be read: up to it by single rows, then on from the next hashes
 * that begin with other digits, or some keys later.
 */
export async function* namedContents(
  blobIndex: BlobIndex,
  { after: first, page: most, part }: NamedWalk,
  unread: UnreadParts,
): AsyncGenerator<NamedContent> {
  let after = first;
  let skipped = SKIPPED_KEYS;
  for (let limit = most; ; ) {
    const page: NamedContent[] | MetadataDamagedError = await orDamage(blobIndex.named(after, limit, part));
    if (page instanceof MetadataDamagedError) {
      if (limit > 1) {
        limit = Math.ceil(limit / 10);
        continue;
      }
      unread.note(page, `after ${after ?? 'the first'}`);
      after = skipFrom(after ?? (`0${part ?? ''}` as NamedPosition), part, skipped);
      if (after === null) return;
      skipped *= 2;
      continue;
    }
    skipped = SKIPPED_KEYS;
    await turns.next();
    yield* page;
    if (page.length < limit) return;
    after = page.at(-1)!.position;
    limit = Math.min(most, limit * 2);
  }
}

/** Behind the blobs come those in the database; null where nothing comes. */
function skipFrom(after: NamedPosition, part: string | undefined, keys: number): NamedPosition | null {
  if (after.startsWith('1')) return positionOf(Number(`0x${after.slice(1)}`) + keys);
  const digits = after.slice(1, 1 + SKIPPED_DIGITS).padEnd(SKIPPED_DIGITS, '0');
  const next = (Number.parseInt(digits, 16) + 1).toString(16).padStart(SKIPPED_DIGITS, '0');
  const isOver = next.length > SKIPPED_DIGITS || !next.startsWith(part ?? '');
  return isOver ? positionOf(0) : (`0${next}` as NamedPosition);
}

function positionOf(key: number): NamedPosition | null {
  return key <= Number.MAX_SAFE_INTEGER ? (`1${key.toString(16).padStart(KEY_DIGITS, '0')}` as NamedPosition) : null;
}

export async function orDamage<T>(work: Promise<T>): Promise<T | MetadataDamagedError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MetadataDamagedError) return error;
    throw error;
  }
}
