import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type BlobInfo,
  BlobMissingError,
  type BlobStore,
  BlobTooLargeError,
  type StoredBlob,
} from '../../src/stores/blob-store.js';
import type { BlobId, DigestName } from '../../src/stores/values.js';

export interface BlobEngine {
  readonly store: BlobStore;
  /** What of uploads lies about outside the blobs themselves. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

const KIB = 1024;
const MIB = 1024 * KIB;
/** Around the sizes at which the disk engine takes another buffer, another thread, another sync. */
const SIZES = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 3 * MIB, 9 * MIB + 7];
const UNKNOWN = 'f'.repeat(64) as BlobId;

export function sha256(bytes: Uint8Array): BlobId {
  return createHash('sha256').update(bytes).digest('hex') as BlobId;
}

/** The bytes in chunks, each after a turn of the event loop. */
export async function* inChunks(bytes: Uint8Array, size = 50_000): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    await new Promise((resolve) => setImmediate(resolve));
    yield bytes.subarray(start, start + size);
  }
}

async function* thenThrow(bytes: Uint8Array, error: Error): AsyncGenerator<Uint8Array> {
  yield* inChunks(bytes);
  throw error;
}

/** Gives the bytes, then neither more nor an end. */
function thenHang(bytes: Uint8Array): AsyncIterable<Uint8Array> & { readonly isHanging: Promise<void> } {
  let hang = () => {};
  const isHanging = new Promise<void>((resolve) => {
    hang = resolve;
  });
  async function* chunks() {
    yield* inChunks(bytes);
    hang();
    await new Promise(() => {});
  }
  return { [Symbol.asyncIterator]: chunks, isHanging };
}

async function listed(store: BlobStore): Promise<BlobInfo[]> {
  const found: BlobInfo[] = [];
  for await (const blob of store.list()) found.push(blob);
  return found;
}

