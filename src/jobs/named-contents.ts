import { type BlobIndex, MetadataDamagedError, type NamedContent } from '../stores/blob-index.js';
import type { BlobId } from '../stores/values.js';

/** Digits of an id that are counted up to get past a damaged place of the database: one part in 65,536 is left out. */
const SKIPPED_DIGITS = 4;

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

/**
 * The contents that files name, by id, from the one after `after`, so many in one question. Goes around what can't be read:
 * up to it by single rows, then on from the next ids that begin with other digits.
 */
export async function* namedContents(
  blobIndex: BlobIndex,
  { after: first, page: most }: { readonly after: BlobId | null; readonly page: number },
  unread: UnreadParts,
): AsyncGenerator<NamedContent> {
  let after = first;
  for (let limit = most; ; ) {
    const page: NamedContent[] | MetadataDamagedError = await orDamage(blobIndex.named(after, limit));
    if (page instanceof MetadataDamagedError) {
      if (limit > 1) {
        limit = Math.ceil(limit / 10);
        continue;
      }
      unread.note(page, `after ${after ?? 'the first'}`);
      after = addToDigits(after, 1);
      if (after === null) return;
      continue;
    }
    yield* page;
    if (page.length < limit) return;
    after = page.at(-1)!.id;
    limit = Math.min(most, limit * 2);
  }
}

/** The least id whose first four digits, as a number, are by `count` larger (null: 0); null where there is none. */
function addToDigits(after: BlobId | null, count: number): BlobId | null {
  const next = Number.parseInt(after?.slice(0, SKIPPED_DIGITS) ?? '0', 16) + count;
  return next < 16 ** SKIPPED_DIGITS ? (next.toString(16).padStart(SKIPPED_DIGITS, '0') as BlobId) : null;
}

export async function orDamage<T>(work: Promise<T>): Promise<T | MetadataDamagedError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MetadataDamagedError) return error;
    throw error;
  }
}
