import { hash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Contents } from '../../src/drive/contents.js';
import { Assembly, type PartBytes } from '../../src/drive/uploads/assembly.js';
import { MemoryBlobStore } from '../../src/engines/memory/memory-blob-store.js';
import type { BlobId } from '../../src/stores/values.js';

const SIZE = 100;

/** An assembly over parts in memory, and what of them it has opened. */
class Bench {
  readonly blobs = new MemoryBlobStore();
  readonly opened: number[] = [];
  readonly #bytes = new Map<BlobId, Buffer>();
  /** Parts that are opened wait for this. */
  gate: Promise<void> = Promise.resolve();
  readonly assembly = new Assembly(new Contents(this.blobs, { inlineMaxBytes: 10 }), async (part) => {
    this.opened.push(part.number);
    await this.gate;
    const bytes = this.#bytes.get(part.blobId);
    if (!bytes) throw new Error('the bytes are gone');
    return [bytes];
  });

  part(number: number, fill = `${number}`, size = SIZE): PartBytes {
    const bytes = Buffer.alloc(size, fill);
    const blobId = hash('sha256', bytes, 'hex') as BlobId;
    this.#bytes.set(blobId, bytes);
    return { name: `${number}`, number, size, blobId };
  }

  lose(part: PartBytes): void {
    this.#bytes.delete(part.blobId);
  }

