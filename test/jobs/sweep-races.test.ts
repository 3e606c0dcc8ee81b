import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { collectGarbage } from '../../src/jobs/gc.js';
import type { Doomed } from '../../src/stores/blob-index.js';
import type { BlobStore } from '../../src/stores/blob-store.js';
import type { BlobPlace } from '../../src/stores/values.js';
import { NOW } from '../conformance/metadata-fixture.js';
import { idOf, Storage } from './storage-fixture.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What happens between the steps of a sweep: intent, deletion, end. Decision 0004. */
describe.each(['disk', 'memory'] as const)('storage/README invariant 3 — a sweep, blobs on %s', (kind) => {
  let storage: Storage;
  let now: number;

  beforeEach(async () => {
    storage = await Storage.make(kind);
    now = NOW;
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await storage.remove();
  });

  const collect = (blobs: BlobStore = storage.blobs) =>
    collectGarbage({ blobs, blobIndex: storage.blobIndex, now: () => now, graceSeconds: 0 });

  /** The store, with something that happens before and after its deletions. */
  function around(before: () => Promise<void>, after: () => Promise<void> = async () => {}): BlobStore {
    const deleteAll = async (places: readonly BlobPlace[]) => {
      await before();
      await storage.blobs.deleteAll(places);
      await after();
    };
    return new Proxy(storage.blobs, {
      get: (target, member) => {
        if (member === 'deleteAll') return deleteAll;
        const value = Reflect.get(target, member, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  async function checkWhole(...texts: string[]): Promise<void> {
    const named = await storage.blobIndex.named(null, 99);
    expect(named.map(({ id }) => id).sort()).toEqual(texts.map(idOf).sort());
    for (const content of named) expect(await storage.blobs.stat(content)).toMatchObject({ size: content.size });
  }

  /** When all sweeps are over nothing is left but what is named. */
  async function checkTidy(...texts: string[]): Promise<void> {
    now += 2 * DAY;
    await collect();
    now += 2 * DAY;
    await collect();
    await checkWhole(...texts);
    let left = 0;
    for await (const _ of storage.blobs.list()) left++;
    expect(left).toBe(texts.length);
    const { condemned, sweep, swept } = await storage.world.dump();
    expect({ condemned, sweep, swept }).toEqual({ condemned: [], sweep: [], swept: [] });
  }

  const unname = async (text: string) => storage.destroy(await storage.upload(`once ${text}`, text));
  /** As a process that ends after it wrote down what to delete. */
  async function dieAfterIntent(): Promise<Doomed> {
    while (await storage.blobIndex.purge(100));
    await storage.blobIndex.condemn(100, now);
    return (await storage.blobIndex.beginSweep({ condemnedBefore: now, limit: 100, now }))!;
  }

  it('an upload that was stored before the intent commits before the deletion', async () => {
    await unname('x');
    const content = await storage.store('x');
    let named: unknown = null;
    await collect(
      around(async () => {
        named ??= await storage.name('file', content);
      }),
    );
    expect(named).not.toBeNull();
    await checkWhole('x');
    await checkTidy('x');
  });

  it('an upload is stored and commits between intent and deletion', async () => {
    await unname('x');
    let files = 0;
    await collect(
      around(async () => {
        if (files < 4) await storage.upload(`file ${files++}`, 'x');
      }),
    );
    expect(files).toBeGreaterThan(0);
    await checkWhole('x');
    await checkTidy('x');
  });

  it('an upload is stored between intent and deletion, and commits after it', async () => {
    await unname('x');
    const contents: Awaited<ReturnType<Storage['store']>>[] = [];
    const before = async () => void contents.push(await storage.store('x'));
    const after = async () => {
      for (const [number, content] of contents.splice(0).entries()) await storage.name(`file ${number}`, content);
    };
    await collect(around(before, after));
    await checkWhole('x');
    await checkTidy('x');
  });

  it('an upload that was stored before the intent commits when the sweep is over', async () => {
    await unname('x');
    const content = await storage.store('x');
    await collect();
    await storage.name('file', content);
    await checkWhole('x');
    await checkTidy('x');
  });

  it('what was named between intent and deletion is deleted for good before the sweep ends', async () => {
    await unname('x');
    let files = 0;
    const upAndDown = async () => {
      if (files < 4) await storage.destroy(await storage.upload(`file ${files++}`, 'x'));
    };
    await collect(around(upAndDown, upAndDown));
    expect(files).toBeGreaterThan(1);
    await checkTidy();
  });

  it.each([
    ['before the deletion', false],
    ['after the deletion', true],
  ])('its process ends %s: uploads of the bytes are safe, and a later collector goes on', async (_when, isDeleted) => {
    await unname('x');
    await unname('y');
    const content = await storage.store('x');
    const doomed = await dieAfterIntent();
    if (isDeleted) await storage.blobs.deleteAll(doomed.places);
    await storage.name('file', content);
    await storage.upload('another', 'x');
    await collect();
    await checkWhole('x');
    now += DAY;
    await collect();
    await checkWhole('x');
    await checkTidy('x');
  });

  it('fails to delete: uploads of the bytes are safe, and a later collector goes on', async () => {
    await unname('x');
    const failure = new Error('EIO: i/o error, rename');
    const failing = around(() => Promise.reject(failure));
    await expect(collect(failing)).rejects.toBe(failure);
    await storage.upload('file', 'x');
    await checkWhole('x');
    await checkTidy('x');
  });

  it('a backup that begins between intent and deletion gets what is named', async () => {
    await unname('x');
    let pause = 0;
    const begin = async () => {
      if (pause > 0) return;
      pause = await storage.blobIndex.pauseSweep(now + HOUR, now);
      await storage.upload('file', 'x');
    };
    await collect(around(begin));
    expect(pause).toBeGreaterThan(0);
    await checkWhole('x');
    await unname('y');
    expect(await collect()).toMatchObject({ deleted: 0 });
    await storage.blobIndex.endPause(pause);
    await checkTidy('x');
  });

  it('past B7 — deletes nothing more by what it wrote down long ago: another process may have taken it over', async () => {
    for (let number = 0; number < 50; number++) await unname(`${number}`);
    let clock = 0;
    const real = Date.now;
    vi.spyOn(Date, 'now').mockImplementation(() => real() + clock);
    let calls = 0;
    const slow = around(async () => {
      calls++;
      clock += HOUR;
    });
    await expect(collect(slow)).rejects.toThrow('takes too long');
    expect(calls).toBe(1);
    let left = 0;
    for await (const _ of storage.blobs.list()) left++;
    expect(left).toBeGreaterThan(0);
    await checkTidy();
  });
});
