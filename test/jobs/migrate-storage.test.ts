import { createHash, randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openEngines, openMove } from '../../src/engines/open-engines.js';
import { SECRET_KEY } from '../../src/engines/storage-key.js';
import { type MoveReport, migrateStorage } from '../../src/jobs/migrate-storage.js';
import { StorageClaimedError, StorageFormatError } from '../../src/stores/storage-errors.js';
import { SourceChangedError } from '../../src/stores/storage-move.js';
import { emailOf } from '../support/make-server.js';
import { singleCalls } from '../support/single-calls.js';
import { addRareRows, LARGE, listed, type Place, Places, rowsOf, Used } from '../support/used-storage.js';

const places = new Places();

async function move(from: Place, to: Place, keepsSource = false): Promise<MoveReport> {
  const opened = await openMove(from, to, Date.now());
  try {
    return await migrateStorage(opened, { keepsSource, now: Date.now(), tell: () => {} });
  } finally {
    await opened.close();
  }
}

/** With somebody in it. */
async function withUser(place: Place): Promise<Place> {
  const engines = await openEngines(place, { mayMake: true });
  const user = { email: 'eve@example.org', name: '', passwordHash: '', isAdmin: true };
  await singleCalls(engines.metadata).accounts.createUser(user, 0);
  await engines.close();
  return place;
}

const keyOf = ({ storage }: Place) => path.join(storage, SECRET_KEY);

describe('a storage with everything in it goes to another engine', () => {
  it('to PostgreSQL and a bucket, and back to a folder: row by row, and to devices, it is the same', async () => {
    const used = await Used.make(await places.makeFolder());
    const { server } = used;
    const embedded = server.config as Place;
    const cluster = await places.makeCluster(embedded.storage);
    const folder = await places.makeFolderPlace(embedded.storage);
    const before = await listed(server.as('alice'));
    await server.restart(cluster, async () => {
      addRareRows(embedded);
      const content = await rowsOf(embedded);
      expect(Object.keys(content.rows).filter((name) => content.rows[name]!.length === 0)).toEqual([]);
      expect(await move(embedded, cluster)).toMatchObject({ problems: [], hasLeft: true });
      expect(await rowsOf(cluster)).toEqual(content);
    });
    await used.expectTheSame(before);
    await used.goOn('in-the-cluster');
    const then = await listed(server.as('alice'));
    await server.restart(folder, async () => {
      const content = await rowsOf(cluster);
      expect(await move(cluster, folder)).toMatchObject({ problems: [], hasLeft: true });
      expect(await rowsOf(folder)).toEqual(content);
    });
    expect(await listed(server.as('alice'))).toBe(then);
    await used.goOn('at-home-again');
  });

  it('to another folder', async () => {
    const used = await Used.make(await places.makeFolder());
    const { server } = used;
    const embedded = server.config as Place;
    const folder = await places.makeFolderPlace(embedded.storage);
    const before = await listed(server.as('alice'));
    await server.restart(folder, async () => {
      const content = await rowsOf(embedded);
      expect(await move(embedded, folder)).toMatchObject({ problems: [], hasLeft: true });
      expect(await rowsOf(folder)).toEqual(content);
    });
    await used.expectTheSame(before);
  });

  it('nothing of the target is served while it is filled; broken off after any page, it goes on from there', async () => {
    const used = await Used.make(await places.makeFolder());
    const { server } = used;
    const embedded = server.config as Place;
    const cluster = await places.makeCluster(embedded.storage);
    const before = await listed(server.as('alice'));
    await server.restart(cluster, async () => {
      const content = await rowsOf(embedded);
      const breakAt = async (turn: number): Promise<boolean> => {
        const opened = await openMove(embedded, cluster, Date.now());
        let turns = 0;
        const tell = () => {
          if (++turns === turn) throw new Error('the power goes');
        };
        try {
          const report = await migrateStorage(opened, { keepsSource: false, now: Date.now(), tell });
          expect(report).toMatchObject({ problems: [], hasLeft: true });
          return true;
        } catch (error) {
          expect((error as Error).message).toBe('the power goes');
          return false;
        } finally {
          await opened.close();
        }
      };
      let tries = 0;
      for (const turn of [1, 2, 3, 4, 6, 9, 12, 20, 40]) {
        if (await breakAt(turn)) break;
        tries++;
        await expect(openEngines(cluster)).rejects.toThrow(
          /is being filled from .*run the same "firn migrate-storage" again/,
        );
        await expect(openEngines(embedded).then((engines) => engines.close())).resolves.toBeUndefined();
      }
      expect(tries).toBeGreaterThan(5);
      expect(await rowsOf(cluster)).toEqual(content);
    });
    await used.expectTheSame(before);
  });
});

