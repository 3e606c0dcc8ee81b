import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlobMissingError } from '../../src/stores/blob-store.js';
import { type BlobEngine, type BlobTest, inChunks, listed, MIB, put, read, sha256, UNKNOWN } from './blob-sources.js';
import { putSuite } from './blob-store-put.js';

/** The contract of `BlobStore`, clause by clause, for one engine. */
export function blobStoreSuite(name: string, open: () => Promise<BlobEngine>): void {
  describe(`BlobStore on ${name}`, () => {
    const test = {} as BlobTest;
    beforeEach(async () => {
      test.engine = await open();
    });
    afterEach(() => test.engine.close());

    putSuite(test);
    holdSuite(test);
    openSuite(test);
    placeSuite(test);
  });
}

function holdSuite(test: BlobTest): void {
  describe('the hold', () => {
    it('puts the bytes back after a delete', async () => {
      const bytes = randomBytes(80_000);
      const stored = await put(test, bytes);
      await test.engine.store.delete(stored.id);
      await stored.restore();
      expect((await read(test, stored.id)).equals(bytes)).toBe(true);
    });

    it('restores without harm where the bytes are there', async () => {
      const stored = await put(test, randomBytes(10));
      await stored.restore();
      expect(await listed(test.engine.store)).toHaveLength(1);
    });

    it('keeps the bytes under their hash after release, and may be released twice', async () => {
      const stored = await put(test, randomBytes(80_000));
      await stored.release();
      await stored.release();
      expect(await test.engine.store.stat(stored.id)).not.toBeNull();
      expect(await test.engine.leftovers()).toEqual([]);
    });

    it('is each upload’s own: another’s release doesn’t end it', async () => {
      const bytes = randomBytes(80_000);
      const [one, other] = [await put(test, bytes), await put(test, bytes)];
      await one.release();
      await test.engine.store.delete(other.id);
      await other.restore();
      expect((await read(test, other.id)).equals(bytes)).toBe(true);
    });

    it('always finds bytes after restore, whatever other uploads and a collector do', async () => {
      const bytes = randomBytes(70_000);
      const id = sha256(bytes);
      let isOver = false;
      const collector = (async () => {
        while (!isOver) {
          await test.engine.store.delete(id);
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      const upload = async () => {
        for (let round = 0; round < 25; round++) {
          const stored = await test.engine.store.put(inChunks(bytes));
          await stored.restore();
          await stored.release();
        }
      };
      await Promise.all([upload(), upload(), upload()]);
      isOver = true;
      await collector;
      const last = await put(test, bytes);
      expect((await read(test, last.id)).equals(bytes)).toBe(true);
      await last.release();
      expect(await listed(test.engine.store)).toHaveLength(1);
    });
  });
}

function openSuite(test: BlobTest): void {
  describe('open', () => {
    it('rejects with BlobMissingError before the first byte', async () => {
      await expect(test.engine.store.open(UNKNOWN)).rejects.toThrow(BlobMissingError);
      await expect(test.engine.store.open(UNKNOWN, { start: 0, end: 0 })).rejects.toMatchObject({ id: UNKNOWN });
    });

    it.each([
      [0, 0],
      [0, 199_999],
      [199_999, 199_999],
      [65_535, 65_536],
      [1_000, 150_000],
    ])('gives bytes %d to %d, both inclusive', async (start, end) => {
      const bytes = randomBytes(200_000);
      const { id } = await put(test, bytes);
      expect((await read(test, id, { start, end })).equals(bytes.subarray(start, end + 1))).toBe(true);
    });

    it.each([
      [0, 1_000],
      [1_000, 1_000],
      [5, 4],
      [-1, 4],
    ])('refuses bytes %d to %d of 1,000 with a RangeError', async (start, end) => {
      const { id } = await put(test, randomBytes(1_000));
      await expect(test.engine.store.open(id, { start, end })).rejects.toThrow(RangeError);
    });

    it('is not disturbed by a delete that comes later', async () => {
      const bytes = randomBytes(5 * MIB);
      const { id } = await put(test, bytes);
      const reader = await test.engine.store.open(id);
      await test.engine.store.delete(id);
      expect((await buffer(reader)).equals(bytes)).toBe(true);
    });

    it('can be given up in the middle', async () => {
      const { id } = await put(test, randomBytes(5 * MIB));
      const reader = await test.engine.store.open(id);
      for await (const _chunk of reader) break;
      expect(reader.destroyed).toBe(true);
      const unread = await test.engine.store.open(id);
      const closed = new Promise((resolve) => unread.once('close', resolve));
      unread.destroy();
      await closed;
    });

    it('reads for many at once', async () => {
      const bytes = randomBytes(3 * MIB);
      const { id } = await put(test, bytes);
      const all = await Promise.all(Array.from({ length: 20 }, () => read(test, id)));
      expect(all.every((one) => one.equals(bytes))).toBe(true);
    });
  });
}

function placeSuite(test: BlobTest): void {
  describe('stat, list, delete', () => {
    it('stat tells size and time, null when there are no such bytes', async () => {
      const before = Date.now();
      const { id } = await put(test, randomBytes(1_234));
      const info = await test.engine.store.stat(id);
      expect(info).toMatchObject({ id, size: 1_234 });
      // A file system's clock ticks more coarsely.
      expect(info!.storedAt.getTime()).toBeGreaterThan(before - 50);
      expect(await test.engine.store.stat(UNKNOWN)).toBeNull();
    });

    it('list gives all blobs', async () => {
      const all = await Promise.all(Array.from({ length: 40 }, () => put(test, randomBytes(20))));
      const found = await listed(test.engine.store);
      expect(found.map(({ id }) => id).sort()).toEqual(all.map(({ id }) => id).sort());
      expect(found.every(({ size }) => size === 20)).toBe(true);
    });

    it('list goes on when blobs disappear meanwhile', async () => {
      const all = await Promise.all(Array.from({ length: 40 }, () => put(test, randomBytes(20))));
      let found = 0;
      for await (const { id } of test.engine.store.list()) {
        if (found++ === 0) for (const other of all) if (other.id !== id) await test.engine.store.delete(other.id);
      }
      expect(found).toBeGreaterThan(0);
    });

    it('delete takes the bytes out of reach before it resolves; false when there were none', async () => {
      const { id, release } = await put(test, randomBytes(70_000));
      await release();
      expect(await test.engine.store.delete(id)).toBe(true);
      expect(await test.engine.store.stat(id)).toBeNull();
      await expect(test.engine.store.open(id)).rejects.toThrow(BlobMissingError);
      expect(await test.engine.store.delete(id)).toBe(false);
      expect(await listed(test.engine.store)).toEqual([]);
    });

    it('setAside takes damaged bytes out of reach', async () => {
      const { id } = await put(test, randomBytes(100));
      expect(await test.engine.store.setAside((await test.engine.store.stat(id))!)).toBe(true);
      expect(await test.engine.store.stat(id)).toBeNull();
    });

    it('setAside leaves bytes alone that were stored in their place since', async () => {
      const bytes = randomBytes(100);
      const { id } = await put(test, bytes);
      const info = (await test.engine.store.stat(id))!;
      const older = { ...info, storedAt: new Date(info.storedAt.getTime() - 1_000) };
      expect(await test.engine.store.setAside(older)).toBe(false);
      expect((await read(test, id)).equals(bytes)).toBe(true);
      expect(await test.engine.store.setAside({ ...info, id: UNKNOWN })).toBe(false);
    });

    it('clearIncoming removes what uploads left, and no blob', async () => {
      const stored = await put(test, randomBytes(70_000));
      await test.engine.store.clearIncoming();
      expect(await test.engine.leftovers()).toEqual([]);
      expect(await test.engine.store.stat(stored.id)).not.toBeNull();
      await stored.release();
    });

    it('freeBytes is a number, or null when the engine knows no limit', async () => {
      const free = await test.engine.store.freeBytes();
      expect(free === null || free > 0).toBe(true);
    });

    it('checkWritable — resolves where uploads can be stored, and leaves nothing', async () => {
      await test.engine.store.checkWritable();
      expect(await test.engine.leftovers()).toEqual([]);
    });

    it('stats — counts the uploads under way, ended ones no more, however they ended', async () => {
      const { store } = test.engine;
      const seen: number[] = [];
      const source = async function* () {
        seen.push(store.stats().uploads);
        yield randomBytes(10);
      };
      await (await store.put(source())).release();
      await expect(store.put(source(), { sizeMax: 1 })).rejects.toThrow();
      expect(seen).toEqual([1, 1]);
      expect(store.stats().uploads).toBe(0);
      expect(store.stats().bufferBytes).toBeGreaterThanOrEqual(0);
    });
  });
}
