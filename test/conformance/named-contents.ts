import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlobIndex, NamedPosition } from '../../src/stores/blob-index.js';
import type { ContentRow } from '../../src/stores/metadata-store.js';
import type { BlobPlace, ContentKey } from '../../src/stores/values.js';
import { contentOf, insertFile, largeContentOf, NOW, type OpenEngine, World } from './metadata-fixture.js';

/** What the scrub and fsck ask of `BlobIndex`. */
export function namedContentsSuite(open: OpenEngine): void {
  describe('BlobIndex named contents', () => {
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
    const upload = (text: string) =>
      world.write((t) => insertFile(t, world.home, text, largeContentOf(text), world.drive.id));
    const record = (text: string) => world.leave(largeContentOf(text));

    it('setAside — takes bytes away that are damaged, and none that were stored in their place', async () => {
      const file = await world.file(world.home, 'small', 'rotten');
      await world.corrupt('UPDATE content SET bytes = ? WHERE id = ?', Buffer.from('r0tten'), idOf('rotten'));
      const damaged = (await index.named(null, 9))[0]!;
      expect(await index.setAside({ ...damaged, bytes: Buffer.from('other') }, NOW)).toBe(false);
      expect(await index.setAside(damaged, NOW)).toBe(true);
      expect(await index.setAside(damaged, NOW)).toBe(false);
      expect((await index.named(null, 9))[0]).toMatchObject({ id: idOf('rotten'), bytes: null });
      await world.leave(contentOf('rotten'));
      expect(Buffer.from((await world.read((view) => view.findContent(file)))!.bytes!).toString()).toBe('rotten');
      expect(await world.isThere(file.id)).toBe(true);
    });

    it('named — pages through what nodes name: blobs by id, then what is in the database as it came, with its bytes', async () => {
      for (const [name, text] of Object.entries({ a: 'x', b: 'x', c: 'y' })) await world.file(world.home, name, text);
      for (const text of ['large', 'larger']) await upload(text);
      await record('unnamed');
      const large = ['large', 'larger'].map(largeContentOf).sort((one, other) => (one.id < other.id ? -1 : 1));
      const expected = [...large, contentOf('x'), contentOf('x'), contentOf('y')];
      const all = await index.named(null, 9);
      expect(all).toMatchObject(expected);
      for (let taken = 0; taken <= all.length; taken++) {
        const after = all[taken - 1]?.position ?? null;
        expect(await index.named(after, 2)).toEqual(all.slice(taken, taken + 2));
      }
    });

    it('named — goes on behind any key, and behind the first digits of a hash', async () => {
      const file = await world.file(world.home, 'a', 'x');
      const moveTo = async (key: number) => {
        await world.corrupt('UPDATE node SET content_key = NULL WHERE id = ?', file.id);
        await world.corrupt('UPDATE content SET key = ? WHERE id = ?', key, file.blobId);
        await world.corrupt('UPDATE node SET content_key = ? WHERE id = ?', key, file.id);
      };
      const countBehind = async (position: string) => (await index.named(position as NamedPosition, 9)).length;
      for (const key of [4_096, 2 ** 40]) {
        await moveTo(key);
        const [content] = await index.named(null, 9);
        expect(content?.key).toBe(key);
        expect(await countBehind(`1${(key - 1).toString(16).padStart(15, '0')}`)).toBe(1);
        expect(await countBehind(content!.position)).toBe(0);
      }
      const large = largeContentOf('large');
      await upload('large');
      expect(await countBehind(`0${large.id.slice(0, 4)}`)).toBe(2);
      expect(await countBehind(`0${large.id}`)).toBe(1);
    });

    it('named — of all parts together, each content once: blobs by their hash, the others by blocks of keys', async () => {
      for (let number = 0; number < 6; number++) await upload(`large ${number}`);
      const keys = [1_023, 1_024, 255 * 1_024, 256 * 1_024, 257 * 1_024, 300_000];
      for (const key of keys) {
        const file = await world.file(world.home, `${key}`, `${key}`);
        const content = (await world.read((view) => view.findContent(file)))!;
        await world.corrupt('UPDATE node SET content_key = NULL WHERE id = ?', file.id);
        await world.corrupt('UPDATE content SET key = ? WHERE key = ?', key, content.key);
        await world.corrupt('UPDATE node SET content_key = ? WHERE id = ?', key, file.id);
      }
      const found: string[] = [];
      for (let part = 0; part < 256; part++) {
        const digits = part.toString(16).padStart(2, '0');
        let after: NamedPosition | null = null;
        for (let page = await index.named(after, 1, digits); page[0]; page = await index.named(after, 1, digits)) {
          after = page[0].position;
          found.push(page[0].id);
          if (page[0].bytes === null) expect(page[0].id.startsWith(digits)).toBe(true);
          else expect(Math.floor(page[0].key / 1_024) % 256).toBe(part);
        }
      }
      expect(found.sort()).toEqual((await index.named(null, 99)).map(({ id }) => id).sort());
      expect(found).toHaveLength(6 + keys.length);
    });

    it('find — a blob by its hash, and what was set aside, also when its bytes have come again', async () => {
      await upload('large');
      const file = await world.file(world.home, 'small', 'rotten');
      expect(await index.find(idOf('large'))).toMatchObject(largeContentOf('large'));
      expect(await index.find(idOf('rotten'))).toBeNull();
      await world.corrupt('UPDATE content SET bytes = ? WHERE id = ?', Buffer.from('r0tten'), file.blobId);
      const [damaged] = (await index.named(null, 9)).filter(({ bytes }) => bytes !== null);
      await index.setAside(damaged!, NOW);
      expect(await index.find(idOf('rotten'))).toMatchObject({ key: damaged!.key, bytes: null });
      await world.write((transaction) => transaction.mendContent(contentOf('rotten'), NOW, null));
      const found = await index.find(idOf('rotten'));
      expect([found?.key, Buffer.from(found!.bytes!).toString()]).toEqual([damaged!.key, 'rotten']);
    });

    it('mendContent — gives bytes to who lacks them, and records nothing where nobody does', async () => {
      await upload('large');
      const mend = (content: ContentRow) => world.write((transaction) => transaction.mendContent(content, NOW, null));
      expect(await mend(contentOf('nobody has this'))).toBe(false);
      expect(await mend(largeContentOf('nobody has this'))).toBe(false);
      expect(await mend({ ...largeContentOf('large'), place: 'elsewhere' as BlobPlace })).toBe(true);
      expect(await index.find(idOf('large'))).toMatchObject({ place: 'elsewhere' });
      expect(await mend(contentOf('large'))).toBe(true);
      expect(await mend(contentOf('large'))).toBe(false);
      expect((await world.dump()).content).toHaveLength(1);
    });

    it('setAside — where a content without its bytes is there already, that one has all the names, and is mended with it', async () => {
      const [one, other] = [await world.file(world.home, 'one', 'x'), await world.file(world.home, 'other', 'x')];
      await world.corrupt('UPDATE content SET bytes = ? WHERE id = ?', Buffer.from('y'), one.blobId);
      for (const damaged of await index.named(null, 9)) expect(await index.setAside(damaged, NOW)).toBe(true);
      expect(await index.named(null, 9)).toMatchObject([{ id: one.blobId, bytes: null }]);
      await index.condemn(9, NOW);
      await world.file(world.home, 'again', 'x');
      for (const file of [one, other]) {
        const content = await world.read((view) => view.findContent(file));
        expect(Buffer.from(content!.bytes!).toString()).toBe('x');
      }
    });

    it('paths — tells where the nodes are that name a content, up to the limit', async () => {
      const docs = await world.folder(world.home, 'docs');
      const file = await world.file(docs.id, 'a.txt', 'x');
      await world.file(world.home, 'other', 'y');
      await world.write((transaction) =>
        transaction.copyNode(
          file,
          { id: world.elsewhere.homeId, driveId: world.otherDrive.id },
          'b.txt',
          { isDeep: true },
          NOW,
        ),
      );
      const content = (await world.read((view) => view.findContent(file)))! as { key: ContentKey };
      const home = (await world.node(world.home)).name;
      const elsewhere = (await world.node(world.elsewhere.homeId)).name;
      expect((await index.paths(content, 9)).sort()).toEqual([
        `drive ${world.drive.id}: ${home}/docs/a.txt`,
        `drive ${world.otherDrive.id}: ${elsewhere}/b.txt`,
      ]);
      expect(await index.paths(content, 1)).toHaveLength(1);
      expect(await index.paths({ key: 999_999 as ContentKey }, 9)).toEqual([]);
    });
  });
}