/** The contract of `BlobStore`, clause by clause, for one engine. */
export function blobStoreSuite(name: string, open: () => Promise<BlobEngine>): void {
  describe(`BlobStore on ${name}`, () => {
    let engine: BlobEngine;
    let store: BlobStore;
    let held: StoredBlob[] = [];

    beforeEach(async () => {
      engine = await open();
      store = engine.store;
      held = [];
    });
    afterEach(() => engine.close());

    const put = async (bytes: Uint8Array) => {
      const stored = await store.put(inChunks(bytes));
      held.push(stored);
      return stored;
    };
    const read = async (id: BlobId, range?: { start: number; end: number }) => buffer(await store.open(id, range));
    const expectNothing = async () => {
      expect(await listed(store)).toEqual([]);
      expect(await engine.leftovers()).toEqual([]);
    };

    describe('put', () => {
      it.each(SIZES)('takes all bytes under their hash and gives them back: %d bytes', async (size) => {
        const bytes = randomBytes(size);
        const stored = await put(bytes);
        expect({ id: stored.id, size: stored.size }).toEqual({ id: sha256(bytes), size });
        expect((await read(stored.id)).equals(bytes)).toBe(true);
      });

      it('doesn’t care how the bytes are cut', async () => {
        const bytes = randomBytes(200_000);
        for (const chunk of [1_000, 65_536, 65_537, 200_000]) {
          const stored = await store.put(inChunks(bytes, chunk));
          expect(stored.id).toBe(sha256(bytes));
        }
        async function* withEmptyOnes() {
          yield Buffer.alloc(0);
          yield bytes;
          yield Buffer.alloc(0);
        }
        expect((await store.put(withEmptyOnes())).id).toBe(sha256(bytes));
      });

      it('doesn’t hold on to a chunk that the source writes into again', async () => {
        const chunk = Buffer.alloc(100_000);
        const digest = createHash('sha256');
        async function* reusing() {
          for (let number = 0; number < 60; number++) {
            chunk.fill(number);
            digest.update(chunk);
            yield chunk;
          }
        }
        const stored = await store.put(reusing());
        expect(stored.id).toBe(digest.digest('hex'));
        expect(sha256(await read(stored.id))).toBe(stored.id);
      });

      it.each([100, 5 * MIB])('computes other digests on request: %d bytes', async (size) => {
        const bytes = randomBytes(size);
        const digests: DigestName[] = ['md5', 'sha1'];
        const stored = await store.put(inChunks(bytes), { digests });
        const hexOf = (digest: DigestName) => createHash(digest).update(bytes).digest('hex');
        expect(stored.digests).toEqual({ sha1: hexOf('sha1'), md5: hexOf('md5') });
        expect((await put(bytes)).digests).toEqual({});
      });

      it('stores the same bytes once, also when they come at the same time', async () => {
        const bytes = randomBytes(3 * MIB);
        const all = await Promise.all(Array.from({ length: 8 }, () => put(bytes)));
        expect(new Set(all.map(({ id }) => id))).toEqual(new Set([sha256(bytes)]));
        expect(await listed(store)).toHaveLength(1);
      });

      it('keeps parallel uploads apart', async () => {
        const contents = Array.from({ length: 24 }, (_, number) => randomBytes(number * 150_000));
        const all = await Promise.all(contents.map((bytes) => put(bytes)));
        expect(all.map(({ id }) => id)).toEqual(contents.map(sha256));
        for (const [number, { id }] of all.entries()) expect((await read(id)).equals(contents[number]!)).toBe(true);
      });

      it('takes exactly sizeMax bytes', async () => {
        const bytes = randomBytes(100_000);
        const stored = await store.put(inChunks(bytes), { sizeMax: 100_000 });
        expect(stored.size).toBe(100_000);
      });

      it('rejects with BlobTooLargeError one byte beyond sizeMax, without asking for the rest', async () => {
        let asked = 0;
        async function* endless() {
          for (;;) {
            asked++;
            yield Buffer.alloc(10_000);
          }
        }
        await expect(store.put(endless(), { sizeMax: 99_999 })).rejects.toThrow(BlobTooLargeError);
        expect(asked).toBe(10);
        await expectNothing();
      });

      it.each([1_000, 9 * MIB])('rejects with the error of the source, after %d bytes', async (size) => {
        const error = new Error('the client has gone');
        await expect(store.put(thenThrow(randomBytes(size), error))).rejects.toBe(error);
        await expectNothing();
      });

      it.each([0, 1_000, 9 * MIB])(
        'rejects with the signal’s reason while the source hangs, after %d bytes',
        async (size) => {
          const abort = new AbortController();
          const source = thenHang(randomBytes(size));
          const putting = store.put(source, { signal: abort.signal });
          const refused = expect(putting).rejects.toThrow('the reason');
          await source.isHanging;
          abort.abort(new Error('the reason'));
          await refused;
          await expectNothing();
        },
      );

      it('rejects with the signal’s reason when it is aborted already, and leaves the source alone', async () => {
        let asked = 0;
        async function* counting() {
          asked++;
          yield Buffer.alloc(1);
        }
        const reason = new Error('too late');
        await expect(store.put(counting(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
        expect(asked).toBe(0);
        await expectNothing();
      });

      it('prefers the signal’s reason to the error that the abort makes the source throw', async () => {
        const abort = new AbortController();
        async function* closing() {
          yield Buffer.alloc(10);
          abort.abort(new Error('the reason'));
          throw new Error('premature close');
        }
        await expect(store.put(closing(), { signal: abort.signal })).rejects.toThrow('the reason');
      });

      it('tells a source that it wants no more', async () => {
        let isToldSo = false;
        async function* source() {
          try {
            for (;;) yield Buffer.alloc(1_000);
          } finally {
            isToldSo = true;
          }
        }
        await expect(store.put(source(), { sizeMax: 5_000 })).rejects.toThrow(BlobTooLargeError);
        await new Promise((resolve) => setImmediate(resolve));
        expect(isToldSo).toBe(true);
      });

      it('shows verify what came', async () => {
        const bytes = randomBytes(80_000);
        let seen: unknown;
        const stored = await store.put(inChunks(bytes), {
          digests: ['sha1'],
          verify: (received) => {
            seen = { ...received };
          },
        });
        expect(seen).toEqual({ id: stored.id, size: 80_000, digests: stored.digests });
      });

      it('rejects with the error of verify and leaves nothing', async () => {
        const error = new Error('not what was announced');
        const verify = () => {
          throw error;
        };
        await expect(store.put(inChunks(randomBytes(5 * MIB)), { verify })).rejects.toBe(error);
        await expectNothing();
      });

      it('leaves earlier bytes of that hash alone when a later upload of them is refused', async () => {
        const bytes = randomBytes(70_000);
        const { id } = await put(bytes);
        const verify = () => {
          throw new Error('refused');
        };
        await expect(store.put(inChunks(bytes), { verify })).rejects.toThrow('refused');
        expect((await read(id)).equals(bytes)).toBe(true);
      });

      it('works with a signal that outlives it, and forgets it', async () => {
        const abort = new AbortController();
        const stored = await store.put(inChunks(randomBytes(10)), { signal: abort.signal });
        abort.abort();
        expect(await store.stat(stored.id)).not.toBeNull();
      });
    });

    describe('the hold', () => {
      it('puts the bytes back after a delete', async () => {
        const bytes = randomBytes(80_000);
        const stored = await put(bytes);
        await store.delete(stored.id);
        await stored.restore();
        expect((await read(stored.id)).equals(bytes)).toBe(true);
      });

      it('restores without harm where the bytes are there', async () => {
        const stored = await put(randomBytes(10));
        await stored.restore();
        expect(await listed(store)).toHaveLength(1);
      });

      it('keeps the bytes under their hash after release, and may be released twice', async () => {
        const stored = await put(randomBytes(80_000));
        await stored.release();
        await stored.release();
        expect(await store.stat(stored.id)).not.toBeNull();
        expect(await engine.leftovers()).toEqual([]);
      });

      it('is each upload’s own: another’s release doesn’t end it', async () => {
        const bytes = randomBytes(80_000);
        const [one, other] = [await put(bytes), await put(bytes)];
        await one.release();
        await store.delete(other.id);
        await other.restore();
        expect((await read(other.id)).equals(bytes)).toBe(true);
      });

      it('always finds bytes after restore, whatever other uploads and a collector do', async () => {
        const bytes = randomBytes(70_000);
        const id = sha256(bytes);
        let isOver = false;
        const collector = (async () => {
          while (!isOver) {
            await store.delete(id);
            await new Promise((resolve) => setImmediate(resolve));
          }
        })();
        const upload = async () => {
          for (let round = 0; round < 25; round++) {
            const stored = await store.put(inChunks(bytes));
            await stored.restore();
            await stored.release();
          }
        };
        await Promise.all([upload(), upload(), upload()]);
        isOver = true;
        await collector;
        const last = await put(bytes);
        expect((await read(last.id)).equals(bytes)).toBe(true);
        await last.release();
        expect(await listed(store)).toHaveLength(1);
      });
    });

    describe('open', () => {
      it('rejects with BlobMissingError before the first byte', async () => {
        await expect(store.open(UNKNOWN)).rejects.toThrow(BlobMissingError);
        await expect(store.open(UNKNOWN, { start: 0, end: 0 })).rejects.toMatchObject({ id: UNKNOWN });
      });

      it.each([
        [0, 0],
        [0, 199_999],
        [199_999, 199_999],
        [65_535, 65_536],
        [1_000, 150_000],
      ])('gives bytes %d to %d, both inclusive', async (start, end) => {
        const bytes = randomBytes(200_000);
        const { id } = await put(bytes);
        expect((await read(id, { start, end })).equals(bytes.subarray(start, end + 1))).toBe(true);
      });

      it.each([
        [0, 1_000],
        [1_000, 1_000],
        [5, 4],
        [-1, 4],
      ])('refuses bytes %d to %d of 1,000 with a RangeError', async (start, end) => {
        const { id } = await put(randomBytes(1_000));
        await expect(store.open(id, { start, end })).rejects.toThrow(RangeError);
      });

      it('is not disturbed by a delete that comes later', async () => {
        const bytes = randomBytes(5 * MIB);
        const { id } = await put(bytes);
        const reader = await store.open(id);
        await store.delete(id);
        expect((await buffer(reader)).equals(bytes)).toBe(true);
      });

      it('can be given up in the middle', async () => {
        const { id } = await put(randomBytes(5 * MIB));
        const reader = await store.open(id);
        for await (const _chunk of reader) break;
        expect(reader.destroyed).toBe(true);
        const unread = await store.open(id);
        const closed = new Promise((resolve) => unread.once('close', resolve));
        unread.destroy();
        await closed;
      });

      it('reads for many at once', async () => {
        const bytes = randomBytes(3 * MIB);
        const { id } = await put(bytes);
        const all = await Promise.all(Array.from({ length: 20 }, () => read(id)));
        expect(all.every((one) => one.equals(bytes))).toBe(true);
      });
    });

    describe('stat, list, delete', () => {
      it('stat tells size and time, null when there are no such bytes', async () => {
        const before = Date.now();
        const { id } = await put(randomBytes(1_234));
        const info = await store.stat(id);
        expect(info).toMatchObject({ id, size: 1_234 });
        // A file system's clock ticks more coarsely.
        expect(info!.storedAt.getTime()).toBeGreaterThan(before - 50);
        expect(await store.stat(UNKNOWN)).toBeNull();
      });

      it('list gives all blobs', async () => {
        const all = await Promise.all(Array.from({ length: 40 }, () => put(randomBytes(20))));
        const found = await listed(store);
        expect(found.map(({ id }) => id).sort()).toEqual(all.map(({ id }) => id).sort());
        expect(found.every(({ size }) => size === 20)).toBe(true);
      });

      it('list goes on when blobs disappear meanwhile', async () => {
        const all = await Promise.all(Array.from({ length: 40 }, () => put(randomBytes(20))));
        let found = 0;
        for await (const { id } of store.list()) {
          if (found++ === 0) for (const other of all) if (other.id !== id) await store.delete(other.id);
        }
        expect(found).toBeGreaterThan(0);
      });

      it('delete takes the bytes out of reach before it resolves; false when there were none', async () => {
        const { id, release } = await put(randomBytes(70_000));
        await release();
        expect(await store.delete(id)).toBe(true);
        expect(await store.stat(id)).toBeNull();
        await expect(store.open(id)).rejects.toThrow(BlobMissingError);
        expect(await store.delete(id)).toBe(false);
        expect(await listed(store)).toEqual([]);
      });

      it('setAside takes damaged bytes out of reach', async () => {
        const { id } = await put(randomBytes(100));
        expect(await store.setAside((await store.stat(id))!)).toBe(true);
        expect(await store.stat(id)).toBeNull();
      });

      it('setAside leaves bytes alone that were stored in their place since', async () => {
        const bytes = randomBytes(100);
        const { id } = await put(bytes);
        const info = (await store.stat(id))!;
        const older = { ...info, storedAt: new Date(info.storedAt.getTime() - 1_000) };
        expect(await store.setAside(older)).toBe(false);
        expect((await read(id)).equals(bytes)).toBe(true);
        expect(await store.setAside({ ...info, id: UNKNOWN })).toBe(false);
      });

      it('clearIncoming removes what uploads left, and no blob', async () => {
        const stored = await put(randomBytes(70_000));
        await store.clearIncoming();
        expect(await engine.leftovers()).toEqual([]);
        expect(await store.stat(stored.id)).not.toBeNull();
        await stored.release();
      });

      it('freeBytes is a number, or null when the engine knows no limit', async () => {
        const free = await store.freeBytes();
        expect(free === null || free > 0).toBe(true);
      });
    });
  });
}