  whole(...parts: PartBytes[]): Buffer {
    return Buffer.concat(parts.map(({ blobId }) => this.#bytes.get(blobId)!));
  }

  /** Until the assembly waits for a part. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(this.assembly.isIdle).toBe(true);
  }

  async expectWhole(...parts: PartBytes[]): Promise<void> {
    const content = await this.assembly.finish(parts);
    expect(content?.row.id).toBe(hash('sha256', this.whole(...parts), 'hex'));
    expect(content?.row.sha1).toBe(hash('sha1', this.whole(...parts), 'hex'));
    expect(content?.row.md5).toBe(hash('md5', this.whole(...parts), 'hex'));
    await content?.release('surplus');
  }
}

describe('an assembly', () => {
  test.each([
    ['by index from 0', [0, 1, 2, 3]],
    ['by index from 1', [1, 2, 3, 4]],
    ['by offset', [0, 100, 200, 300]],
  ])('feeds parts %s as they come, so that nothing is left at the end', async (_title, numbers) => {
    const bench = new Bench();
    const parts = numbers.map((number) => bench.part(number));
    for (const part of parts) {
      expect(bench.assembly.add(part)).toBe(true);
      await bench.settle();
    }
    expect(bench.opened).toEqual(numbers);
    await bench.expectWhole(...parts);
    expect(bench.opened).toEqual(numbers);
  });

  test('waits for a part that is missing, and goes on when it comes', async () => {
    const bench = new Bench();
    const parts = [0, 1, 2, 3].map((number) => bench.part(number));
    for (const index of [3, 2]) bench.assembly.add(parts[index]!);
    await bench.settle();
    expect(bench.opened).toEqual([]);
    bench.assembly.add(parts[0]!);
    await bench.settle();
    expect(bench.opened).toEqual([0]);
    bench.assembly.add(parts[1]!);
    await bench.settle();
    expect(bench.opened).toEqual([0, 1, 2, 3]);
    await bench.expectWhole(...parts);
  });

  test('a lone part 1 waits, because 0 may come', async () => {
    const bench = new Bench();
    bench.assembly.add(bench.part(1));
    await bench.settle();
    expect(bench.opened).toEqual([]);
    await bench.expectWhole(bench.part(1));
  });

  test('what is fed is compared with the true order: null when it differs', async () => {
    const bench = new Bench();
    const [zero, one, two] = [bench.part(0), bench.part(1), bench.part(2)];
    for (const part of [one, two]) bench.assembly.add(part);
    await bench.settle();
    expect(bench.opened).toEqual([1, 2]);
    expect(bench.assembly.add(zero)).toBe(false);
    expect(await bench.assembly.finish([zero, one, two])).toBe(null);
    await bench.assembly.abandon();
  });

  test('a part that is sent again: the same bytes are fine, others are not', async () => {
    const bench = new Bench();
    const [zero, one] = [bench.part(0), bench.part(1)];
    bench.assembly.add(zero);
    bench.assembly.add(one);
    await bench.settle();
    expect(bench.assembly.add(bench.part(0))).toBe(true);
    const other = bench.part(0, 'x');
    expect(bench.assembly.add(other)).toBe(false);
    expect(await bench.assembly.finish([other, one])).toBe(null);
    await bench.assembly.abandon();
  });

  test('one that was replaced before it was fed counts as it is then', async () => {
    const bench = new Bench();
    const [zero, one, other] = [bench.part(0), bench.part(1), bench.part(1, 'x', 50)];
    bench.assembly.add(one);
    bench.assembly.add(other);
    bench.assembly.add(zero);
    await bench.settle();
    await bench.expectWhole(zero, other);
  });

  test('one that is removed can still come otherwise, unless it was fed', async () => {
    const bench = new Bench();
    const [zero, two] = [bench.part(0), bench.part(2)];
    bench.assembly.add(two);
    expect(bench.assembly.remove(2)).toBe(true);
    bench.assembly.add(zero);
    bench.assembly.add(bench.part(1));
    await bench.settle();
    expect(bench.opened).toEqual([0, 1]);
    expect(bench.assembly.remove(1)).toBe(false);
    await bench.assembly.abandon();
  });

  test('empty parts end no file early and are fed once', async () => {
    const bench = new Bench();
    const parts = [bench.part(0, '0', 0), bench.part(1, '1', 0), bench.part(2), bench.part(3, '3', 0)];
    for (const part of parts) bench.assembly.add(part);
    await bench.settle();
    expect(bench.opened).toEqual([0, 1, 2, 3]);
    await bench.expectWhole(...parts);
  });

  test('bytes that are gone fail it alone: finish says null or rejects, nothing hangs', async () => {
    const bench = new Bench();
    const [zero, one] = [bench.part(0), bench.part(1)];
    bench.lose(zero);
    bench.assembly.add(zero);
    await bench.settle();
    bench.assembly.add(one);
    await bench.assembly.caughtUp(0, 60_000);
    expect(await bench.assembly.finish([zero, one])).toBe(null);
    const late = new Bench();
    const lost = late.part(0);
    late.lose(lost);
    await expect(late.assembly.finish([lost])).rejects.toThrow('gone');
  });

  test('abandoning it leaves no bytes, whatever it does at that moment', async () => {
    const bench = new Bench();
    let open = () => {};
    bench.gate = new Promise((resolve) => {
      open = resolve;
    });
    bench.assembly.add(bench.part(0));
    for (let turns = 0; turns < 5; turns++) await turn();
    const abandoned = bench.assembly.abandon();
    open();
    await abandoned;
    for await (const blob of bench.blobs.list()) expect(blob).toBe('nothing');
    const idle = new Bench();
    await idle.settle();
    await idle.assembly.abandon();
  });

  test('a client waits while more than so many bytes could be fed, and not for parts that are missing', async () => {
    const bench = new Bench();
    let open = () => {};
    bench.gate = new Promise((resolve) => {
      open = resolve;
    });
    bench.assembly.add(bench.part(0));
    bench.assembly.add(bench.part(1));
    for (let turns = 0; turns < 5; turns++) await turn();
    await bench.assembly.caughtUp(2 * SIZE, 60_000);
    let isCaughtUp = false;
    const waiting = bench.assembly.caughtUp(SIZE, 60_000).then(() => {
      isCaughtUp = true;
    });
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(isCaughtUp).toBe(false);
    await bench.assembly.caughtUp(SIZE, 1);
    open();
    await waiting;
    await bench.settle();
    for (const number of [5, 6, 7]) bench.assembly.add(bench.part(number));
    await bench.assembly.caughtUp(0, 60_000);
    await bench.assembly.abandon();
  });
});
