import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlobIndex } from '../../src/stores/blob-index.js';
import type { ContentRow, NodeRow } from '../../src/stores/metadata-store.js';
import type { UploadId } from '../../src/stores/values.js';
import { contentOf, insertFile, LATER, largeContentOf, NOW, type OpenEngine, World } from './metadata-fixture.js';

const WISH = { expiresAt: LATER, expectedReceived: null };

/** The list that the collector works off: which contents come to it, and what becomes of them. */
export function contentCandidatesSuite(open: OpenEngine): void {
  describe('BlobIndex candidates', () => {
    let world: World;
    let index: BlobIndex;

    beforeEach(async () => {
      world = await World.open(open);
      index = world.engine.blobIndex;
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    const idOf = (text: string) => contentOf(text).id;
    const upload = (text: string, name = text) =>
      world.write((t) => insertFile(t, world.home, name, largeContentOf(text), world.drive.id));
    /** The contents that a collector will look at, as texts of one letter or word. */
    const candidates = async () => {
      const { content, content_candidate: listed } = (await world.dump()) as Record<string, string[]>;
      const ids = new Map(
        content!.map((row) => [(JSON.parse(row) as { key: number }).key, JSON.parse(row).id as string]),
      );
      const texts = ['named', 'marked', 'a', 'b', 'c', 'd'];
      const found = listed!.map((row) => ids.get((JSON.parse(row) as { content_key: number }).content_key)!);
      return found.map((id) => texts.find((text) => idOf(text) === id) ?? id);
    };

    it('condemn — looks at no content that nothing un-named, and at one that is still named once', async () => {
      await upload('named');
      const again = await upload('named', 'again');
      expect(await index.condemn(9, NOW)).toBeNull();
      await world.write((transaction) => transaction.detachNode(again, NOW));
      expect(await candidates()).toEqual([]);
      while (await index.purge(10));
      expect(await candidates()).toEqual(['named']);
      expect(await index.condemn(9, NOW)).toBe(0);
      expect(await index.condemn(9, NOW)).toBeNull();
      expect((await world.dump()).condemned).toEqual([]);
    });

    const replace = (file: NodeRow, content: ContentRow) =>
      world.write(async (transaction) => {
        await transaction.putContent(content, NOW);
        await transaction.replaceContent(file, content, NOW);
      });
    const unnaming: Record<string, () => Promise<unknown>> = {
      'other content of a file': async () => replace(await upload('x'), contentOf('other')),
      'a tree that is freed': async () => {
        const docs = await world.grow(world.home, 'docs', { sub: { a: 'x', b: 'y' } });
        await world.write((transaction) => transaction.detachNode(docs, NOW));
        while (await index.purge(1));
      },
      'a copy that is abandoned': async () => {
        const file = await upload('x');
        const copy = await world.write((t) => t.stagedCopies.begin(file, world.drive.id, LATER));
        await replace(file, contentOf('other'));
        await world.write((t) => t.stagedCopies.abandon(copy));
        expect(await index.condemn(9, NOW)).toBe(0);
        while (await index.purge(1));
      },
      'a part that gets other bytes': async () => {
        const id = await beginUpload('x');
        await putPart(id, '0', 'other');
      },
      'a part that is removed': async () => {
        const id = await beginUpload('x', 'other');
        await world.write((t) => t.uploads.removePart(id, '0'));
      },
      'an upload that is finished': async () => {
        const id = await beginUpload('x', 'y');
        await world.write((t) => t.uploads.finish(id, NOW));
      },
      'an upload that expires': async () => {
        await beginUpload('x', 'y', 'z');
        while (await world.write((t) => t.uploads.removeExpired(world.drive.id, LATER + 1, 2)));
      },
    };
    const putPart = (id: UploadId, name: string, text: string) =>
      world.write(async (t) => {
        const content = largeContentOf(text);
        await t.putContent(content, NOW);
        await t.uploads.putPart(id, { name, number: 0, size: content.size, blobId: content.id, storedAt: NOW }, WISH);
      });
    async function beginUpload(...texts: string[]): Promise<UploadId> {
      const key = { driveId: world.drive.id, userId: world.anna.userId, scopeId: null, name: 'up' };
      const { id } = await world.write((t) =>
        t.uploads.insert({ ...key, size: null, target: null, expiresAt: LATER }, NOW),
      );
      for (const [name, text] of texts.entries()) await putPart(id, `${name}`, text);
      return id;
    }
    const unnamed = async () => {
      const rows = (await world.dump()).content as string[];
      const contents = rows.map((row) => JSON.parse(row) as { key: number; id: string });
      const named = (await index.named(null, 99)).map(({ id }) => id as string);
      return contents.filter(({ id }) => !named.includes(id)).map(({ key }) => key);
    };
    it.each(Object.keys(unnaming))('%s makes what it un-names a candidate', async (name) => {
      await unnaming[name]!();
      const left = await unnamed();
      expect(left.length).toBeGreaterThan(0);
      const keys = (await world.dump()).content_candidate!.map(
        (row) => (JSON.parse(row as string) as { content_key: number }).content_key,
      );
      expect(keys).toEqual(expect.arrayContaining(left));
      while ((await index.condemn(2, NOW)) !== null);
      expect(await world.problems()).toEqual([]);
      await index.beginSweep({ condemnedBefore: NOW, limit: 100, now: NOW });
      expect(await unnamed()).toEqual([]);
    });

    it('what rolls back makes no candidate', async () => {
      const file = await upload('x');
      const failing = world.write(async (transaction) => {
        await transaction.putContent(contentOf('other'), NOW);
        await transaction.replaceContent(file, contentOf('other'), NOW);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await index.condemn(9, NOW)).toBeNull();
    });

    it('nominate — finds what was left out, a page of all contents at a time, and nothing else', async () => {
      await upload('named');
      await world.leave(largeContentOf('marked'));
      expect(await index.condemn(9, NOW)).toBe(1);
      for (const text of ['a', 'b', 'c']) await world.leave(contentOf(text));
      await world.leave(largeContentOf('d'));
      await world.corrupt('DELETE FROM content_candidate');
      expect(await world.problems()).toEqual(Array(4).fill('unnamed-content'));
      let pages = 1;
      for (let after = await index.nominate(null, 2); after !== null; after = await index.nominate(after, 2)) pages++;
      expect(pages).toBe(4);
      expect(await world.problems()).toEqual([]);
      expect((await candidates()).sort()).toEqual(['a', 'b', 'c', 'd']);
      expect(await index.nominate(null, 99)).toBeNull();
      expect(await index.condemn(9, NOW)).toBe(1);
      expect((await world.dump()).content).toHaveLength(3);
    });

    it('fsck --repair finds it, too', async () => {
      await world.leave(contentOf('a'));
      await world.corrupt('DELETE FROM content_candidate');
      expect(await world.problems(true)).toEqual(['unnamed-content']);
      expect(await world.problems()).toEqual([]);
      expect(await candidates()).toEqual(['a']);
    });
  });
}
