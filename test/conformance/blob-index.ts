import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlobIndex, SweepId } from '../../src/stores/blob-index.js';
import { placeOf } from '../../src/stores/blob-store.js';
import type { NodeRow } from '../../src/stores/metadata-store.js';
import type { BlobPlace } from '../../src/stores/values.js';
import { contentOf, insertFile, LATER, largeContentOf, NOW, type OpenEngine, World } from './metadata-fixture.js';

/** The collector's protocol. */
export function blobIndexSuite(open: OpenEngine): void {
  describe('BlobIndex', () => {
    let world: World;
    let index: BlobIndex;
    /** Bytes that a BlobStore would have. */
    let stored: Set<BlobPlace>;

    beforeEach(async () => {
      world = await World.open(open);
      index = world.engine.blobIndex;
      stored = new Set();
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    const idOf = (text: string) => contentOf(text).id;
    const placeIn = (text: string) => placeOf(contentOf(text));
    const isKnown = async (text: string) => (await world.recorded(idOf(text))) !== null;
    const isMarked = async (text: string) => {
      const marks = (await world.dump()).condemned as string[];
      return marks.some((mark) => (JSON.parse(mark) as { place: string }).place === placeIn(text));
    };
    const put = (text: string, restoredAfter: SweepId | null = null) =>
      world.leave(largeContentOf(text), restoredAfter);
    const begin = (condemnedBefore = LATER, limit = 100, now = NOW) =>
      index.beginSweep({ condemnedBefore, limit, now });
    /** Whole sweeps, until nothing is left. Returns how many places had bytes. */
    async function sweep(condemnedBefore = LATER, limit = 100, now = NOW): Promise<number> {
      let deleted = 0;
      for (
        let doomed = await begin(condemnedBefore, limit, now);
        doomed;
        doomed = await begin(condemnedBefore, limit)
      ) {
        for (const place of doomed.places) if (stored.delete(place)) deleted++;
        if (doomed.sweep !== null) await index.endSweep(doomed.sweep, now);
      }
      return deleted;
    }

    /** As an upload that ends without naming what it stored. */
    async function record(...texts: string[]): Promise<void> {
      for (const text of texts) {
        await world.leave(largeContentOf(text));
        stored.add(placeIn(text));
      }
    }
    /** As a whole upload. */
    async function upload(text: string, name = text): Promise<NodeRow> {
      stored.add(placeIn(text));
      return world.write((t) => insertFile(t, world.home, name, largeContentOf(text), world.drive.id));
    }

    it('faults B2 — condemn marks contents of a BlobStore that no node names, a page at a time, none twice', async () => {
      await upload('named');
      await world.leave(contentOf('inline'));
      await record('a', 'b', 'c');
      const pages: number[] = [];
      for (let marked = await index.condemn(2, NOW); marked !== null; marked = await index.condemn(2, NOW))
        pages.push(marked);
      expect(pages).toEqual([1, 2]);
      for (const text of ['a', 'b', 'c']) expect(await isMarked(text)).toBe(true);
      for (const text of ['named', 'inline']) expect(await isMarked(text)).toBe(false);
      await record('a');
      expect(await index.condemn(9, NOW)).toBe(0);
    });

    it('condemn — leaves contents that a tree still names which waits to be freed', async () => {
      const file = await upload('doomed');
      await world.write((transaction) => transaction.detachNode(file, NOW));
      expect(await index.nominate(null, 9)).toBeNull();
      expect(await index.condemn(9, NOW)).toBeNull();
      while (await index.purge(10));
      expect(await index.condemn(9, NOW)).toBe(1);
    });

    it('condemnUnknown — marks what no content row knows and ignores the others', async () => {
      await upload('named');
      await record('unnamed');
      await world.leave(contentOf('in the database'));
      const ids = ['named', 'unnamed', 'stranger', 'in the database'].map(placeIn);
      // The bytes of a content that lives in the database are not needed in a BlobStore as well.
      expect(await index.condemnUnknown(ids, NOW)).toBe(2);
      expect(await index.condemnUnknown(ids, NOW)).toBe(0);
      expect(await isMarked('named')).toBe(false);
      expect(await isMarked('unnamed')).toBe(false);
      expect(await isMarked('stranger')).toBe(true);
      expect(await index.condemnUnknown([], NOW)).toBe(0);
    });

    it('newest — gives contents that a BlobStore has to have, the newest first, none that is marked', async () => {
      await record('old', 'marked');
      await upload('middle');
      await world.leave(contentOf('in the database'));
      await upload('new');
      const newest = async (limit: number) => (await index.newest(limit)).map(placeOf);
      expect(await newest(9)).toEqual(['new', 'middle', 'marked', 'old'].map(placeIn));
      expect(await newest(1)).toEqual([placeIn('new')]);
      await index.condemn(100, NOW);
      expect(await newest(9)).toEqual(['new', 'middle'].map(placeIn));
    });

    it('unknown — gives what no content row knows, marked or not', async () => {
      await upload('named');
      await record('unnamed');
      await world.leave(contentOf('in the database'));
      const ids = ['named', 'unnamed', 'stranger', 'in the database'].map(placeIn);
      const strangers = ['stranger', 'in the database'].map(placeIn).sort();
      expect([...(await index.unknown(ids))].sort()).toEqual(strangers);
      await index.condemnUnknown(ids, NOW);
      expect([...(await index.unknown(ids))].sort()).toEqual(strangers);
      expect(await index.unknown([])).toEqual([]);
    });

    it('beginSweep — forgets what is still unnamed, and says where its bytes are', async () => {
      await record('a', 'b');
      await upload('named');
      await index.condemn(9, NOW);
      const doomed = (await begin())!;
      expect([...doomed.places].sort()).toEqual(['a', 'b'].map(placeIn).sort());
      for (const text of ['a', 'b']) expect(await isKnown(text)).toBe(false);
      expect(await isKnown('named')).toBe(true);
      expect(await begin()).toBeNull();
    });

    it('beginSweep — takes places of which no row knew', async () => {
      await index.condemnUnknown([placeIn('stranger')], NOW);
      expect((await begin())?.places).toEqual([placeIn('stranger')]);
    });

    it('beginSweep — leaves what an upload or a copy named meanwhile, and drops its mark', async () => {
      await record('again');
      await index.condemn(9, NOW);
      await upload('again');
      expect(await begin()).toEqual({ sweep: null, places: [] });
      expect(await isKnown('again')).toBe(true);
      expect(await isMarked('again')).toBe(false);
      expect(await put('again')).toBeNull();
    });

    it('beginSweep — leaves the bytes in the database of a content that lives there', async () => {
      await world.file(world.home, 'small', 'small');
      await index.condemnUnknown([placeIn('small')], NOW);
      expect((await begin())?.places).toEqual([placeIn('small')]);
      expect((await world.recorded(idOf('small')))?.bytes).not.toBeNull();
    });

    it('beginSweep — leaves younger marks', async () => {
      await record('young');
      await index.condemn(9, LATER + 1);
      expect(await begin(LATER)).toBeNull();
      expect(await isKnown('young')).toBe(true);
      expect(await isMarked('young')).toBe(true);
    });

    it('beginSweep — takes no more than the limit, each mark once, also where most are named', async () => {
      const texts = ['a', 'b', 'c', 'd', 'e'];
      await record(...texts);
      await index.condemn(9, NOW);
      for (const text of ['b', 'd']) await upload(text);
      const found: BlobPlace[] = [];
      let pages = 0;
      for (let doomed = await begin(LATER, 2); doomed; doomed = await begin(LATER, 2)) {
        found.push(...doomed.places);
        pages++;
      }
      expect(pages).toBe(3);
      expect(found.sort()).toEqual(['a', 'c', 'e'].map(placeIn).sort());
    });

    it('putContent — records nothing at a place of a sweep that is under way', async () => {
      await record('contested');
      await index.condemn(9, NOW);
      const { sweep: id } = (await begin())!;
      expect(await put('contested')).toEqual({ id, isOver: false });
      expect(await put('contested', id)).toEqual({ id, isOver: false });
      expect(await isKnown('contested')).toBe(false);
      const elsewhere = { ...largeContentOf('contested'), place: 'elsewhere' as BlobPlace };
      expect(await world.leave(elsewhere)).toBeNull();
      await index.endSweep(id!, NOW);
      expect(await index.newest(9)).toMatchObject([{ place: 'elsewhere' }]);
    });

    it('putContent — after a sweep, records only what was put back after it', async () => {
      await record('again');
      await index.condemn(9, NOW);
      const first = (await begin())!.sweep!;
      await index.endSweep(first, NOW);
      expect(await put('again')).toEqual({ id: first, isOver: true });
      expect(await isKnown('again')).toBe(false);
      // Meanwhile another upload of the same bytes was put back, ended without a name, and was swept.
      expect(await put('again', first)).toBeNull();
      await index.condemn(9, NOW);
      const second = (await begin())!.sweep!;
      expect(second).not.toBe(first);
      await index.endSweep(second, NOW);
      expect(await put('again', first)).toEqual({ id: second, isOver: true });
      expect(await put('again', second)).toBeNull();
      await world.write((t) => insertFile(t, world.home, 'file', largeContentOf('again'), world.drive.id));
      expect(await sweep()).toBe(0);
      expect(await isKnown('again')).toBe(true);
    });

    it('putContent — a content that is recorded at the place has its bytes, whatever was swept there before', async () => {
      await record('again');
      await index.condemn(9, NOW);
      const id = (await begin())!.sweep!;
      await index.endSweep(id, NOW);
      expect(await put('again', id)).toBeNull();
      expect(await put('again')).toBeNull();
    });

    it('a place in a sweep is marked again only when that is over', async () => {
      await record('left over');
      await index.condemn(9, NOW);
      const id = (await begin())!.sweep!;
      expect(await index.condemnUnknown([placeIn('left over')], NOW)).toBe(0);
      await index.endSweep(id, NOW);
      expect(await index.condemnUnknown([placeIn('left over')], NOW)).toBe(1);
      expect((await begin())?.places).toEqual([placeIn('left over')]);
    });

    it('takeOverSweep — goes on with what has not ended and was begun long ago, one process at a time', async () => {
      await record('a', 'b');
      await index.condemn(9, NOW);
      const doomed = (await begin(LATER, 100, NOW))!;
      expect(await index.takeOverSweep({ begunBefore: NOW - 1, now: LATER })).toBeNull();
      expect(await index.takeOverSweep({ begunBefore: NOW, now: LATER })).toEqual({
        sweep: doomed.sweep,
        places: [...doomed.places].sort(),
      });
      expect(await index.takeOverSweep({ begunBefore: LATER - 1, now: LATER })).toBeNull();
      expect(await put('a')).toMatchObject({ isOver: false });
      await index.endSweep(doomed.sweep!, LATER);
      expect(await index.takeOverSweep({ begunBefore: LATER, now: LATER })).toBeNull();
      expect(await put('a')).toMatchObject({ isOver: true });
    });

    it('takeOverSweep — leaves a place where a content is after all', async () => {
      await record('a', 'b');
      await index.condemn(9, NOW);
      await begin();
      const values = [idOf('b'), 1, NOW];
      await world.corrupt('INSERT INTO content (id, size, stored_at) VALUES (?, ?, ?)', ...values);
      expect((await index.takeOverSweep({ begunBefore: NOW, now: LATER }))?.places).toEqual([placeIn('a')]);
      await index.nominate(null, 9);
    });

    it('pardon — forgets sweeps that ended before, and none that is under way', async () => {
      await record('old');
      await index.condemn(9, NOW);
      await sweep();
      await record('young');
      await index.condemn(9, NOW);
      await sweep(LATER, 100, LATER + 10);
      await record('pending');
      await index.condemn(9, NOW);
      await begin();
      for (let after = await index.pardon(LATER, null, 1); after; after = await index.pardon(LATER, after, 1));
      expect(await put('young')).toMatchObject({ isOver: true });
      expect(await put('pending')).toMatchObject({ isOver: false });
      expect(await put('old')).toBeNull();
    });

    it('faults B2 — condemn forgets contents in the database that no node names, a page of candidates at a time', async () => {
      await world.file(world.home, 'named', 'named');
      await record('large');
      for (const text of ['a', 'b', 'c']) await world.leave(contentOf(text));
      let steps = 0;
      while ((await index.condemn(2, NOW)) !== null) steps++;
      expect(steps).toBe(2);
      for (const text of ['a', 'b', 'c']) expect(await isKnown(text)).toBe(false);
      for (const text of ['named', 'large']) expect(await isKnown(text)).toBe(true);
    });

    it('unnamed — gives those that no node names as bytes in a BlobStore', async () => {
      await upload('named');
      await record('recorded');
      await world.file(world.home, 'inline', 'inline');
      const ids = ['named', 'recorded', 'inline', 'stranger'].map(placeIn);
      expect(await index.unnamed(ids)).toEqual(['recorded', 'inline', 'stranger'].map(placeIn));
      expect(await index.unnamed([])).toEqual([]);
    });

    describe('pauseSweep', () => {
      const UNTIL = LATER + 1_000;
      const sweepAt = (now: number) => sweep(LATER, 9, now);

      beforeEach(async () => {
        await record('doomed');
        await index.condemn(9, NOW);
      });

      it('keeps every sweep from being begun until its time is over', async () => {
        await index.pauseSweep(UNTIL, LATER);
        expect(await sweepAt(UNTIL)).toBe(0);
        expect(await isKnown('doomed')).toBe(true);
        expect((await begin(LATER, 9, UNTIL + 1))?.places).toEqual([placeIn('doomed')]);
      });

      it('and from being taken over', async () => {
        const doomed = await begin();
        await index.pauseSweep(UNTIL, LATER);
        expect(await index.takeOverSweep({ begunBefore: NOW, now: UNTIL })).toBeNull();
        expect(await index.takeOverSweep({ begunBefore: NOW, now: UNTIL + 1 })).toEqual(doomed);
      });

      it('of several, the last to end counts', async () => {
        const [one, two] = [await index.pauseSweep(UNTIL, LATER), await index.pauseSweep(UNTIL, LATER)];
        expect(one).not.toBe(two);
        await index.endPause(one);
        expect(await sweepAt(LATER)).toBe(0);
        await index.endPause(two);
        expect(await sweepAt(LATER)).toBe(1);
      });

      it('can be extended while it lasts, and not after it ended', async () => {
        const hold = await index.pauseSweep(UNTIL, LATER);
        expect(await index.extendPause(hold, UNTIL + 500, UNTIL)).toBe(true);
        expect(await sweepAt(UNTIL + 500)).toBe(0);
        expect(await index.extendPause(hold, UNTIL + 900, UNTIL + 501)).toBe(false);
        const other = await index.pauseSweep(UNTIL, LATER);
        await index.endPause(other);
        expect(await index.extendPause(other, UNTIL, LATER)).toBe(false);
        expect(await sweepAt(UNTIL + 501)).toBe(1);
      });
    });
  });
}
