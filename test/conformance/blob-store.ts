import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlobMissingError, placeOf } from '../../src/stores/blob-store.js';
import { type BlobEngine, type BlobTest, inChunks, listed, MIB, put, read, UNKNOWN } from './blob-sources.js';
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
      await test.engine.store.deleteAll([placeOf(stored)]);
      await stored.restore();
      expect((await read(test, stored)).equals(bytes)).toBe(true);
    });

    it('restores without harm where the bytes are there', async () => {
      const stored = await put(test, randomBytes(10));
      await stored.restore();
      expect(await listed(test.engine.store)).toHaveLength(1);
    });

    it.each(['named', 'unknown'] as const)('keeps the bytes when it is released as %s', async (outcome) => {
      const stored = await put(test, randomBytes(80_000));
      await stored.release(outcome);
      expect(await test.engine.store.stat(stored)).not.toBeNull();
      expect(await test.engine.leftovers()).toEqual([]);
    });

    it('released as surplus, removes the bytes where no other upload can have them at that place', async () => {
      const stored = await put(test, randomBytes(80_000));
      await stored.release('surplus');
      expect(await listed(test.engine.store)).toHaveLength(test.engine.places === 'hash' ? 1 : 0);
      expect(await test.engine.leftovers()).toEqual([]);
    });

    it('released as surplus, leaves the bytes of another upload', async () => {
      const bytes = randomBytes(80_000);
      const [one, other] = [await put(test, bytes), await put(test, bytes)];
      await one.release('surplus');
      expect((await read(test, other)).equals(bytes)).toBe(true);
    });

    it('relocates to a place that was never used, where no deletion at the former one meets it', async () => {
      const bytes = randomBytes(80_000);
      const stored = await put(test, bytes);
      const former = placeOf(stored);
      await stored.relocate();
      expect(stored.place).not.toBeNull();
      expect(placeOf(stored)).not.toBe(former);
      await test.engine.store.deleteAll([former]);
      expect((await read(test, stored)).equals(bytes)).toBe(true);
      const id = test.engine.places === 'hash' ? stored.id : null;
      expect(await listed(test.engine.store)).toMatchObject([{ id, place: placeOf(stored), size: 80_000 }]);
      const second = placeOf(stored);
      await stored.relocate();
      expect(placeOf(stored)).not.toBe(second);
      await stored.release('named');
      expect((await read(test, stored)).equals(bytes)).toBe(true);
    });

    it('released as surplus, removes the bytes at a place that it relocated to', async () => {
      const stored = await put(test, randomBytes(80_000));
      await stored.relocate();
      await stored.release('surplus');
      expect(await test.engine.store.stat(stored)).toBeNull();
      expect(await test.engine.leftovers()).toEqual([]);
    });

    it('may be released twice: the first time counts', async () => {
      const stored = await put(test, randomBytes(80_000));
      await stored.release('named');
      await stored.release('surplus');
      expect(await test.engine.store.stat(stored)).not.toBeNull();
    });

    it('is each upload’s own: another’s release doesn’t end it', async () => {
      const bytes = randomBytes(80_000);
      const [one, other] = [await put(test, bytes), await put(test, bytes)];
      await one.release('named');
      await test.engine.store.deleteAll([placeOf(other)]);
      await other.restore();
      expect((await read(test, other)).equals(bytes)).toBe(true);
    });

    it('always finds bytes after restore, whatever other uploads and a collector do', async () => {
      const bytes = randomBytes(70_000);
      let isOver = false;
      const collector = (async () => {
        while (!isOver) {
          const found = await listed(test.engine.store);
          await test.engine.store.deleteAll(found.map(({ place }) => place));
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      const upload = async () => {
        for (let round = 0; round < 25; round++) {
          const stored = await test.engine.store.put(inChunks(bytes));
          await stored.restore();
          await stored.release('unknown');
        }
      };
      try {
        await Promise.all([upload(), upload(), upload()]);
      } finally {
        isOver = true;
        await collector;
      }
      const last = await put(test, bytes);
      expect((await read(test, last)).equals(bytes)).toBe(true);
      await last.release('named');
      expect((await test.engine.store.stat(last))?.place).toBe(placeOf(last));
    });
  });
}

