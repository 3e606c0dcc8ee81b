import { createHash } from 'node:crypto';
import { type BlobIndex, type KnownContent, MetadataDamagedError } from '../stores/blob-index.js';
import { BlobMissingError, type BlobStore } from '../stores/blob-store.js';
import { StoreFailingError } from '../stores/metadata-store.js';
import { orDamage } from './named-contents.js';

/** Files that a message about a damaged content names. */
const FILES_NAMED = 5;
/** Of the process or the machine, not of the bytes. */
const PASSING = ['EMFILE', 'ENFILE', 'ENOMEM'];

export interface ContentCheck {
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  /** Takes damaged bytes out of reach and keeps them, so that nobody is given wrong ones. */
  readonly setsAside: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Awaited after so many bytes were read; what it throws is thrown. */
  readonly pace?: (bytes: number) => Promise<void>;
}

export interface Damage {
  /** `unsteady`: read wrongly once and rightly then, so nothing was set aside. */
  readonly kind: 'bytes-missing' | 'wrong-size' | 'wrong-hash' | 'unsteady';
  readonly message: string;
}

/**
 * Compares the bytes of a content with its hash. Null where they are right, or where no file names it any more. What is to
 * be set aside is read once more before: memory that fails must not take good bytes away.
 */
export async function checkContent(check: ContentCheck, content: KnownContent): Promise<Damage | null> {
  const { blobs, blobIndex, setsAside } = check;
  // Before the bytes are read: an upload that replaces them meanwhile isn't set aside.
  const blob = content.bytes ? null : await blobs.stat(content);
  const damage = await damageOf(check, content);
  const found = damage ? await orDamage(blobIndex.paths(content, FILES_NAMED)) : [];
  const files = found instanceof MetadataDamagedError ? ['files that the damaged database does not tell'] : found;
  // A file deleted for good while we looked is no damage.
  if (!damage || files.length === 0) return null;
  const tell = ({ kind, message }: Damage, more = '') => ({
    kind,
    message: `content ${content.id} ${message}${more}; it belongs to ${files.join(', ')}`,
  });
  if (!setsAside || damage.kind === 'bytes-missing') return tell(damage);
  if (!(await damageOf(check, content))) {
    return tell({ kind: 'unsteady', message: 'was read wrongly once and rightly then: memory or disk are failing' });
  }
  const isAside = blob ? await blobs.setAside(blob) : await blobIndex.setAside(content, check.now);
  return tell(damage, isAside ? ', and is set aside' : '');
}

/** Whether the bytes of a content are there and what its hash says. Rejects where nothing is known of them. */
export async function isRight(blobs: BlobStore, content: KnownContent): Promise<boolean> {
  return (await damageOf({ blobs }, content)) === null;
}

async function damageOf(
  { blobs, pace }: Pick<ContentCheck, 'blobs' | 'pace'>,
  content: KnownContent,
): Promise<Damage | null> {
  let size = 0;
  let stopped: { readonly reason: unknown } | null = null;
  const hash = createHash('sha256');
  try {
    const source = content.bytes ? [content.bytes] : await blobs.open(content);
    for await (const chunk of source) {
      const { length } = chunk as Uint8Array;
      size += length;
      hash.update(chunk as Uint8Array);
      await pace?.(length).catch((reason: unknown) => {
        stopped = { reason };
        throw reason;
      });
    }
  } catch (error) {
    if (stopped) throw error;
    // Nothing is known of the bytes.
    if (error instanceof StoreFailingError) throw error;
    if (error instanceof BlobMissingError) return { kind: 'bytes-missing', message: 'has no bytes' };
    if (PASSING.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return { kind: 'bytes-missing', message: `can't be read: ${(error as Error).message}` };
  }
  if (size !== content.size) return { kind: 'wrong-size', message: `has ${size} bytes instead of ${content.size}` };
  return hash.digest('hex') === content.id ? null : { kind: 'wrong-hash', message: 'has other bytes than were stored' };
}
