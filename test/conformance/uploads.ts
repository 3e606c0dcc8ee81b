import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placeOf } from '../../src/stores/blob-store.js';
import { NameTakenError } from '../../src/stores/metadata-store.js';
import type { PartRow, UploadKey, UploadRow } from '../../src/stores/uploads.js';
import type { NodeId, UploadId } from '../../src/stores/values.js';
import { contentOf, LATER, largeContentOf, NOW, type OpenEngine, World } from './metadata-fixture.js';

const EXPIRY = LATER + 1_000;
const ANYWHERE = { expiresAt: EXPIRY, expectedReceived: null };

/** The contracts of `UploadView` and `UploadTransaction`. */
export function uploadsSuite(open: OpenEngine): void {
  describe('Uploads', () => {
    let world: World;

    beforeEach(async () => {
      world = await World.open(open);
    });
    afterEach(async () => {
      expect(await world.problems()).toEqual([]);
      await world.engine.close();
    });

    const key = (name = 'up', change: Partial<UploadKey> = {}): UploadKey => ({
      driveId: world.drive.id,
      userId: world.anna.userId,
      scopeId: null,
      name,
      ...change,
    });
    const insert = (name?: string, change: Partial<UploadKey> = {}, expiresAt = EXPIRY): Promise<UploadRow> =>
      world.write((t) => t.uploads.insert({ ...key(name, change), size: 9, target: '{}', expiresAt }, NOW));
    const find = (name?: string, change: Partial<UploadKey> = {}) =>
      world.read((view) => view.uploads.find(key(name, change)));
    const partOf = (text: string, number: number, name = `${number}`): PartRow => {
      const { id, size } = contentOf(text);
      return { name, number, size, blobId: id, storedAt: LATER };
    };
    const put = (upload: UploadRow, part: PartRow, text: string, expiresAt = EXPIRY) =>
      world.write(async (transaction) => {
        await transaction.putContent(contentOf(text), NOW);
        await transaction.uploads.putPart(upload.id, part, { expiresAt, expectedReceived: null });
      });
    const add = (upload: UploadRow, text: string, number: number, name?: string) =>
      put(upload, partOf(text, number, name), text);
    const parts = (id: UploadId) => world.read((view) => view.uploads.parts(id));
    async function expectTrueCounters(name = 'up'): Promise<void> {
      const upload = (await find(name))!;
      const sizes = (await parts(upload.id)).map(({ size }) => size);
      expect([upload.parts, upload.received]).toEqual([sizes.length, sizes.reduce((sum, size) => sum + size, 0)]);
    }

    it('insert — gives the row that find finds by drive, user, scope and name', async () => {
      const made = await insert();
      expect(made).toEqual({
        ...key(),
        id: made.id,
        size: 9,
        target: '{}',
        received: 0,
        parts: 0,
        createdAt: NOW,
        expiresAt: EXPIRY,
        finishedAt: null,
        lease: null,
      });
      expect(await find()).toEqual(made);
      const scopeId = world.home as NodeId;
      const others = [{ driveId: world.otherDrive.id }, { userId: world.ben.userId }, { scopeId }, { name: 'Up' }];
      for (const other of others) expect(await find('up', other)).toBe(null);
      for (const other of others) expect((await insert('up', other)).id).not.toBe(made.id);
      expect(await find('up', { scopeId })).toMatchObject({ scopeId });
      expect(await find()).toEqual(made);
    });

    it('insert — throws NameTakenError, also for one that is finished or has expired', async () => {
      const made = await insert('up', {}, NOW - 1);
      await expect(insert()).rejects.toBeInstanceOf(NameTakenError);
      await world.write((transaction) => transaction.uploads.finish(made.id, NOW));
      await expect(insert()).rejects.toBeInstanceOf(NameTakenError);
    });

    it('setSize — remembers the size of the whole', async () => {
      const made = await insert();
      await world.write((transaction) => transaction.uploads.setSize(made.id, 1e11));
      expect(await find()).toEqual({ ...made, size: 1e11 });
    });

    it('parts — gives all of one upload by number, then name', async () => {
      const [made, other] = [await insert(), await insert('other')];
      await add(made, 'aaaa', 10);
      await add(made, 'bb', 9);
      await add(made, 'c', 10, '0010');
      await add(other, 'd', 1);
      expect(await parts(made.id)).toEqual([partOf('bb', 9), partOf('c', 10, '0010'), partOf('aaaa', 10)]);
      expect(await world.read((view) => view.uploads.findPart(made.id, '0010'))).toEqual(partOf('c', 10, '0010'));
      expect(await world.read((view) => view.uploads.findPart(made.id, '1'))).toBe(null);
      await expectTrueCounters();
    });

    it('putPart — replaces one of the same name, sets the expiry, keeps the counters true', async () => {
      const made = await insert();
      await add(made, 'aaaa', 1);
      await expectTrueCounters();
      await put(made, partOf('bb', 2, '1'), 'bb', EXPIRY + 5);
      expect(await parts(made.id)).toEqual([partOf('bb', 2, '1')]);
      expect(await find()).toMatchObject({ parts: 1, received: 2, expiresAt: EXPIRY + 5 });
    });

    it('putPart — refuses a content that is not recorded, and an upload that is not there', async () => {
      const made = await insert();
      await expect(
        world.write((transaction) => transaction.uploads.putPart(made.id, partOf('none', 0), ANYWHERE)),
      ).rejects.toThrow();
      await expect(add({ ...made, id: 999 as UploadId }, 'a', 0)).rejects.toThrow();
      expect(await find()).toEqual(made);
    });

    it('putPart — with an expected number of bytes: false, and nothing changed, where the upload has another', async () => {
      const made = await insert();
      const append = (text: string, expectedReceived: number, expiresAt = EXPIRY) =>
        world.write(async (transaction) => {
          const content = { ...partOf(text, expectedReceived), blobId: contentOf(text).id };
          await transaction.putContent(largeContentOf(text), NOW);
          return transaction.uploads.putPart(made.id, content, { expiresAt, expectedReceived });
        });
      expect(await append('aaaa', 1)).toBe(false);
      expect(await append('aaaa', 0)).toBe(true);
      const before = await find();
      expect(await append('bb', 0, EXPIRY + 5)).toBe(false);
      expect([await find(), await parts(made.id)]).toEqual([before, [partOf('aaaa', 0)]]);
      expect(await append('bb', 4)).toBe(true);
      expect(await parts(made.id)).toEqual([partOf('aaaa', 0), partOf('bb', 4)]);
      await expectTrueCounters();
    });

    it('putPart — of two appends at one offset one is kept, 50 times', async () => {
      const made = await insert();
      for (let round = 0; round < 50; round++) {
        const { received } = (await find())!;
        const refused = new Error('other bytes came first');
        const append = (text: string) => {
          const appending = world.write(async (transaction) => {
            await transaction.putContent(contentOf(text), NOW);
            const options = { expiresAt: EXPIRY, expectedReceived: received };
            if (!(await transaction.uploads.putPart(made.id, partOf(text, received), options))) throw refused;
            return true;
          });
          return appending.catch((error: unknown) => error !== refused && Promise.reject(error));
        };
        const kept = await Promise.all([append(`one ${round}`), append(`other ${round}`)]);
        expect(kept.filter(Boolean)).toHaveLength(1);
        expect((await parts(made.id)).at(-1)).toEqual(partOf(kept[0] ? `one ${round}` : `other ${round}`, received));
        await expectTrueCounters();
      }
    });

    it('keep — moves the expiry away, never nearer', async () => {
      const made = await insert();
      await world.write((transaction) => transaction.uploads.keep(made.id, EXPIRY - 1));
      expect(await find()).toEqual(made);
      await world.write((transaction) => transaction.uploads.keep(made.id, EXPIRY + 1));
      expect(await find()).toEqual({ ...made, expiresAt: EXPIRY + 1 });
    });

    it('setLease, endLease — one lease an upload, ended by who holds it, and by the finish', async () => {
      const [made, other] = [await insert(), await insert('other')];
      const lease = { holder: 'one', until: LATER };
      const end = (holder: string) => world.write((transaction) => transaction.uploads.endLease(made.id, holder));
      await world.write((transaction) => transaction.uploads.setLease(made.id, lease));
      expect([await find(), await find('other')]).toEqual([{ ...made, lease }, other]);
      await world.write((transaction) => transaction.uploads.setLease(made.id, { ...lease, holder: 'two' }));
      await end('one');
      expect((await find())!.lease).toEqual({ ...lease, holder: 'two' });
      await end('two');
      expect(await find()).toEqual(made);
      await world.write((transaction) => transaction.uploads.setLease(made.id, lease));
      await world.write((transaction) => transaction.uploads.finish(made.id, LATER));
      expect((await find())!.lease).toBe(null);
    });

    it('removePart — says whether there was one, and keeps the counters true', async () => {
      const made = await insert();
      await add(made, 'aaaa', 0);
      await add(made, 'bb', 1);
      const remove = (name: string) => world.write((transaction) => transaction.uploads.removePart(made.id, name));
      expect(await remove('0')).toBe(true);
      expect(await remove('0')).toBe(false);
      expect(await parts(made.id)).toEqual([partOf('bb', 1)]);
      await expectTrueCounters();
    });

    it('finish — removes the parts and leaves the row to tell of it', async () => {
      const made = await insert();
      await add(made, 'aaaa', 0);
      await world.write((transaction) => transaction.uploads.finish(made.id, LATER));
      expect(await parts(made.id)).toEqual([]);
      expect(await find()).toEqual({ ...made, finishedAt: LATER });
    });

    it('remove — takes the parts along', async () => {
      const [made, other] = [await insert(), await insert('other')];
      await add(made, 'a', 0);
      await add(other, 'b', 0);
      await world.write((transaction) => transaction.uploads.remove(made.id));
      expect(await find()).toBe(null);
      expect(await parts(made.id)).toEqual([]);
      await expectTrueCounters('other');
    });

    it('totals — of all that are neither finished nor expired, with the bytes of their parts', async () => {
      const totals = (now = NOW) => world.read((view) => view.uploads.totals(now));
      expect(await totals()).toEqual({ open: 0, bytes: 0 });
      const upload = await insert();
      await add(upload, 'four', 1);
      await insert('other', { driveId: world.otherDrive.id });
      const done = await insert('done');
      await world.write((transaction) => transaction.uploads.finish(done.id, NOW));
      expect(await totals()).toEqual({ open: 2, bytes: 4 });
      expect(await totals(EXPIRY)).toEqual({ open: 0, bytes: 0 });
    });

    it('countOpen — of one user on all drives, without the finished and the expired', async () => {
      const count = () => world.read((view) => view.uploads.countOpen(world.anna.userId, NOW));
      expect(await count()).toBe(0);
      const first = await insert('a');
      await insert('b', { driveId: world.otherDrive.id });
      await insert('c', { userId: world.ben.userId });
      await insert('d', {}, NOW);
      expect(await count()).toBe(2);
      await world.write((transaction) => transaction.uploads.finish(first.id, NOW));
      expect(await count()).toBe(1);
    });

    it('held — the bytes of all parts on a drive, and one member’s among them', async () => {
      const held = () => world.read((view) => view.uploads.held(world.drive.id, world.anna.userId));
      expect(await held()).toEqual({ driveBytes: 0, memberBytes: 0 });
      await add(await insert('a'), 'aaaa', 0);
      await add(await insert('b', { userId: world.ben.userId }), 'bb', 0);
      await add(await insert('c', { driveId: world.otherDrive.id }), 'cccccccc', 0);
      expect(await held()).toEqual({ driveBytes: 6, memberBytes: 4 });
    });

    it('removeExpired — what expired on a drive before that time, in steps, parts first', async () => {
      const old = await insert('old', {}, NOW - 2);
      await insert('young', {}, NOW);
      await insert('elsewhere', { driveId: world.otherDrive.id }, NOW - 1);
      for (let number = 0; number < 5; number++) await put(old, partOf('x', number), 'x', NOW - 2);
      const step = (limit: number) => world.write((t) => t.uploads.removeExpired(world.drive.id, NOW, limit));
      expect(await step(2)).toBe(true);
      await expectTrueCounters('old');
      expect((await find('old'))!.parts).toBe(3);
      expect(await step(100)).toBe(false);
      expect(await find('old')).toBe(null);
      expect(await parts(old.id)).toEqual([]);
      expect(await find('young')).not.toBe(null);
      expect(await find('elsewhere', { driveId: world.otherDrive.id })).not.toBe(null);
    });

    it('BlobIndex — a part names its content: no collector takes it, and it may when the part is gone', async () => {
      const made = await insert();
      const { blobIndex } = world.engine;
      const large = largeContentOf('large');
      await world.write(async (transaction) => {
        await transaction.putContent(large, NOW);
        await transaction.uploads.putPart(made.id, { ...partOf('large', 0), blobId: large.id }, ANYWHERE);
      });
      await add(made, 'inline', 1);
      expect(await blobIndex.nominate(null, 9)).toBe(null);
      expect(await blobIndex.condemn(9, NOW)).toBe(null);
      expect(await world.recorded(contentOf('inline').id)).not.toBe(null);
      expect(await blobIndex.unnamed([placeOf(large)])).toEqual([]);
      expect((await blobIndex.named(null, 9)).map(({ id }) => id).sort()).toEqual(
        [large.id, contentOf('inline').id].sort(),
      );
      await world.write((transaction) => transaction.uploads.finish(made.id, NOW));
      expect(await blobIndex.condemn(9, NOW)).toBe(1);
    });

    it('a transaction that fails leaves upload and parts as they were', async () => {
      const made = await insert();
      await add(made, 'a', 0);
      const before = await find();
      const failing = world.write(async (transaction) => {
        await transaction.uploads.finish(made.id, NOW);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await find()).toEqual(before);
      expect(await parts(made.id)).toHaveLength(1);
    });
  });
}
