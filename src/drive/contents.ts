import { createHash, hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Sweep, SweepId } from '../stores/blob-index.js';
import {
  BlobMissingError,
  type BlobStore,
  BlobTooLargeError,
  type StoredBlob,
  type UploadOutcome,
} from '../stores/blob-store.js';
import type { ContentRow } from '../stores/metadata-store.js';
import type { BlobId, ByteRange, DigestName, Digests } from '../stores/values.js';
import type { Checksum } from './checksum.js';
import { DriveError } from './drive-error.js';

/** The bytes of an upload as they arrive. */
export interface Incoming {
  /** Announced size in bytes, or null. */
  readonly size: number | null;
  /** All of it at once, for uploads that announced a small size. Fewer bytes than announced reject. */
  readAll(): Promise<Uint8Array>;
  chunks(): AsyncIterable<Uint8Array>;
  /**
   * The same bytes, instead of `chunks`, for a reader that has done with each piece when it asks for the next: nothing is left of
   * it then. Not each body has it.
   */
  pieces?(): AsyncIterable<Uint8Array>;
}

/** Both, because nobody knows before the end what the client will ask for (client-requirements R11). */
export const CLIENT_DIGESTS: readonly DigestName[] = ['sha1', 'md5'];

export interface Expectations {
  /** Bytes that must come, as announced outside the message's own framing. */
  readonly size: number | null;
  readonly digests: readonly Checksum[];
  /** Digests to keep with the content, announced or not. */
  readonly kept: readonly DigestName[];
}

/** Most bytes to take, and what to say when more come. */
export interface Limit {
  readonly bytes: number;
  readonly error: () => DriveError;
}

/** Received bytes that wait for a transaction to give them a name. */
export interface ReceivedContent {
  readonly row: ContentRow;
  /** For `StoreTransaction.putContent`. */
  readonly restoredAfter: SweepId | null;
  /** Makes that it can be recorded in spite of the sweep, by the transaction that comes next. */
  recover(sweep: Sweep): Promise<void>;
  /** See `StoredBlob`; nothing to do for a content that lives in the database. */
  release(outcome: UploadOutcome): Promise<void>;
}

const EMPTY = hash('sha256', '', 'hex') as BlobId;

/** Where small contents and large ones meet: the first live in the database, the others in a blob store. */
export class Contents {
  readonly #blobs: BlobStore;
  readonly #inlineMax: number;
  readonly #onDamage: (content: ContentRow) => void;

  /** `onDamage` is called for each content that a reader finds lost or damaged; it must not throw. */
  constructor(
    blobs: BlobStore,
    options: { readonly inlineMaxBytes: number; readonly onDamage?: (content: ContentRow) => void },
  ) {
    this.#blobs = blobs;
    this.#inlineMax = options.inlineMaxBytes;
    this.#onDamage = options.onDamage ?? (() => {});
  }

  isSmall(size: number | null): boolean {
    return size !== null && size <= this.#inlineMax;
  }

