import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlobIndex, ContentPosition } from '../../src/stores/blob-index.js';
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
    const isKnown = async (text: string) => (await world.read((view) => view.findContent(idOf(text)))) !== null;
    const isMarked = async (text: string) =>
      (await world.write((transaction) => transaction.putContent(largeContentOf(text), NOW))) === 'condemned';
    const deleteBytes = async (place: BlobPlace) => stored.delete(place);
    const sweep = (condemnedBefore = LATER, after: BlobPlace | null = null, limit = 100) =>
      index.sweep({ condemnedBefore, after, limit, now: NOW }, deleteBytes);

    /** As an upload that ends without naming what it stored. */
    async function record(...texts: string[]): Promise<void> {
      for (const text of texts) {
        await world.write((transaction) => transaction.putContent(largeContentOf(text), NOW));
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
      await world.write((transaction) => transaction.putContent(contentOf('inline'), NOW));
      await record('a', 'b', 'c');
      const lasts: (ContentPosition | null)[] = [null];
      let marked = 0;
      for (let after: ContentPosition | null = null; ; ) {
        const page: Awaited<ReturnType<BlobIndex['condemn']>> = await index.condemn(after, 2, NOW);
        marked += page.marked;
        after = page.last;
        if (after === null) break;
        expect(lasts).not.toContain(after);
        lasts.push(after);
      }
      expect([marked, lasts.length]).toEqual([3, 3]);
      expect(await index.condemn(null, 9, NOW)).toEqual({ last: null, marked: 0 });
      for (const text of ['a', 'b', 'c']) expect(await isMarked(text)).toBe(true);
      for (const text of ['named', 'inline']) expect(await isMarked(text)).toBe(false);
    });

    it('condemn — leaves contents that a tree still names which waits to be freed', async () => {
      const file = await upload('doomed');
      await world.write((transaction) => transaction.detachNode(file, NOW));
      expect((await index.condemn(null, 9, NOW)).marked).toBe(0);
      while (await index.purge(10));
      expect((await index.condemn(null, 9, NOW)).marked).toBe(1);
    });

    it('condemnUnknown — marks what no content row knows and ignores the others', async () => {
      await upload('named');
      await record('unnamed');
      await world.write((transaction) => transaction.putContent(contentOf('in the database'), NOW));
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
      await world.write((transaction) => transaction.putContent(contentOf('in the database'), NOW));
      await upload('new');
      const newest = async (limit: number) => (await index.newest(limit)).map(placeOf);
      expect(await newest(9)).toEqual(['new', 'middle', 'marked', 'old'].map(placeIn));
      expect(await newest(1)).toEqual([placeIn('new')]);
      await index.condemn(null, 100, NOW);
      expect(await newest(9)).toEqual(['new', 'middle'].map(placeIn));
    });

    it('setAside — takes bytes away that are damaged, and none that were stored in their place', async () => {
      const file = await world.file(world.home, 'small', 'rotten');
      await world.corrupt('UPDATE content SET bytes = ? WHERE id = ?', Buffer.from('r0tten'), placeIn('rotten'));
      const damaged = (await index.named(null, 9))[0]!;
      expect(await index.setAside({ ...damaged, bytes: Buffer.from('other') }, NOW)).toBe(false);
      expect(await index.setAside(damaged, NOW)).toBe(true);
      expect(await index.setAside(damaged, NOW)).toBe(false);
      expect((await index.named(null, 9))[0]).toMatchObject({ id: idOf('rotten'), bytes: null });
      await world.write((transaction) => transaction.putContent(contentOf('rotten'), NOW));
      expect(Buffer.from((await index.named(null, 9))[0]!.bytes!).toString()).toBe('rotten');
      expect(await world.isThere(file.id)).toBe(true);
    });

    it('unknown — gives what no content row knows, marked or not', async () => {
      await upload('named');
      await record('unnamed');
      await world.write((transaction) => transaction.putContent(contentOf('in the database'), NOW));
      const ids = ['named', 'unnamed', 'stranger', 'in the database'].map(placeIn);
      const strangers = ['stranger', 'in the database'].map(placeIn).sort();
      expect([...(await index.unknown(ids))].sort()).toEqual(strangers);
      await index.condemnUnknown(ids, NOW);
      expect([...(await index.unknown(ids))].sort()).toEqual(strangers);
      expect(await index.unknown([])).toEqual([]);
    });

    it('sweep — forgets and deletes what is still unnamed', async () => {
      await record('a', 'b');
      await upload('named');
      await index.condemn(null, 9, NOW);
      expect(await sweep()).toMatchObject({ deleted: 2 });
      expect(stored).toEqual(new Set([placeIn('named')]));
      for (const text of ['a', 'b']) expect(await isKnown(text)).toBe(false);
    });

    it('sweep — deletes bytes of which no row knew', async () => {
      stored.add(placeIn('stranger'));
      await index.condemnUnknown([placeIn('stranger')], NOW);
      expect(await sweep()).toEqual({ last: placeIn('stranger'), deleted: 1 });
      expect(stored.size).toBe(0);
    });

    it('sweep — leaves what an upload or a copy named meanwhile', async () => {
      await record('again');
      await index.condemn(null, 9, NOW);
      await upload('again');
      expect(await sweep()).toEqual({ last: placeIn('again'), deleted: 0 });
      expect(stored).toEqual(new Set([placeIn('again')]));
      expect(await isKnown('again')).toBe(true);
    });

    it('sweep — leaves the bytes in the database of a content that lives there', async () => {
      await world.file(world.home, 'small', 'small');
      stored.add(placeIn('small'));
      await index.condemnUnknown([placeIn('small')], NOW);
      expect(await sweep()).toMatchObject({ deleted: 1 });
      expect((await world.read((view) => view.findContent(idOf('small'))))?.bytes).not.toBeNull();
    });

    it('sweep — counts those that had bytes', async () => {
      await record('gone already');
      stored.clear();
      await index.condemn(null, 9, NOW);
      expect(await sweep()).toEqual({ last: placeIn('gone already'), deleted: 0 });
      expect(await isKnown('gone already')).toBe(false);
    });

    it('sweep — leaves younger marks', async () => {
      await record('young');
      await index.condemn(null, 9, LATER + 1);
      expect(await sweep(LATER)).toEqual({ last: null, deleted: 0 });
      expect(await isKnown('young')).toBe(true);
    });

    it('sweep — pages through the marks, which stay', async () => {
      const texts = ['a', 'b', 'c', 'd', 'e'];
      await record(...texts);
      await index.condemn(null, 9, NOW);
      const lasts: (BlobPlace | null)[] = [];
      for (let after: BlobPlace | null = null; ; ) {
        ({ last: after } = await sweep(LATER, after, 2));
        lasts.push(after);
        if (after === null) break;
      }
      const sorted = texts.map(placeIn).sort();
      expect(lasts).toEqual([sorted[1], sorted[3], sorted[4], null]);
      expect(stored.size).toBe(0);
      for (const text of texts) expect(await isMarked(text)).toBe(true);
    });

    it('sweep — forgetting and deleting are one write: an upload comes before both or after both', async () => {
      await record('contested');
      await index.condemn(null, 9, NOW);
      const seen: string[] = [];
      let uploaded: Promise<unknown> = Promise.resolve();
      await index.sweep({ condemnedBefore: LATER, after: null, limit: 9, now: NOW }, async (place) => {
        seen.push('delete begins');
        uploaded = world.write(async (transaction) => {
          // As an upload does that meets the mark: it looks whether its bytes are still there.
          seen.push(await transaction.putContent(largeContentOf('contested'), NOW));
          seen.push(stored.has(place) ? 'bytes there' : 'bytes gone');
        });
        for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
        stored.delete(place);
        seen.push('delete ends');
        return true;
      });
      await uploaded;
      expect(seen).toEqual(['delete begins', 'delete ends', 'condemned', 'bytes gone']);
    });

    it('sweep — when the bytes can not be deleted nothing is forgotten, and the mark stays', async () => {
      await record('a');
      await index.condemn(null, 9, NOW);
      const failure = new Error('no such disk');
      const options = { condemnedBefore: LATER, after: null, limit: 9, now: NOW };
      await expect(index.sweep(options, () => Promise.reject(failure))).rejects.toBe(failure);
      expect(await isKnown('a')).toBe(true);
      expect(await sweep()).toMatchObject({ deleted: 1 });
    });

    it('an upload after the sweep records its content anew, is warned, and is safe from the next sweep', async () => {
      await record('again');
      await index.condemn(null, 9, NOW);
      await sweep();
      const status = await world.write(async (transaction) => {
        const answer = await transaction.putContent(largeContentOf('again'), LATER);
        const place = { driveId: world.drive.id, parentId: world.home, name: 'x', modified: 1, created: 1 };
        await transaction.insertNode({ ...place, content: largeContentOf('again') }, LATER);
        return answer;
      });
      stored.add(placeIn('again'));
      expect(status).toBe('condemned');
      await sweep();
      expect(stored.has(placeIn('again'))).toBe(true);
    });

    it('pardon — drops older marks and leaves younger ones', async () => {
      await record('old');
      await index.condemn(null, 9, NOW);
      await record('young');
      await index.condemn(null, 9, LATER + 10);
      for (let after = await index.pardon(LATER, null, 1); after; after = await index.pardon(LATER, after, 1));
      expect(await isMarked('old')).toBe(false);
      expect(await isMarked('young')).toBe(true);
    });

    it('faults B2 — forgetInline forgets contents in the database that no node names, a page of all contents at a time', async () => {
      await world.file(world.home, 'named', 'named');
      await record('large');
      await world.write(async (transaction) => {
        for (const text of ['a', 'b', 'c']) await transaction.putContent(contentOf(text), NOW);
      });
      let steps = 1;
      for (let after = await index.forgetInline(null, 2); after !== null; after = await index.forgetInline(after, 2))
        steps++;
      expect(steps).toBe(3);
      for (const text of ['a', 'b', 'c']) expect(await isKnown(text)).toBe(false);
      for (const text of ['named', 'large']) expect(await isKnown(text)).toBe(true);
    });

    it('named — pages by id through what nodes name, each once, with its bytes where they are here', async () => {
      for (const [name, text] of Object.entries({ a: 'x', b: 'x', c: 'y' })) await world.file(world.home, name, text);
      await upload('large');
      await record('unnamed');
      const contents = [contentOf('x'), contentOf('y'), largeContentOf('large')];
      const expected = contents.sort((one, other) => (one.id < other.id ? -1 : 1));
      expect(await index.named(null, 9)).toEqual(expected);
      expect(await index.named(null, 2)).toEqual(expected.slice(0, 2));
      expect(await index.named(expected[1]!.id, 2)).toEqual(expected.slice(2));
      expect(await index.named(expected[2]!.id, 2)).toEqual([]);
    });

    it('unnamed — gives those that no node names as bytes in a BlobStore', async () => {
      await upload('named');
      await record('recorded');
      await world.file(world.home, 'inline', 'inline');
      const ids = ['named', 'recorded', 'inline', 'stranger'].map(placeIn);
      expect(await index.unnamed(ids)).toEqual(['recorded', 'inline', 'stranger'].map(placeIn));
      expect(await index.unnamed([])).toEqual([]);
    });

    it('paths — tells where the nodes are that name a content, up to the limit', async () => {
      const docs = await world.folder(world.home, 'docs');
      await world.file(docs.id, 'a.txt', 'x');
      await world.file(world.elsewhere.homeId, 'b.txt', 'x');
      await world.file(world.home, 'other', 'y');
      const home = (await world.node(world.home)).name;
      const elsewhere = (await world.node(world.elsewhere.homeId)).name;
      expect((await index.paths(idOf('x'), 9)).sort()).toEqual([
        `drive ${world.drive.id}: ${home}/docs/a.txt`,
        `drive ${world.otherDrive.id}: ${elsewhere}/b.txt`,
      ]);
      expect(await index.paths(idOf('x'), 1)).toHaveLength(1);
      expect(await index.paths(idOf('nobody'), 9)).toEqual([]);
    });

    describe('hold', () => {
      const UNTIL = LATER + 1_000;
      const sweepAt = (now: number) => index.sweep({ condemnedBefore: LATER, after: null, limit: 9, now }, deleteBytes);

      beforeEach(async () => {
        await record('doomed');
        await index.condemn(null, 9, NOW);
      });

      it('keeps every sweep from removing bytes until its time is over', async () => {
        await index.pauseSweep(UNTIL, LATER);
        expect(await sweepAt(UNTIL)).toEqual({ last: null, deleted: 0 });
        expect(await isKnown('doomed')).toBe(true);
        expect(await sweepAt(UNTIL + 1)).toEqual({ last: placeIn('doomed'), deleted: 1 });
      });

      it('of several, the last to end counts', async () => {
        const [one, two] = [await index.pauseSweep(UNTIL, LATER), await index.pauseSweep(UNTIL, LATER)];
        expect(one).not.toBe(two);
        await index.endPause(one);
        expect((await sweepAt(LATER)).deleted).toBe(0);
        await index.endPause(two);
        expect((await sweepAt(LATER)).deleted).toBe(1);
      });

      it('can be extended while it lasts, and not after it ended', async () => {
        const hold = await index.pauseSweep(UNTIL, LATER);
        expect(await index.extendPause(hold, UNTIL + 500, UNTIL)).toBe(true);
        expect((await sweepAt(UNTIL + 500)).deleted).toBe(0);
        expect(await index.extendPause(hold, UNTIL + 900, UNTIL + 501)).toBe(false);
        const other = await index.pauseSweep(UNTIL, LATER);
        await index.endPause(other);
        expect(await index.extendPause(other, UNTIL, LATER)).toBe(false);
        expect((await sweepAt(UNTIL + 501)).deleted).toBe(1);
      });
    });
  });
}
