import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placeOf } from '../../src/stores/blob-store.js';
import type { ContentRow } from '../../src/stores/metadata-store.js';
import type { BlobId, BlobPlace, Digests } from '../../src/stores/values.js';
import {
  contentOf,
  insertFile,
  LATER,
  largeContentOf,
  NOBODY,
  NOW,
  type OpenEngine,
  World,
} from './metadata-fixture.js';

const UNKNOWN = 'f'.repeat(64) as BlobId;

const PLACE = (world: World) => ({ driveId: world.drive.id, parentId: world.home });

/** Contents, as uploads record them. */
export function driveStoreContentsSuite(open: OpenEngine): void {
  describe('MetadataStore contents', () => {
    let world: World;

    beforeEach(async () => {
      world = await World.open(open);
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    const put = (content: ContentRow) => world.leave(content);
    const find = (id: BlobId) => world.recorded(id);

    it('putContent — is found as it was given, with bytes or without', async () => {
      const [small, large] = [{ ...contentOf('small'), md5: 'aa' }, largeContentOf('large')];
      expect(await put(small)).toBeNull();
      expect(await put(large)).toBeNull();
      expect(await find(small.id)).toEqual(small);
      expect(await find(large.id)).toEqual(large);
      expect(await find(UNKNOWN)).toBeNull();
    });

    it('putContent — keeps an empty content as bytes, not as none', async () => {
      const empty: ContentRow = { ...contentOf(''), bytes: Buffer.alloc(0) };
      await put(empty);
      expect((await find(empty.id))?.bytes).toEqual(Buffer.alloc(0));
    });

    it('putContent — keeps each byte value', async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
      await put({ ...contentOf('all bytes'), size: 256, bytes });
      expect((await find(contentOf('all bytes').id))?.bytes).toEqual(bytes);
    });

    it('putContent — the same content of a BlobStore is recorded once, one with its bytes each time', async () => {
      for (const [content, times] of [
        [largeContentOf('same'), 1],
        [contentOf('as same'), 2],
      ] as const) {
        expect(await put(content)).toBeNull();
        expect(await put(content)).toBeNull();
        const rows = (await world.dump()).content as string[];
        expect(rows.filter((row) => row.includes(content.id))).toHaveLength(times);
        expect(await find(content.id)).toEqual(content);
      }
    });

    it('putContent — each of several in one transaction is named by what it was recorded for', async () => {
      const texts = ['one', 'two', 'one', 'three'];
      const files = await world.write(async (transaction) => {
        for (const text of texts) await transaction.putContent(contentOf(text), NOW);
        return Promise.all(
          texts.map((text, index) =>
            transaction.insertNode(
              { ...PLACE(world), name: `${index}`, content: contentOf(text), modified: NOW, created: NOW },
              NOW,
            ),
          ),
        );
      });
      for (const [index, text] of texts.entries()) {
        const content = await world.read((view) => view.findContent(files[index]!));
        expect(Buffer.from(content!.bytes!).toString()).toBe(text);
      }
    });

    it('replaceContent — takes a content that was found: its row is named, and no other made', async () => {
      const [one, other] = [await world.file(world.home, 'one', 'small'), await world.file(world.home, 'other', 'x')];
      await world.write(async (transaction) => {
        const content = await transaction.findContent(one);
        await transaction.replaceContent(other, content!, NOW);
      });
      const found = await world.read((view) => view.resolveFile(world.home, ['other']));
      expect(found.content).toEqual(await world.read((view) => view.findContent(one)));
      expect(await world.engine.blobIndex.condemn(9, NOW)).toBe(0);
      expect((await world.dump()).content).toHaveLength(1);
    });

    it('replaceContent — by the same bytes leaves no row that nothing names and no collector comes for', async () => {
      const file = await world.file(world.home, 'one', 'small');
      await world.write(async (transaction) => {
        await transaction.putContent(contentOf('small'), NOW);
        await transaction.replaceContent(file, contentOf('small'), file.modified);
      });
      await world.engine.blobIndex.condemn(9, NOW);
      expect((await world.dump()).content).toHaveLength(1);
    });

    it('noteDigests — fills in those that come later, and leaves those that are known', async () => {
      const file = await world.file(world.home, 'file', 'digested');
      const note = (digests: Digests) =>
        world.write(async (transaction) => {
          await transaction.noteDigests((await transaction.findContent(file))!, digests);
        });
      await note({ sha1: '11' });
      await note({ sha1: '12', md5: '22' });
      await note({});
      expect(await find(file.blobId!)).toEqual({ ...contentOf('digested'), sha1: '11', md5: '22' });
    });

    it('putContent — fills in digests that come later, and leaves those that are known', async () => {
      const content = largeContentOf('digested');
      await put(content);
      await put({ ...content, sha1: '11' });
      expect(await find(content.id)).toEqual({ ...content, sha1: '11' });
      await put({ ...content, md5: '22' });
      await put(content);
      expect(await find(content.id)).toEqual({ ...content, sha1: '11', md5: '22' });
    });

    it('putContent — a content with its bytes and the same one of a BlobStore are two', async () => {
      const [small, large] = [contentOf('grown small'), largeContentOf('grown small')];
      const files = [large, small, large].map((content, index) =>
        world.write((t) => insertFile(t, world.home, `${index}`, content, world.drive.id)),
      );
      for (const [index, file] of (await Promise.all(files)).entries()) {
        const content = await world.read((view) => view.findContent(file));
        expect(content?.bytes ?? null).toEqual(index === 1 ? small.bytes : null);
      }
      expect((await world.dump()).content).toHaveLength(2);
    });

    it('putContent — the newest place counts, and the collector comes for the one before', async () => {
      const content = largeContentOf('moved');
      const elsewhere = { ...content, place: 'elsewhere' as BlobPlace };
      const { blobIndex } = world.engine;
      await world.write((t) => insertFile(t, world.home, 'file', content, world.drive.id));
      expect(await put(elsewhere)).toBeNull();
      expect(await find(content.id)).toEqual(elsewhere);
      expect(await blobIndex.named(null, 9)).toMatchObject([elsewhere]);
      expect(await blobIndex.unnamed([placeOf(content), elsewhere.place])).toEqual([placeOf(content)]);
      expect(await blobIndex.unknown([placeOf(content), elsewhere.place])).toEqual([placeOf(content)]);
      const file = (await world.read((view) => view.resolveFile(world.home, ['file']))).content;
      expect(file).toMatchObject(elsewhere);
      const doomed = await blobIndex.beginSweep({ condemnedBefore: LATER, limit: 9, now: LATER });
      expect(doomed?.places).toEqual([placeOf(content)]);
      expect(await find(content.id)).toEqual(elsewhere);
    });

    it('putContent — a mark alone is in nobody’s way, and a sweep not in that of bytes that come along', async () => {
      const [content, unknown] = [largeContentOf('doomed'), largeContentOf('left over')];
      const { blobIndex } = world.engine;
      await put(content);
      await blobIndex.condemn(10, NOW);
      await blobIndex.condemnUnknown([placeOf(unknown)], NOW);
      for (const one of [content, unknown, largeContentOf('other')]) expect(await put(one)).toBeNull();
      await blobIndex.beginSweep({ condemnedBefore: NOW, limit: 10, now: NOW });
      expect(await put(content)).not.toBeNull();
      expect(await put(contentOf('doomed'))).toBeNull();
    });

    it('digests — gives those known for the contents, and leaves out contents without any', async () => {
      const contents = [
        contentOf('none'),
        { ...contentOf('two'), sha1: '12', md5: '22' },
        { ...contentOf('one'), sha1: '11' },
      ];
      const files = contents.map((content, index) =>
        world.write((t) => insertFile(t, world.home, `${index}`, content, world.drive.id)),
      );
      const ids = (await Promise.all(files)).map(({ id }) => id);
      expect(await world.read((view) => view.digests([...ids, NOBODY]))).toEqual(
        new Map([
          [contentOf('one').id, { sha1: '11' }],
          [contentOf('two').id, { sha1: '12', md5: '22' }],
        ]),
      );
      expect(await world.read((view) => view.digests([]))).toEqual(new Map());
    });
  });
}
