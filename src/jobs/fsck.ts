import { createHash } from 'node:crypto';
import { type BlobIndex, type MetadataCheck, MetadataDamagedError, type NamedContent } from '../stores/blob-index.js';
import { BlobMissingError, type BlobStore } from '../stores/blob-store.js';
import type { BlobId } from '../stores/values.js';

/** Contents of one question to the database; inline ones come with their bytes. */
const PAGE = 100;
/** Files that a message about a damaged content names. */
const FILES_NAMED = 5;
/** Digits of an id that are counted up to get past a damaged place of the database: one part in 65,536 is left out. */
const SKIPPED_DIGITS = 4;

export interface Finding {
  /** `leftover`: harmless bytes that nothing names; the collector removes them. */
  readonly severity: 'error' | 'leftover';
  readonly kind: string;
  readonly message: string;
}

export interface Check {
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  readonly metadata: MetadataCheck;
  /**
   * Mends counters and flags, and sets damaged blobs aside, so that nobody is given wrong bytes. Only a backup, or
   * another upload of the same file, brings lost or damaged bytes back.
   */
  readonly repair: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Looks at everything: the metadata in itself, each content that a file names (there, of the right size, of the right
 * hash), and bytes that nothing names. Reads all bytes once, in constant memory; may run beside a server. Goes on after
 * what is damaged.
 */
export async function* checkEverything(options: Check): AsyncGenerator<Finding> {
  for await (const { kind, message } of options.metadata.check(options)) yield { severity: 'error', kind, message };
  const unread = new UnreadParts();
  for await (const content of namedContents(options.blobIndex, unread)) {
    const finding = await checkContent(options, content);
    if (finding) yield finding;
  }
  yield* leftovers(options, unread);
  yield* unread.findings();
}

/** Where the database can't be read. */
class UnreadParts {
  #count = 0;
  #first = '';

  note(error: MetadataDamagedError, where: string): void {
    if (this.#count++ === 0) this.#first = `${where} (${error.message})`;
  }

  *findings(): Generator<Finding> {
    if (this.#count === 0) return;
    const more = this.#count === 1 ? '' : `, and in ${this.#count - 1} more places`;
    const message = `the database is damaged and does not tell the contents ${this.#first}${more}: they were not checked`;
    yield { severity: 'error', kind: 'database', message };
  }
}

/** Goes around what can't be read: up to it by single rows, then on from the next ids that begin with other digits. */
async function* namedContents(blobIndex: BlobIndex, unread: UnreadParts): AsyncGenerator<NamedContent> {
  let after: BlobId | null = null;
  for (let limit = PAGE; ; ) {
    const page: NamedContent[] | MetadataDamagedError = await orDamage(blobIndex.named(after, limit));
    if (page instanceof MetadataDamagedError) {
      if (limit > 1) {
        limit = Math.ceil(limit / 10);
        continue;
      }
      unread.note(page, `after ${after ?? 'the first'}`);
      after = skipFrom(after);
      if (after === null) return;
      continue;
    }
    yield* page;
    if (page.length < limit) return;
    after = page.at(-1)!.id;
    limit = Math.min(PAGE, limit * 2);
  }
}

async function orDamage<T>(work: Promise<T>): Promise<T | MetadataDamagedError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MetadataDamagedError) return error;
    throw error;
  }
}

/** The least id that begins with other four digits; null where there is none. */
function skipFrom(after: BlobId | null): BlobId | null {
  const next = Number.parseInt(after?.slice(0, SKIPPED_DIGITS) ?? '0', 16) + 1;
  return next < 16 ** SKIPPED_DIGITS ? (next.toString(16).padStart(SKIPPED_DIGITS, '0') as BlobId) : null;
}

async function checkContent({ blobs, blobIndex, repair }: Check, content: NamedContent): Promise<Finding | null> {
  // Before the bytes are read: an upload that replaces them meanwhile isn't set aside.
  const blob = content.bytes ? null : await blobs.stat(content.id);
  const damage = await damageOf(blobs, content);
  const found = damage ? await orDamage(blobIndex.paths(content.id, FILES_NAMED)) : [];
  const files = found instanceof MetadataDamagedError ? ['files that the damaged database does not tell'] : found;
  // A file deleted for good while we looked is no damage.
  if (!damage || files.length === 0) return null;
  const isAside = repair && blob && damage.kind !== 'bytes-missing' && (await blobs.setAside(blob));
  const message = `content ${content.id} ${damage.message}${isAside ? ', and is set aside' : ''}`;
  return { severity: 'error', kind: damage.kind, message: `${message}; it belongs to ${files.join(', ')}` };
}

interface Damage {
  readonly kind: 'bytes-missing' | 'wrong-size' | 'wrong-hash';
  readonly message: string;
}

async function damageOf(blobs: BlobStore, content: NamedContent): Promise<Damage | null> {
  let size = 0;
  const hash = createHash('sha256');
  try {
    const source = content.bytes ? [content.bytes] : await blobs.open(content.id);
    for await (const chunk of source) {
      size += (chunk as Uint8Array).length;
      hash.update(chunk as Uint8Array);
    }
  } catch (error) {
    if (error instanceof BlobMissingError) return { kind: 'bytes-missing', message: 'has no bytes' };
    return { kind: 'bytes-missing', message: `can't be read: ${(error as Error).message}` };
  }
  if (size !== content.size) return { kind: 'wrong-size', message: `has ${size} bytes instead of ${content.size}` };
  return hash.digest('hex') === content.id ? null : { kind: 'wrong-hash', message: 'has other bytes than were stored' };
}

/** Bytes that no file names: of uploads whose transaction never came or is just about to, of files deleted for good. */
async function* leftovers({ blobs, blobIndex }: Check, unread: UnreadParts): AsyncGenerator<Finding> {
  let page: BlobId[] = [];
  const unnamed = async function* () {
    const ids = await orDamage(blobIndex.unnamed(page));
    if (ids instanceof MetadataDamagedError) unread.note(ids, `from ${page[0]} on`);
    else for (const id of ids) yield leftover(id);
    page = [];
  };
  for await (const { id } of blobs.list()) {
    page.push(id);
    if (page.length === PAGE) yield* unnamed();
  }
  yield* unnamed();
}

function leftover(id: BlobId): Finding {
  return { severity: 'leftover', kind: 'unnamed-bytes', message: `blob ${id} is named by no file` };
}