function openSuite(test: BlobTest): void {
  describe('open', () => {
    it('rejects with BlobMissingError before the first byte', async () => {
      await expect(test.engine.store.open(UNKNOWN)).rejects.toThrow(BlobMissingError);
      await expect(test.engine.store.open(UNKNOWN, { start: 0, end: 0 })).rejects.toMatchObject({ id: UNKNOWN.id });
    });

    it.each([
      [0, 0],
      [0, 199_999],
      [199_999, 199_999],
      [65_535, 65_536],
      [1_000, 150_000],
    ])('gives bytes %d to %d, both inclusive', async (start, end) => {
      const bytes = randomBytes(200_000);
      const blob = await put(test, bytes);
      expect((await read(test, blob, { start, end })).equals(bytes.subarray(start, end + 1))).toBe(true);
    });

    it.each([
      [0, 1_000],
      [1_000, 1_000],
      [5, 4],
      [-1, 4],
    ])('refuses bytes %d to %d of 1,000 with a RangeError', async (start, end) => {
      const blob = await put(test, randomBytes(1_000));
      await expect(test.engine.store.open(blob, { start, end })).rejects.toThrow(RangeError);
    });

    it('is not disturbed by a delete that comes later', async () => {
      const bytes = randomBytes(5 * MIB);
      const blob = await put(test, bytes);
      const reader = await test.engine.store.open(blob);
      await test.engine.store.deleteAll([placeOf(blob)]);
      expect((await buffer(reader)).equals(bytes)).toBe(true);
    });

    it('can be given up in the middle', async () => {
      const blob = await put(test, randomBytes(5 * MIB));
      const reader = await test.engine.store.open(blob);
      for await (const _chunk of reader) break;
      expect(reader.destroyed).toBe(true);
      const unread = await test.engine.store.open(blob);
      const closed = new Promise((resolve) => unread.once('close', resolve));
      unread.destroy();
      await closed;
    });

    it('pieces, where the engine has them, are the same bytes', async () => {
      const bytes = randomBytes(3 * MIB);
      const blob = await put(test, bytes);
      const range = { start: 70_000, end: 3 * MIB - 9 };
      for (const [part, end] of [[undefined, 3 * MIB - 1] as const, [range, range.end] as const]) {
        const reader = await test.engine.store.open(blob, part);
        const copies: Uint8Array[] = [];
        for await (const piece of reader.pieces?.() ?? reader) copies.push(Buffer.from(piece));
        expect(Buffer.concat(copies).equals(bytes.subarray(part?.start ?? 0, end + 1))).toBe(true);
      }
    });

    it('reads for many at once', async () => {
      const bytes = randomBytes(3 * MIB);
      const blob = await put(test, bytes);
      const all = await Promise.all(Array.from({ length: 20 }, () => read(test, blob)));
      expect(all.every((one) => one.equals(bytes))).toBe(true);
    });
  });
}