  /**
   * Takes an upload to where it is durable, or will be with the transaction that names it. Nothing stays behind when
   * it rejects: `DriveError` `incomplete`, `digest-mismatch`, or that of the limit.
   */
  async receive(
    incoming: Incoming,
    expected: Expectations,
    limit: Limit,
    signal?: AbortSignal,
  ): Promise<ReceivedContent> {
    if (this.isSmall(incoming.size)) return this.#inline(await incoming.readAll(), expected, limit);
    const rest = piecesOf(incoming)[Symbol.asyncIterator]();
    const head: Uint8Array[] = [];
    let size = 0;
    while (size <= this.#inlineMax && incoming.size === null) {
      const next = await rest.next();
      if (next.done) return this.#inline(Buffer.concat(head), expected, limit);
      // It has to outlive the next.
      head.push(Buffer.from(next.value));
      size += next.value.length;
    }
    try {
      const stored = await this.#blobs.put(following(head, rest), {
        sizeMax: limit.bytes,
        digests: wantedDigests(expected),
        verify: (received) => checkReceived(received, expected),
        ...(signal ? { signal } : {}),
      });
      return new StoredContent(stored);
    } catch (error) {
      throw error instanceof BlobTooLargeError ? limit.error() : error;
    }
  }

  /**
   * Opens a content, or a part of it. Rejects with `BlobMissingError` when its bytes are lost; those in the database also where they are not
   * what their hash says.
   */
  async open(content: ContentRow, range?: ByteRange): Promise<Uint8Array | Readable> {
    if (content.bytes === null) {
      return this.#blobs.open(content, range).catch((error: unknown) => {
        if (error instanceof BlobMissingError) this.#onDamage(content);
        throw error;
      });
    }
    if (hash('sha256', content.bytes, 'hex') !== content.id) {
      this.#onDamage(content);
      throw new BlobMissingError(content.id);
    }
    return range ? content.bytes.subarray(range.start, range.end + 1) : content.bytes;
  }

  /** Reads a content through for its digests. Rejects with the signal's reason when nobody waits any more. */
  async digestsOf(content: ContentRow, signal: AbortSignal): Promise<Required<Digests>> {
    const bytes = await this.open(content);
    const [sha1, md5] = [createHash('sha1'), createHash('md5')];
    for await (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes) {
      signal.throwIfAborted();
      sha1.update(chunk as Uint8Array);
      md5.update(chunk as Uint8Array);
    }
    return { sha1: sha1.digest('hex'), md5: md5.digest('hex') };
  }

  /** The content of an empty file. */
  empty(): ContentRow {
    return { id: EMPTY, size: 0, bytes: Buffer.alloc(0), place: null };
  }

  freeBytes(): Promise<number | null> {
    return this.#blobs.freeBytes();
  }

  #inline(bytes: Uint8Array, expected: Expectations, limit: Limit): ReceivedContent {
    if (bytes.length > limit.bytes) throw limit.error();
    const id = hash('sha256', bytes, 'hex') as BlobId;
    const digests: { -readonly [Name in DigestName]?: string } = {};
    for (const name of wantedDigests(expected)) digests[name] = createHash(name).update(bytes).digest('hex');
    checkReceived({ id, size: bytes.length, digests }, expected);
    const nothing = async () => {};
    const row = { id, size: bytes.length, bytes, place: null, ...digests };
    return { row, restoredAfter: null, recover: nothing, release: nothing };
  }
}

/** Of a blob store. */
class StoredContent implements ReceivedContent {
  restoredAfter: SweepId | null = null;

  constructor(readonly stored: StoredBlob) {}

  get row(): ContentRow {
    const { id, size, place, digests } = this.stored;
    return { id, size, bytes: null, place, ...digests };
  }

  async recover({ id, isOver }: Sweep): Promise<void> {
    if (!isOver) return this.stored.relocate();
    await this.stored.restore();
    this.restoredAfter = id;
  }

  release(outcome: UploadOutcome): Promise<void> {
    return this.stored.release(outcome);
  }
}

function wantedDigests({ digests, kept }: Expectations): DigestName[] {
  const announced = digests.map(({ algorithm }) => algorithm).filter((name) => name !== 'sha256');
  return [...new Set([...announced, ...kept])];
}

/** Throws `DriveError` `incomplete` or `digest-mismatch` unless what came is what was announced. */
export function checkReceived(
  received: { readonly id: BlobId; readonly size: number; readonly digests: Digests },
  expected: Pick<Expectations, 'size' | 'digests'>,
): void {
  if (expected.size !== null && received.size !== expected.size) {
    throw new DriveError(
      'incomplete',
      `${expected.size} bytes were announced, ${received.size} came. Nothing was changed: send it again.`,
    );
  }
  for (const { algorithm, hex } of expected.digests) {
    const actual = algorithm === 'sha256' ? received.id : received.digests[algorithm];
    if (actual !== hex) {
      throw new DriveError(
        'digest-mismatch',
        `What came has another ${algorithm} checksum than announced. Nothing was changed: send it again.`,
      );
    }
  }
}

/** What comes, for a reader that has done with each piece when it asks for the next. */
export function piecesOf(incoming: Incoming): AsyncIterable<Uint8Array> {
  return incoming.pieces?.() ?? incoming.chunks();
}

async function* following(
  head: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
