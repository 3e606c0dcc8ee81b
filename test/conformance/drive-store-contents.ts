import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placeOf } from '../../src/stores/blob-store.js';
import type { ContentRow } from '../../src/stores/metadata-store.js';
import type { BlobId, BlobPlace } from '../../src/stores/values.js';
import { contentOf, insertFile, LATER, largeContentOf, NOW, type OpenEngine, World } from './metadata-fixture.js';

const UNKNOWN = 'f'.repeat(64) as BlobId;

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
    const find = (id: BlobId) => world.read((view) => view.findContent(id));

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

    it('putContent — the same content is recorded once', async () => {
      const content = contentOf('same');
      expect(await put(content)).toBeNull();
      expect(await put(content)).toBeNull();
      expect((await world.dump()).content).toHaveLength(1);
      expect(await find(content.id)).toEqual(content);
    });

    it('putContent — fills in digests that come later, and leaves those that are known', async () => {
      const content = contentOf('digested');
      await put(content);
      await put({ ...content, sha1: '11' });
      expect(await find(content.id)).toEqual({ ...content, sha1: '11' });
      await put({ ...content, md5: '22' });
      await put(content);
      expect(await find(content.id)).toEqual({ ...content, sha1: '11', md5: '22' });
    });

    it('putContent — bytes that come for a content of the BlobStore are kept: those there may be gone', async () => {
      await put(largeContentOf('grown small'));
      await put(contentOf('grown small'));
      expect(await find(contentOf('grown small').id)).toEqual(contentOf('grown small'));
      await put(largeContentOf('grown small'));
      expect(await find(contentOf('grown small').id)).toEqual(contentOf('grown small'));
    });

    it('putContent — the newest place counts, and the collector comes for the one before', async () => {
      const content = largeContentOf('moved');
      const elsewhere = { ...content, place: 'elsewhere' as BlobPlace };
      const { blobIndex } = world.engine;
      await world.write((t) => insertFile(t, world.home, 'file', content, world.drive.id));
      expect(await put(elsewhere)).toBeNull();
      expect(await find(content.id)).toEqual(elsewhere);
      expect(await blobIndex.named(null, 9)).toEqual([elsewhere]);
      expect(await blobIndex.unnamed([placeOf(content), elsewhere.place])).toEqual([placeOf(content)]);
      expect(await blobIndex.unknown([placeOf(content), elsewhere.place])).toEqual([placeOf(content)]);
      const file = (await world.read((view) => view.resolveFile(world.home, ['file']))).content;
      expect(file).toEqual(elsewhere);
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
      await put({ ...contentOf('one'), sha1: '11' });
      await put({ ...contentOf('two'), sha1: '12', md5: '22' });
      await put(contentOf('none'));
      const ids = ['none', 'two', 'one'].map((text) => contentOf(text).id);
      expect(await world.read((view) => view.digests([...ids, UNKNOWN]))).toEqual(
        new Map([
          [contentOf('one').id, { sha1: '11' }],
          [contentOf('two').id, { sha1: '12', md5: '22' }],
        ]),
      );
      expect(await world.read((view) => view.digests([]))).toEqual(new Map());
    });
  });
}
