import { createHash } from 'node:crypto';
import type { BlobIndex, MetadataCheck, NamedContent } from '../stores/blob-index.js';
import { BlobMissingError, type BlobStore } from '../stores/blob-store.js';
import type { BlobId } from '../stores/values.js';

/** Contents of one question to the database; inline ones come with their bytes. */
const PAGE = 100;
/** Files that a message about a damaged content names. */
const FILES_NAMED = 5;

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
 * hash), and bytes that nothing names. Reads all bytes once, in constant memory; may run beside a server.
 */
export async function* checkEverything(options: Check): AsyncGenerator<Finding> {
  for await (const { kind, message } of options.metadata.check(options)) yield { severity: 'error', kind, message };
  const { blobIndex } = options;
  for (let after: BlobId | null = null; ; ) {
    const page: NamedContent[] = await blobIndex.named(after, PAGE);
    for (const content of page) {
      const finding = await checkContent(options, content);
      if (finding) yield finding;
    }
    if (page.length < PAGE) break;
    after = page.at(-1)!.id;
  }
  yield* leftovers(options);
}

async function checkContent({ blobs, blobIndex, repair }: Check, content: NamedContent): Promise<Finding | null> {
  // Before the bytes are read: an upload that replaces them meanwhile isn't set aside.
  const blob = content.bytes ? null : await blobs.stat(content.id);
  const damage = await damageOf(blobs, content);
  const files = damage ? await blobIndex.paths(content.id, FILES_NAMED) : [];
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
async function* leftovers({ blobs, blobIndex }: Check): AsyncGenerator<Finding> {
  let page: BlobId[] = [];
  const unnamed = async function* () {
    for (const id of await blobIndex.unnamed(page)) {
      yield { severity: 'leftover' as const, kind: 'unnamed-bytes', message: `blob ${id} is named by no file` };
    }
    page = [];
  };
  for await (const { id } of blobs.list()) {
    page.push(id);
    if (page.length === PAGE) yield* unnamed();
  }
  yield* unnamed();
}
