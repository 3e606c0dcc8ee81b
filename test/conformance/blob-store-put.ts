import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BlobTooLargeError, placeOf } from '../../src/stores/blob-store.js';
import type { DigestName } from '../../src/stores/values.js';
import { type BlobTest, inChunks, listed, MIB, put, read, SIZES, sha256, thenHang, thenThrow } from './blob-sources.js';

async function expectNothing(test: BlobTest): Promise<void> {
  expect(await listed(test.engine.store)).toEqual([]);
  expect(await test.engine.leftovers()).toEqual([]);
}

/** `BlobStore.put`. */
export function putSuite(test: BlobTest): void {
  describe('put', () => {
    it.each(SIZES)('takes all bytes under their hash and gives them back: %d bytes', async (size) => {
      const bytes = randomBytes(size);
      const stored = await put(test, bytes);
      expect({ id: stored.id, size: stored.size }).toEqual({ id: sha256(bytes), size });
      expect((await read(test, stored)).equals(bytes)).toBe(true);
    });

    it('doesn’t care how the bytes are cut', async () => {
      const bytes = randomBytes(200_000);
      for (const chunk of [1_000, 65_536, 65_537, 200_000]) {
        const stored = await test.engine.store.put(inChunks(bytes, chunk));
        expect(stored.id).toBe(sha256(bytes));
      }
      async function* withEmptyOnes() {
        yield Buffer.alloc(0);
        yield bytes;
        yield Buffer.alloc(0);
      }
      expect((await test.engine.store.put(withEmptyOnes())).id).toBe(sha256(bytes));
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
      const stored = await test.engine.store.put(reusing());
      expect(stored.id).toBe(digest.digest('hex'));
      expect(sha256(await read(test, stored))).toBe(stored.id);
    });

    it.each([100, 5 * MIB])('computes other digests on request: %d bytes', async (size) => {
      const bytes = randomBytes(size);
      const digests: DigestName[] = ['md5', 'sha1'];
      const stored = await test.engine.store.put(inChunks(bytes), { digests });
      const hexOf = (digest: DigestName) => createHash(digest).update(bytes).digest('hex');
      expect(stored.digests).toEqual({ sha1: hexOf('sha1'), md5: hexOf('md5') });
      expect((await put(test, bytes)).digests).toEqual({});
    });

    it('stores the same bytes once at each place, also when they come at the same time', async () => {
      const bytes = randomBytes(3 * MIB);
      const all = await Promise.all(Array.from({ length: 8 }, () => put(test, bytes)));
      expect(new Set(all.map(({ id }) => id))).toEqual(new Set([sha256(bytes)]));
      const places = new Set(all.map(placeOf));
      expect(places.size).toBe(test.engine.places === 'hash' ? 1 : 8);
      expect((await listed(test.engine.store)).map(({ place }) => place)).toEqual([...places].sort());
    });

    it('says where the bytes are: null where their hash says', async () => {
      const { id, place } = await put(test, randomBytes(10));
      if (test.engine.places === 'hash') expect(place).toBeNull();
      else expect([null, id]).not.toContain(place);
    });

    it('keeps parallel uploads apart', async () => {
      const contents = Array.from({ length: 24 }, (_, number) => randomBytes(number * 150_000));
      const all = await Promise.all(contents.map((bytes) => put(test, bytes)));
      expect(all.map(({ id }) => id)).toEqual(contents.map(sha256));
      for (const [number, blob] of all.entries()) expect((await read(test, blob)).equals(contents[number]!)).toBe(true);
    });

    it('takes exactly sizeMax bytes', async () => {
      const bytes = randomBytes(100_000);
      const stored = await test.engine.store.put(inChunks(bytes), { sizeMax: 100_000 });
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
      await expect(test.engine.store.put(endless(), { sizeMax: 99_999 })).rejects.toThrow(BlobTooLargeError);
      expect(asked).toBe(10);
      await expectNothing(test);
    });

    it.each([1_000, 9 * MIB])('rejects with the error of the source, after %d bytes', async (size) => {
      const error = new Error('the client has gone');
      await expect(test.engine.store.put(thenThrow(randomBytes(size), error))).rejects.toBe(error);
      await expectNothing(test);
    });

    it.each([0, 1_000, 9 * MIB])(
      'rejects with the signal’s reason while the source hangs, after %d bytes',
      async (size) => {
        const abort = new AbortController();
        const source = thenHang(randomBytes(size));
        const putting = test.engine.store.put(source, { signal: abort.signal });
        const refused = expect(putting).rejects.toThrow('the reason');
        await source.isHanging;
        abort.abort(new Error('the reason'));
        await refused;
        await expectNothing(test);
      },
    );

    it('rejects with the signal’s reason when it is aborted already, and leaves the source alone', async () => {
      let asked = 0;
      async function* counting() {
        asked++;
        yield Buffer.alloc(1);
      }
      const reason = new Error('too late');
      await expect(test.engine.store.put(counting(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(asked).toBe(0);
      await expectNothing(test);
    });

    it('prefers the signal’s reason to the error that the abort makes the source throw', async () => {
      const abort = new AbortController();
      async function* closing() {
        yield Buffer.alloc(10);
        abort.abort(new Error('the reason'));
        throw new Error('premature close');
      }
      await expect(test.engine.store.put(closing(), { signal: abort.signal })).rejects.toThrow('the reason');
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
      await expect(test.engine.store.put(source(), { sizeMax: 5_000 })).rejects.toThrow(BlobTooLargeError);
      await new Promise((resolve) => setImmediate(resolve));
      expect(isToldSo).toBe(true);
    });

    it('shows verify what came', async () => {
      const bytes = randomBytes(80_000);
      let seen: unknown;
      const stored = await test.engine.store.put(inChunks(bytes), {
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
      await expect(test.engine.store.put(inChunks(randomBytes(5 * MIB)), { verify })).rejects.toBe(error);
      await expectNothing(test);
    });

    it('leaves earlier bytes of that hash alone when a later upload of them is refused', async () => {
      const bytes = randomBytes(70_000);
      const stored = await put(test, bytes);
      const verify = () => {
        throw new Error('refused');
      };
      await expect(test.engine.store.put(inChunks(bytes), { verify })).rejects.toThrow('refused');
      expect((await read(test, stored)).equals(bytes)).toBe(true);
    });

    it('works with a signal that outlives it, and forgets it', async () => {
      const abort = new AbortController();
      const stored = await test.engine.store.put(inChunks(randomBytes(10)), { signal: abort.signal });
      abort.abort();
      expect(await test.engine.store.stat(stored)).not.toBeNull();
    });
  });
}
