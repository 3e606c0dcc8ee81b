import { describe, expect, test } from 'vitest';
import { workOffDue } from '../../src/drive/due-drives.js';
import type { DuePage, MetadataStore, StoreView } from '../../src/stores/metadata-store.js';
import type { DriveId } from '../../src/stores/values.js';

/** A store that has these drives, two a page, all of them due. */
function storeOf(...drives: number[]): MetadataStore {
  const dueDrives = async (_what: string, _before: number, after: DriveId | null): Promise<DuePage> => {
    const page = drives.filter((id) => id > (after ?? 0)).slice(0, 2) as DriveId[];
    return { due: page, last: page.length < 2 ? null : page[1]! };
  };
  const view = { dueDrives } as unknown as StoreView;
  return { readOne: (_drives: unknown, work: (view: StoreView) => unknown) => work(view) } as unknown as MetadataStore;
}

describe('work that is due', () => {
  test('is done drive by drive, each until nothing is left there, over all pages', async () => {
    const left = new Map([3, 5, 8].map((id) => [id, id]));
    const order: number[] = [];
    await workOffDue(storeOf(3, 5, 8), { what: 'trash', before: 7 }, async (driveId) => {
      order.push(driveId);
      left.set(driveId, left.get(driveId)! - 1);
      return left.get(driveId)! > 0;
    });
    expect([...left.values()]).toEqual([0, 0, 0]);
    expect(order).toEqual([...Array(3).fill(3), ...Array(5).fill(5), ...Array(8).fill(8)]);
  });

  test('lets the event loop turn between the steps', async () => {
    let turns = 0;
    const ticking = setInterval(() => turns++, 0);
    const seen: number[] = [];
    await workOffDue(storeOf(1), { what: 'trash', before: 7 }, async () => {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const until = performance.now() + 3;
      while (performance.now() < until);
      return seen.push(turns) < 10;
    });
    clearInterval(ticking);
    expect(seen.at(-1)).toBeGreaterThan(seen[0]!);
  });

  test('ends when it is told to, between two steps', async () => {
    const abort = new AbortController();
    let steps = 0;
    const work = workOffDue(storeOf(1, 2, 3), { what: 'locks', before: 7, signal: abort.signal }, async () => {
      if (++steps === 2) abort.abort(new Error('ending'));
      return false;
    });
    await expect(work).rejects.toThrow('ending');
    expect(steps).toBe(2);
  });

  test('passes on what a step throws', async () => {
    const failing = workOffDue(storeOf(1), { what: 'uploads', before: 7 }, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
  });
});
