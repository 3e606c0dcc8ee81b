import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { collectGarbage, type GarbageCollection, UnknownBlobsError } from '../../src/jobs/gc.js';
import { placeOf } from '../../src/stores/blob-store.js';
import { largeContentOf, NOW } from '../conformance/metadata-fixture.js';
import { countTurns } from '../support/turn-probe.js';
import { idOf, Storage } from './storage-fixture.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe.each(['disk', 'memory'] as const)('collectGarbage, blobs on %s', (kind) => {
  let storage: Storage;
  let now: number;

  beforeEach(async () => {
    storage = await Storage.make(kind);
    now = NOW;
  });
  afterEach(() => storage.remove());

  const collect = (graceSeconds = 3600, change: Partial<GarbageCollection> = {}) => {
    const { blobs, blobIndex } = storage;
    return collectGarbage({ blobs, blobIndex, now: () => now, graceSeconds, ...change });
  };

  it('storage/README invariant 3 — removes what nothing names, only after the grace period', async () => {
    await storage.destroy(await storage.upload('deleted'));
    await storage.upload('kept');
    expect(await collect()).toEqual({ condemned: 1, deleted: 0 });
    now += HOUR - 1;
    expect(await collect()).toEqual({ condemned: 0, deleted: 0 });
    expect(await storage.has('deleted')).toBe(true);
    now += 1;
    expect(await collect()).toEqual({ condemned: 0, deleted: 1 });
    expect(await storage.has('deleted')).toBe(false);
    expect(await storage.has('kept')).toBe(true);
  });

  it('removes bytes whose upload ended before its transaction', async () => {
    await (await storage.store('killed upload')).release('unknown');
    expect(await collect(0)).toEqual({ condemned: 1, deleted: 1 });
    expect(await storage.has('killed upload')).toBe(false);
  });

  it('works through more than a page of everything', async () => {
    const { world } = storage;
    const files = [];
    for (let number = 0; number < 450; number++) {
      files.push(insertFileOf(`blob ${number}`), insertSmallFileOf(`small ${number}`));
    }
    for (const file of await Promise.all(files)) await storage.destroy(file);
    for (let number = 0; number < 250; number++) await (await storage.store(`unknown ${number}`)).release('unknown');
    expect(await collect(0)).toEqual({ condemned: 700, deleted: 700 });
    for await (const blob of storage.blobs.list()) expect(blob).toBeNull();
    expect((await world.dump()).content).toEqual([]);
    expect((await world.dump()).purge).toEqual([]);
  });

  it('faults B2 — others have their turn after each step, and no step looks twice at a content', async () => {
    for (let number = 0; number < 1_200; number++) await storage.world.leave(largeContentOf(`unnamed ${number}`));
    await storage.world.corrupt('DELETE FROM content_candidate');
    expect((await collect()).condemned).toBe(0);
    const looks = vi.spyOn(storage.blobIndex, 'nominate');
    const counts = await countTurns(storage.world.engine.metadata, async () => {
      expect((await collect(3600, { looksAtAll: true })).condemned).toBe(1_200);
    });
    // 1,200 contents are three pages, of the looking and of the marking.
    expect(counts.turns).toBeGreaterThanOrEqual(6);
    const starts = looks.mock.calls.map(([after]) => after);
    expect(new Set(starts).size).toBe(3);
    expect(starts).toHaveLength(3);
    const pages = vi.spyOn(storage.blobIndex, 'condemn');
    expect((await collect()).condemned).toBe(0);
    expect(pages).toHaveBeenCalledTimes(1);
    expect(looks).toHaveBeenCalledTimes(3);
  });

  it('faults A2 — touches nothing where the database knows nothing of most of what is stored, until it is told to', async () => {
    await storage.upload('kept');
    await storage.destroy(await storage.upload('deleted'));
    for (let number = 0; number < 60; number++)
      await (await storage.store(`of another database ${number}`)).release('unknown');
    const before = await storage.world.dump();
    await expect(collect(0)).rejects.toThrow(UnknownBlobsError);
    await expect(collect(0)).rejects.toThrow(
      /^The database knows nothing of 60 of 62 stored contents: .*firn gc --force/,
    );
    expect(await storage.world.dump()).toEqual(before);
    expect(await collect(0, { isForced: true })).toEqual({ condemned: 61, deleted: 61 });
    expect(await storage.has('kept')).toBe(true);
  });

  it('faults A2 — blobs that were marked before the database was another one are as safe', async () => {
    for (let number = 0; number < 60; number++) await storage.upload(`${number}`);
    for (let number = 0; number < 59; number++) await (await storage.store(`unknown ${number}`)).release('unknown');
    expect(await collect()).toEqual({ condemned: 59, deleted: 0 });
    await storage.world.corrupt('DELETE FROM node WHERE content_key IS NOT NULL');
    await storage.world.corrupt('DELETE FROM content');
    now += HOUR;
    await expect(collect()).rejects.toThrow(/119 of 119/);
    for (const text of ['0', '59', 'unknown 0']) expect(await storage.has(text)).toBe(true);
  });

  it('faults A2 — some failed uploads are removed, also where there is nothing else', async () => {
    for (let number = 0; number < 50; number++) await (await storage.store(`refused ${number}`)).release('unknown');
    expect(await collect(0)).toEqual({ condemned: 50, deleted: 50 });
  });

  it('faults B4 — ends between two pages when it is told to, whatever it is at', async () => {
    const abort = new AbortController();
    const end = (count: number) => () => {
      if (--count === 0) abort.abort(new Error('ending'));
    };
    for (let number = 0; number < 450; number++) await storage.upload(`${number}`);
    let seen = 0;
    const ended = end(250);
    const onBlob = () => {
      seen++;
      ended();
    };
    await expect(collect(0, { signal: abort.signal, onBlob })).rejects.toThrow('ending');
    expect(seen).toBe(400);
    await expect(collect(0, { signal: abort.signal })).rejects.toThrow('ending');
  });

  it.each(['purge', 'nominate', 'condemn', 'condemnUnknown', 'beginSweep'] as const)(
    'faults B4 — ends after the page of %s that is under way',
    async (name) => {
      for (const file of [await insertFileOf('large'), await insertSmallFileOf('small')]) await storage.destroy(file);
      await (await storage.store('unknown')).release('unknown');
      const abort = new AbortController();
      let calls = 0;
      const { blobIndex } = storage;
      const watched = new Proxy(blobIndex, {
        get: (target, member) => {
          const step = Reflect.get(target, member, target) as (...parameters: unknown[]) => unknown;
          return (...parameters: unknown[]) => {
            if (member === name) {
              calls++;
              abort.abort(new Error('ending'));
            }
            return step.apply(target, parameters);
          };
        },
      });
      await expect(collect(0, { blobIndex: watched, signal: abort.signal, looksAtAll: true })).rejects.toThrow(
        'ending',
      );
      expect(calls).toBe(1);
    },
  );

  it('leaves bytes that are named again within the grace period', async () => {
    await storage.destroy(await storage.upload('again'));
    await collect();
    now += HOUR;
    await storage.upload('again, under another name', 'again');
    // Where each upload has a place of its own, that of the first is free now.
    expect(await collect()).toEqual({ condemned: 0, deleted: kind === 'disk' ? 0 : 1 });
    expect(await storage.has('again')).toBe(true);
  });

  it('storage/README invariant 3 — an upload between its bytes and its transaction is warned, and restores them', async () => {
    const stored = await storage.store('contested');
    await collect(0);
    expect(await storage.has('contested')).toBe(false);
    await storage.name('x', stored);
    now += DAY;
    await collect(0);
    expect(await storage.has('contested')).toBe(true);
  });

  it('storage/README invariant 3 — an upload is warned also where the mark was old when the bytes went', async () => {
    await storage.destroy(await storage.upload('old'));
    await collect();
    // The server stood still for two days, or a backup held the collector up for as long.
    now += 2 * DAY;
    const stored = await storage.store('old');
    expect(await collect()).toEqual({ condemned: kind === 'disk' ? 0 : 1, deleted: 1 });
    await storage.name('old again', stored);
    expect(await storage.has('old')).toBe(true);
  });

  it('drops marks a day after the bytes went, so that they don’t pile up', async () => {
    await storage.destroy(await storage.upload('gone'));
    await collect(0);
    now += DAY;
    await collect(0);
    const { condemned, sweep, swept } = await storage.world.dump();
    expect({ condemned, sweep, swept }).toEqual({ condemned: [], sweep: [], swept: [] });
  });

  it('storage/README invariant 5 — removes nothing while a backup holds, and everything after', async () => {
    await storage.destroy(await storage.upload('deleted'));
    const hold = await storage.blobIndex.pauseSweep(now + HOUR, now);
    expect(await collect(0)).toEqual({ condemned: 1, deleted: 0 });
    await storage.blobIndex.endPause(hold);
    expect(await collect(0)).toEqual({ condemned: 0, deleted: 1 });
  });

  it('a hold whose holder died ends by itself, and can’t be extended any more', async () => {
    await storage.destroy(await storage.upload('deleted'));
    const hold = await storage.blobIndex.pauseSweep(now + HOUR, now);
    expect(await storage.blobIndex.extendPause(hold, now + 2 * HOUR, now)).toBe(true);
    now += 2 * HOUR;
    expect(await collect(0)).toMatchObject({ deleted: 0 });
    now += 1;
    expect(await collect(0)).toMatchObject({ deleted: 1 });
    expect(await storage.blobIndex.extendPause(hold, now + HOUR, now)).toBe(false);
  });

  it('never takes bytes from files, with uploads, deletions and two collectors at once', async () => {
    const texts = ['a', 'b', 'c', 'd'];
    let isOver = false;
    const collector = async () => {
      while (!isOver) await collect(0);
    };
    const client = async (number: number) => {
      for (let round = 0; round < 30; round++) {
        const text = texts[(number + round) % texts.length]!;
        const file = await storage.upload(`${number}-${round}`, text);
        expect(await storage.has(text)).toBe(true);
        await storage.destroy(file);
      }
      await storage.upload(`${number}-last`, texts[number % texts.length]!);
    };
    const collectors = [collector(), collector()];
    await Promise.all(Array.from({ length: 6 }, (_, number) => client(number)));
    isOver = true;
    await Promise.all(collectors);
    await collect(0);
    const found = new Set<string>();
    for await (const { place } of storage.blobs.list()) found.add(place);
    const named = await storage.blobIndex.named(null, 99);
    expect(named.map(({ id }) => id).sort()).toEqual(texts.map(idOf).sort());
    expect(found).toEqual(new Set(named.map(placeOf)));
  });

  function insertFileOf(text: string) {
    return storage.upload(text);
  }

  function insertSmallFileOf(text: string) {
    return storage.world.file(storage.world.home, text, text);
  }
});
