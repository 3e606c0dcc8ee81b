import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChildPosition, NodeRow } from '../../src/stores/metadata-store.js';
import type { NodeId } from '../../src/stores/values.js';
import { contentOf, NOBODY, NOW, namesOf, type OpenEngine, World } from './metadata-fixture.js';

/** Ascending by their bytes in UTF-8. By UTF-16 units 😀 comes before Ａ, by a dictionary B after a. */
const IN_BYTE_ORDER = [' lead', '"', '10', '9', 'B', 'a', 'a b', 'aa', 'b', '~', 'ä', 'é', '日本', 'Ａ', '😀'];

/** Looking at the tree. */
export function driveStoreViewSuite(open: OpenEngine): void {
  describe('DriveView', () => {
    let world: World;

    beforeEach(async () => {
      world = await World.open(open);
    });
    afterEach(() => world.engine.close());

    const resolve = (anchor: NodeId, ...segments: string[]) => world.read((view) => view.resolve(anchor, segments));
    const resolveFile = (anchor: NodeId, ...segments: string[]) =>
      world.read((view) => view.resolveFile(anchor, segments));

    it('findNodes — gives those that exist, in the order asked for', async () => {
      const [a, b] = [await world.folder(world.home, 'a'), await world.file(world.home, 'b', 'text')];
      expect(await world.read((view) => view.findNodes([b.id, NOBODY, a.id]))).toEqual([b, a]);
      expect(await world.read((view) => view.findNodes([]))).toEqual([]);
    });

    it('totals — counts drives, everything on them, and the bytes', async () => {
      const totals = () => world.read((view) => view.totals());
      const before = await totals();
      expect(before).toMatchObject({ drives: 2, bytes: 0 });
      await world.grow(world.home, 'docs', { 'a.txt': 'four', sub: {} });
      await world.file(world.elsewhere.homeId, 'b.txt', 'three');
      expect(await totals()).toEqual({ drives: 2, nodes: before.nodes + 4, bytes: 9 });
    });

    it('resolve — gives the anchor first, then each node found', async () => {
      await world.grow(world.home, 'docs', { sub: { 'a.txt': 'a' } });
      const chain = await resolve(world.home, 'docs', 'sub', 'a.txt');
      expect(chain[0]).toEqual(await world.node(world.home));
      expect(namesOf(chain.slice(1))).toEqual(['docs', 'sub', 'a.txt']);
      expect(chain.slice(1).map(({ parentId }) => parentId)).toEqual(chain.slice(0, 3).map(({ id }) => id));
      expect(await resolve(world.home)).toEqual([await world.node(world.home)]);
    });

    it('resolve — goes as far as the path exists, and is empty when the anchor is gone', async () => {
      await world.grow(world.home, 'docs', { 'a.txt': 'a' });
      expect(namesOf((await resolve(world.home, 'docs', 'no', 'a.txt')).slice(1))).toEqual(['docs']);
      expect(namesOf((await resolve(world.home, 'docs', 'a.txt', 'b')).slice(1))).toEqual(['docs', 'a.txt']);
      expect(await resolve(NOBODY, 'docs')).toEqual([]);
      expect(await resolve(NOBODY)).toEqual([]);
    });

    it('resolve — takes names byte by byte: case, digits, quotes and spaces are themselves', async () => {
      for (const name of [...IN_BYTE_ORDER, '{"a":1}', '[0]', 'null', '%', '_', "it's", '\\', '\u0001']) {
        const node = await world.folder(world.home, name);
        expect((await resolve(world.home, name))[1]?.id).toBe(node.id);
      }
      for (const name of ['A', 'b ', 'Ä', 'a\u0308', '1', '09'])
        expect(await resolve(world.home, name)).toHaveLength(1);
    });

    it('resolve — walks a path of a thousand segments', async () => {
      const segments = ['down'];
      const top = await world.folder(world.home, 'down');
      // Each copy below the last folder makes the path twice as long.
      for (let bottom = top; segments.length < 1_000; segments.push(...segments)) {
        const parent = { id: bottom.id, driveId: world.drive.id };
        await world.write((transaction) => transaction.copyNode(top, parent, 'down', { isDeep: true }, NOW));
        bottom = (await resolve(world.home, ...segments, ...segments)).at(-1)!;
      }
      expect(await resolve(world.home, ...segments)).toHaveLength(1_025);
    });

    it('resolveFile — gives the content where the whole path exists and is a file, else null', async () => {
      await world.grow(world.home, 'docs', { 'a.txt': 'text of a', sub: {} });
      const whole = await resolveFile(world.home, 'docs', 'a.txt');
      expect(whole.content).toMatchObject(contentOf('text of a'));
      expect(whole.chain).toEqual(await resolve(world.home, 'docs', 'a.txt'));
      expect((await resolveFile(world.home, 'docs', 'sub')).content).toBeNull();
      expect((await resolveFile(world.home, 'docs')).content).toBeNull();
      for (const segments of [
        ['docs', 'no'],
        ['docs', 'a.txt', 'below'],
      ]) {
        const part = await resolveFile(world.home, ...segments);
        expect(part).toEqual({ chain: await resolve(world.home, ...segments), content: null });
      }
      expect(await resolveFile(NOBODY, 'docs')).toEqual({ chain: [], content: null });
    });

    it('resolveFile — the anchor itself may be the file', async () => {
      const file = await world.file(world.home, 'a.txt', 'text of a');
      expect(await resolveFile(file.id)).toMatchObject({ chain: [file], content: contentOf('text of a') });
    });

    it('ancestors — gives the parent first and the root of the drive last', async () => {
      await world.grow(world.home, 'docs', { sub: { 'a.txt': 'a' } });
      const file = await world.at('docs/sub/a.txt');
      const above = await world.read((view) => view.ancestors(file.id));
      expect(namesOf(above).slice(0, 2)).toEqual(['sub', 'docs']);
      expect(above.slice(2).map(({ id }) => id)).toEqual([world.home, world.drive.rootId]);
      expect(await world.read((view) => view.ancestors(world.drive.rootId))).toEqual([]);
      expect(await world.read((view) => view.ancestors(NOBODY))).toEqual([]);
    });

    describe('children', () => {
      const page = (parents: readonly NodeId[], after: ChildPosition | null, limit: number) =>
        world.read((view) => view.children(parents, after, limit));
      const positionOf = ({ parentId, name }: NodeRow): ChildPosition => ({ parentId: parentId!, name });

      /** Page after page, as a listing goes. */
      async function all(parents: readonly NodeId[], limit: number): Promise<NodeRow[]> {
        const rows: NodeRow[] = [];
        for (;;) {
          const last = rows.at(-1);
          const next = await page(parents, last ? positionOf(last) : null, limit);
          expect(next.length).toBeLessThanOrEqual(limit);
          rows.push(...next);
          if (next.length < limit) return rows;
        }
      }

      it('come in byte order of their names', async () => {
        const { id } = await world.folder(world.home, 'docs');
        for (const name of [...IN_BYTE_ORDER].reverse()) await world.folder(id, name);
        expect(namesOf(await page([id], null, 100))).toEqual(IN_BYTE_ORDER);
        expect(namesOf(await page([id, NOBODY], null, 100))).toEqual(IN_BYTE_ORDER);
      });

      it.each([1, 2, 5, 15, 16, 100])('pages of %d hold each child once, in order', async (limit) => {
        const { id } = await world.folder(world.home, 'docs');
        for (const name of IN_BYTE_ORDER) await world.folder(id, name);
        expect(namesOf(await all([id], limit))).toEqual(IN_BYTE_ORDER);
      });

      it.each([1, 2, 3, 4, 7, 100])('of several parents, in pages of %d: by parent, then name', async (limit) => {
        const tree = { b: '1', a: { inner: '2' }, ä: '3' };
        const [one, two, empty] = [
          await world.grow(world.home, 'one', tree),
          await world.grow(world.home, 'two', tree),
          await world.folder(world.home, 'empty'),
        ];
        const rows = await all([two.id, empty.id, one.id], limit);
        expect(rows.map(({ parentId, name }) => [parentId, name])).toEqual(
          [one.id, two.id].flatMap((id) => ['a', 'b', 'ä'].map((name) => [id, name])),
        );
      });

      it('come after the position, also where its parent is not among those asked for', async () => {
        const [low, middle, high] = [
          await world.grow(world.home, 'low', { a: '', b: '' }),
          await world.grow(world.home, 'middle', { a: '', b: '' }),
          await world.grow(world.home, 'high', { a: '', b: '' }),
        ];
        const after = { parentId: middle.id, name: 'a' };
        expect((await page([low.id, high.id], after, 9)).map(({ parentId }) => parentId)).toEqual([high.id, high.id]);
        expect(namesOf(await page([middle.id], after, 9))).toEqual(['b']);
        expect(namesOf(await page([high.id], after, 9))).toEqual(['a', 'b']);
        expect(await page([low.id], after, 9)).toEqual([]);
      });

      it('come whole: every column is there', async () => {
        const file = await world.file(world.home, 'a.txt', 'text');
        expect(await page([world.home], null, 9)).toEqual([file]);
        expect(await page([world.home, world.anna.binId], null, 9)).toEqual([file]);
        expect(await page([], null, 9)).toEqual([]);
        expect(await page([file.id], null, 9)).toEqual([]);
      });
    });

    it('takenNames — gives those of the names that the parent has, byte by byte', async () => {
      const docs = await world.grow(world.home, 'docs', { a: '', 'a (2)': {}, ä: '' });
      const taken = await world.read((view) => view.takenNames(docs.id, ['a', 'A', 'a (2)', 'a (3)', 'ä', 'docs']));
      expect(taken).toEqual(new Set(['a', 'a (2)', 'ä']));
      expect(await world.read((view) => view.takenNames(docs.id, []))).toEqual(new Set());
    });
  });
}