describe('a move that can not be whole is refused with a sentence', () => {
  it('while a server works on the source', async () => {
    const { server } = await Used.make(await places.makeFolder());
    const source = server.config as Place;
    const opening = openMove(source, await places.makeFolderPlace(source.storage), Date.now());
    await expect(opening).rejects.toThrow(StorageClaimedError);
  });

  it('while a server of a cluster works on the source; not once it has left', async () => {
    const { server } = await Used.make(await places.makeFolder());
    const embedded = server.config as Place;
    const cluster = await places.makeCluster(embedded.storage);
    await server.restart(cluster, async () => void (await move(embedded, cluster)));
    const elsewhere = { ...cluster, storage: await places.makeFolder(), secretKeyFile: keyOf(cluster) };
    const folder = await places.makeFolderPlace(embedded.storage);
    const opening = openMove(elsewhere, folder, Date.now());
    await expect(opening).rejects.toThrow(/The server \S+ works on PostgreSQL .*: stop it first/);
    await expect(opening).rejects.toThrow(StorageClaimedError);
    await server.restart(folder, async () => {
      expect(await move(elsewhere, folder)).toMatchObject({ hasLeft: true });
    });
  });

  it.each<[string, (source: Place, target: Place) => Promise<Place>, RegExp]>([
    ['the target has users', async (_source, target) => withUser(target), /The target is not empty \(.*\)/],
    ['both have one folder', async ({ storage }, target) => ({ ...target, storage }), /name the folder .* of its own/],
    [
      'the target has no secret key',
      async (_source, target) => {
        await rm(keyOf(target));
        return target;
      },
      /has no secret key: copy .*secret.key to .*secret.key/,
    ],
    [
      'the target has another secret key',
      async (_source, target) => {
        const key = `${randomBytes(32).toString('base64')}\n`;
        await writeFile(keyOf(target), key, { mode: 0o600 });
        return target;
      },
      /holds another key than .*could not be read there/,
    ],
  ])('where %s; the source can be served on', async (_what, change, message) => {
    const { server } = await Used.make(await places.makeFolder());
    const source = server.config as Place;
    const target = await change(source, await places.makeFolderPlace(source.storage));
    await server.restart({}, async () => {
      const opening = openMove(source, target, Date.now());
      await expect(opening).rejects.toThrow(message);
      await expect(opening).rejects.toThrow(StorageFormatError);
    });
    expect((await server.as('alice')('GET', '/new/old/deep/large')).status).toBe(200);
  });

  it('where the source was changed after the move began', async () => {
    const { server } = await Used.make(await places.makeFolder());
    const source = server.config as Place;
    const target = await places.makeFolderPlace(source.storage);
    await server.restart({}, async () => (await openMove(source, target, Date.now())).close());
    await server.as('alice')('PUT', '/late', { body: 'x' });
    await server.restart({}, async () => {
      await expect(openMove(source, target, Date.now())).rejects.toThrow(/has changed since its move began/);
    });
  });

  it('where somebody changes the source meanwhile, beside the claim', async () => {
    const { server } = await Used.make(await places.makeFolder());
    const source = server.config as Place;
    const target = await places.makeFolderPlace(source.storage);
    await server.restart({}, async () => {
      const opened = await openMove(source, target, Date.now());
      const beside = await openEngines(source);
      const { problems } = await migrateStorage(opened, { keepsSource: true, now: Date.now(), tell: () => {} });
      expect(problems).toEqual([]);
      const { id } = (await singleCalls(beside.metadata).accounts.findUser(emailOf('bob')))!;
      await singleCalls(beside.metadata).accounts.updateUser(id, { name: 'Robert' });
      const compare = async () => {
        for await (const rows of opened.compare()) expect(rows).toBeGreaterThan(0);
      };
      await expect(compare()).rejects.toThrow(/was changed while it was copied \(table app_user\)/);
      await expect(compare()).rejects.toThrow(SourceChangedError);
      await Promise.all([beside.close(), opened.close()]);
    });
  });
});

describe('what becomes of the source', () => {
  it('no server starts on it, and it is not moved again; where it is kept, it is a storage as before', async () => {
    const { server } = await Used.make(await places.makeFolder());
    const source = server.config as Place;
    const [copy, target] = [await places.makeFolderPlace(source.storage), await places.makeFolderPlace(source.storage)];
    await server.restart(target, async () => {
      expect(await move(source, copy, true)).toMatchObject({ problems: [], hasLeft: false });
      expect(await move(source, target)).toMatchObject({ problems: [], hasLeft: true });
      await expect(openEngines(source)).rejects.toThrow(
        `The storage was moved to ${target.storage} on ${new Date().toISOString().slice(0, 10)}: start Firn with that`,
      );
      await expect(openMove(source, await places.makeFolderPlace(source.storage), Date.now())).rejects.toThrow(
        /moved to .* already/,
      );
      await (await openEngines(copy)).close();
    });
    expect((await server.as('alice')('GET', '/new/old/deep/large')).status).toBe(200);
  });

  it('one with damage stays as it is, and the target has all else', async () => {
    const { server } = await Used.make(await places.makeFolder());
    const source = server.config as Place;
    const target = await places.makeFolderPlace(source.storage);
    await server.restart({}, async () => {
      const id = createHash('sha256').update(LARGE).digest('hex');
      await writeFile(path.join(source.storage, 'blobs', id.slice(0, 2), id), 'other bytes');
      const { problems, hasLeft } = await move(source, target);
      expect(problems).toEqual([
        expect.stringMatching(/has no bytes; it belongs to drive 123456: .*new\/old\/deep\/large/),
      ]);
      expect(hasLeft).toBe(false);
      for (const place of [source, target]) await (await openEngines(place)).close();
    });
    expect((await server.as('alice')('GET', '/empty')).status).toBe(200);
  });
});