function placeSuite(test: BlobTest): void {
  describe('stat, list, deleteAll', () => {
    it('stat tells size and time, null when there are no such bytes', async () => {
      const before = Date.now();
      const blob = await put(test, randomBytes(1_234));
      const info = await test.engine.store.stat(blob);
      const id = test.engine.places === 'hash' ? blob.id : null;
      expect(info).toMatchObject({ id, place: placeOf(blob), size: 1_234 });
      // A file system's clock ticks more coarsely.
      expect(info!.storedAt.getTime()).toBeGreaterThan(before - 50);
      expect(await test.engine.store.stat(UNKNOWN)).toBeNull();
    });

    it('list gives all blobs by place, each with its hash where the place tells it', async () => {
      const all = await Promise.all(Array.from({ length: 40 }, () => put(test, randomBytes(20))));
      const found = await listed(test.engine.store);
      expect(found.map(({ place }) => place)).toEqual(all.map(placeOf).sort());
      for (const { id, place, size } of found) {
        expect(size).toBe(20);
        expect(id).toBe(test.engine.places === 'hash' ? place : null);
      }
    });

    it('list goes on after a place', async () => {
      await Promise.all(Array.from({ length: 40 }, () => put(test, randomBytes(20))));
      const all = (await listed(test.engine.store)).map(({ place }) => place);
      for (const number of [0, 20, 38, 39]) {
        const after = all[number]!;
        const rest = (await listed(test.engine.store, { after })).map(({ place }) => place);
        expect(rest).toEqual(all.slice(number + 1));
      }
    });

    it('list gives those whose place begins with a prefix', async () => {
      await Promise.all(Array.from({ length: 40 }, () => put(test, randomBytes(20))));
      const all = (await listed(test.engine.store)).map(({ place }) => place);
      for (const prefix of ['', all[7]!.slice(0, 1), all[7]!.slice(0, 2), all[7]!.slice(0, 8), all[7]!, 'x']) {
        const found = (await listed(test.engine.store, { prefix })).map(({ place }) => place);
        expect(found).toEqual(all.filter((place) => place.startsWith(prefix)));
      }
    });

    it('list goes on when blobs disappear meanwhile', async () => {
      const all = await Promise.all(Array.from({ length: 40 }, () => put(test, randomBytes(20))));
      let found = 0;
      for await (const { place } of test.engine.store.list()) {
        if (found++ > 0) continue;
        await test.engine.store.deleteAll(all.map(placeOf).filter((other) => other !== place));
      }
      expect(found).toBeGreaterThan(0);
    });

    it('deleteAll takes all of the bytes out of reach, and does nothing where there are none', async () => {
      const all = await Promise.all(Array.from({ length: 5 }, () => put(test, randomBytes(20))));
      const places = all.map(placeOf);
      await test.engine.store.deleteAll([placeOf(UNKNOWN), ...places.slice(1)]);
      await test.engine.store.deleteAll(places.slice(2));
      expect((await listed(test.engine.store)).map(({ place }) => place)).toEqual([places[0]]);
      await test.engine.store.deleteAll([]);
    });

    it('deleteAll takes the bytes out of reach before it resolves', async () => {
      const blob = await put(test, randomBytes(70_000));
      await blob.release('named');
      await test.engine.store.deleteAll([placeOf(blob)]);
      expect(await test.engine.store.stat(blob)).toBeNull();
      await expect(test.engine.store.open(blob)).rejects.toThrow(BlobMissingError);
      expect(await listed(test.engine.store)).toEqual([]);
    });

    it('setAside takes damaged bytes out of reach', async () => {
      const blob = await put(test, randomBytes(100));
      expect(await test.engine.store.setAside((await test.engine.store.stat(blob))!)).toBe(true);
      expect(await test.engine.store.stat(blob)).toBeNull();
    });

    it('setAside leaves bytes alone that were stored in their place since', async () => {
      const bytes = randomBytes(100);
      const blob = await put(test, bytes);
      const info = (await test.engine.store.stat(blob))!;
      const older = { ...info, storedAt: new Date(info.storedAt.getTime() - 1_000) };
      expect(await test.engine.store.setAside(older)).toBe(false);
      expect((await read(test, blob)).equals(bytes)).toBe(true);
      expect(await test.engine.store.setAside({ ...info, place: placeOf(UNKNOWN), id: null })).toBe(false);
    });

    it('clearIncoming removes what uploads left, and no blob', async () => {
      const stored = await put(test, randomBytes(70_000));
      await test.engine.store.clearIncoming();
      expect(await test.engine.leftovers()).toEqual([]);
      expect(await test.engine.store.stat(stored)).not.toBeNull();
      await stored.release('named');
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
      await (await store.put(source())).release('named');
      await expect(store.put(source(), { sizeMax: 1 })).rejects.toThrow();
      expect(seen).toEqual([1, 1]);
      expect(store.stats().uploads).toBe(0);
      expect(store.stats().bufferBytes).toBeGreaterThanOrEqual(0);
    });
  });
}
