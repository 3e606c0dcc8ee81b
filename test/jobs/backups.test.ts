import { mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderBackupPlace } from '../../src/engines/disk/folder-backup-place.js';
import { copyDatabase, openCopy } from '../../src/engines/sqlite/sqlite-copy.js';
import { beginCopy } from '../../src/engines/storage-copy.js';
import { restore } from '../../src/jobs/backup.js';
import { Backups, openForRestore } from '../../src/jobs/backups.js';
import { collectGarbage } from '../../src/jobs/gc.js';
import { expired } from '../../src/jobs/make-backup.js';
import type { BackupPlace } from '../../src/stores/backup-place.js';
import type { NodeRow } from '../../src/stores/metadata-store.js';
import { StorageFormatError } from '../../src/stores/storage-errors.js';
import { idOf, openMetadata, Storage } from './storage-fixture.js';

const DAY = 24 * 3_600_000;

/** A place whose key may not delete. */
class WriteOnlyPlace extends FolderBackupPlace {
  override delete(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

describe('PRODUCT V8 — backups by themselves', () => {
  let storage: Storage;
  let outside: string;
  let folder: string;
  let now = Date.now();

  beforeEach(async () => {
    storage = await Storage.make();
    outside = await mkdtemp(join(tmpdir(), 'firn-backups-'));
    folder = join(outside, 'backups here');
    now = Date.now();
  });
  afterEach(async () => {
    await storage.remove();
    await rm(outside, { recursive: true });
  });

  const backupsTo = (
    change: { place?: BackupPlace; keep?: number; keyMark?: string | null; keyCopy?: string | null; id?: string } = {},
  ) => {
    const { keyMark = 'the key', keyCopy = null, id = 'a storage' } = change;
    const { blobs, blobIndex } = storage;
    return new Backups({
      ...{ blobs, blobIndex, openCopy },
      openPlace: async () => change.place ?? new FolderBackupPlace(folder),
      copyTo: (file) => copyDatabase(join(storage.folder, 'firn.db'), file),
      markOfSecretKey: async () => keyMark,
      storageId: async () => id,
      workFolder: join(storage.folder, 'incoming'),
      keep: change.keep ?? 2,
      markOfKeyCopy: async () => keyCopy,
      now: () => now++,
    });
  };
  const collect = () => {
    const { blobs, blobIndex } = storage;
    return collectGarbage({ blobs, blobIndex, now: Date.now, graceSeconds: 0 });
  };
  const restoreTo = async (target: string, name: string | null = null) => {
    const work = await mkdtemp(join(outside, 'work-'));
    const opened = await openForRestore(new FolderBackupPlace(folder), name, join(work, 'firn.db'));
    return restore(opened.blobs, () => beginCopy(work, target), Date.now());
  };
  const namesIn = async (target: string) => {
    const metadata = openMetadata(join(target, 'firn.db'));
    const rows = await metadata.database.readOne((connection) =>
      connection.all<{ name: string }>('SELECT name FROM node WHERE is_collection = 0 ORDER BY name', []),
    );
    await metadata.close();
    return rows.map(({ name }) => name);
  };
  const blobsThere = async () => {
    const names: string[] = [];
    for await (const { name } of new FolderBackupPlace(folder).list('blobs/')) names.push(name.slice(-64));
    return names;
  };

  it('a backup has everything, the next one copies what is new, and each is restored as of then', async () => {
    await storage.upload('a');
    await storage.world.file(storage.world.home, 'small', 'in the database');
    const first = await backupsTo().make();
    expect(first).toMatchObject({ copied: 1, copiedBytes: 1, contents: 2, problemCount: 0, expired: [] });
    await storage.upload('b');
    expect(await backupsTo().make()).toMatchObject({ copied: 1, contents: 3 });
    expect((await backupsTo().list()).map(({ record }) => record?.counts.contents)).toEqual([2, 3]);
    expect(await readdir(join(storage.folder, 'incoming'))).toEqual([]);
    const [then, newest] = [join(outside, 'then'), join(outside, 'newest')];
    expect(await restoreTo(then, first.name)).toMatchObject({ copied: 1, problems: [] });
    expect(await namesIn(then)).toEqual(['a', 'small']);
    await restoreTo(newest);
    expect(await namesIn(newest)).toEqual(['a', 'b', 'small']);
    expect(await readFile(storage.pathOf('b', newest), 'utf8')).toBe('b');
  });

  it('what is deleted and collected while it runs is in it all the same', async () => {
    const files: NodeRow[] = [];
    for (let number = 0; number < 20; number++) files.push(await storage.upload(`blob ${number}`));
    class Meddled extends FolderBackupPlace {
      override async put(...parameters: Parameters<FolderBackupPlace['put']>) {
        if (parameters[0].startsWith('blobs/')) {
          for (const file of files.splice(0)) await storage.destroy(file);
          expect(await collect()).toMatchObject({ deleted: 0 });
        }
        return super.put(...parameters);
      }
    }
    expect(await backupsTo({ place: new Meddled(folder) }).make()).toMatchObject({ copied: 20, problemCount: 0 });
    expect(await collect()).toMatchObject({ deleted: 20 });
    expect(await backupsTo().rehearse()).toMatchObject({ problems: [] });
  });

  it('past A5 — one damaged and one missing file are told by name; the rest is there, and it isn’t called whole', async () => {
    for (const name of ['well', 'rotten', 'lost']) await storage.upload(name);
    await writeFile(storage.pathOf('rotten'), 'RotteN');
    await unlink(storage.pathOf('lost'));
    const report = await backupsTo().make();
    expect(report).toMatchObject({ copied: 1, problemCount: 2 });
    const told = report.problems.join('\n');
    expect(told).toMatch(/is damaged; it belongs to drive \d+: .*rotten/);
    expect(told).toMatch(/has no bytes; it belongs to drive \d+: .*lost/);
    expect(await blobsThere()).toEqual([idOf('well')]);
    expect(await backupsTo().rehearse()).toMatchObject({ problemCount: expect.any(Number) });
    expect((await backupsTo().rehearse()).problemCount).toBeGreaterThanOrEqual(2);
  });

  it('past A5 — one missing byte of the backup turns the rehearsal red, with names', async () => {
    await storage.upload('long enough');
    const { name } = await backupsTo().make();
    expect(await backupsTo().rehearse()).toMatchObject({ name, problems: [], counts: { contents: 1 } });
    await truncate(join(folder, 'blobs', idOf('long enough').slice(0, 2), idOf('long enough')), 10);
    const red = await backupsTo().rehearse();
    expect(red.problems).toEqual([
      expect.stringMatching(/has 10 bytes instead of 11; it belongs to drive \d+: .*long enough/),
    ]);
    // The next backup brings it again.
    expect(await backupsTo().make()).toMatchObject({ copied: 1 });
    expect(await backupsTo().rehearse()).toMatchObject({ problems: [] });
    const last = join(folder, 'backups', (await backupsTo().list()).at(-1)!.name);
    await truncate(join(last, 'contents'), 0);
    expect((await backupsTo().rehearse()).problems).toEqual([
      expect.stringMatching(/^the list of the backup .* is missing or damaged$/),
    ]);
    await truncate(join(last, 'firn.db'), 5_000);
    expect((await backupsTo().rehearse()).problems).toEqual([
      expect.stringMatching(/^the database of the backup .* is damaged$/),
    ]);
    await rm(folder, { recursive: true });
    expect((await backupsTo().rehearse()).problems).toEqual([expect.stringContaining('there is no backup in')]);
  });

  it('past F7 — old backups go when newer ones are whole, with the bytes that they alone name', async () => {
    const old = await storage.upload('old');
    const first = await backupsTo().make();
    await storage.destroy(old);
    await collect();
    await storage.upload('new');
    expect(await backupsTo().make()).toMatchObject({ expired: [] });
    expect((await blobsThere()).sort()).toEqual([idOf('old'), idOf('new')].sort());
    expect(await backupsTo().make()).toMatchObject({ expired: [first.name] });
    expect(await blobsThere()).toEqual([idOf('new')]);
    expect((await backupsTo().list()).length).toBe(2);
    expect(await backupsTo().rehearse()).toMatchObject({ problems: [] });
  });

  it('past F7 — where newer ones lack something the older ones stay', async () => {
    await storage.upload('fine');
    const whole = await backupsTo({ keep: 1 }).make();
    await storage.upload('lost');
    await unlink(storage.pathOf('lost'));
    for (let number = 0; number < 4; number++) {
      expect(await backupsTo({ keep: 1 }).make()).toMatchObject({ problemCount: 1 });
    }
    const names = (await backupsTo().list()).map(({ name }) => name);
    expect(names[0]).toBe(whole.name);
    expect(names.length).toBe(2);
    await storage.upload('again', 'lost');
    expect(await backupsTo({ keep: 1 }).make()).toMatchObject({ problemCount: 0 });
    expect((await backupsTo().list()).length).toBe(1);
  });

  it('past F7 — one that was broken off goes after two days, and proves nothing', () => {
    const at = (days: number) => new Date(now - days * DAY).toISOString().replace(/[:.]/g, '-');
    const found = (days: number, problemCount: number | null) =>
      ({ name: at(days), names: [], record: problemCount === null ? null : { problemCount } }) as never;
    const all = [found(9, 0), found(5, null), found(4, 0), found(1, null)];
    expect(expired(all, 5, now)).toEqual([all[1]]);
    expect(expired(all, 1, now)).toEqual([all[0], all[1]]);
    expect(expired([found(9, null), found(8, 3)], 1, now)).toEqual([]);
  });

  it('past F10 — works with a key that can’t delete: it says so, and nothing is lost', async () => {
    await storage.upload('a');
    for (let number = 0; number < 3; number++) {
      const report = await backupsTo({ place: new WriteOnlyPlace(folder), keep: 1 }).make();
      expect(report).toMatchObject({ problemCount: 0, expired: [], mayDelete: number === 0 });
    }
    expect((await backupsTo().list()).length).toBe(3);
    expect(await backupsTo().rehearse()).toMatchObject({ problems: [] });
  });

  it('past F8 — a rehearsal has the backup and the copy of the key, and nothing else', async () => {
    await storage.upload('a');
    await backupsTo().make();
    expect(await backupsTo().rehearse()).toMatchObject({ problems: [] });
    const { world } = storage;
    await world.write((transaction) => transaction.security.putPendingTotp(world.anna.userId, 'sealed', 1));
    await backupsTo().make();
    expect((await backupsTo().rehearse()).problems).toEqual([
      expect.stringMatching(/^1 secrets in the backup .* need secret\.key/),
    ]);
    expect((await backupsTo({ keyCopy: 'another' }).rehearse()).problems).toEqual([
      expect.stringContaining('is not of the key'),
    ]);
    // The storage itself isn't asked.
    await rm(join(storage.folder, 'blobs'), { recursive: true });
    expect((await backupsTo({ keyCopy: 'the key' }).rehearse()).problems).toEqual([]);
  });

  it('a rehearsal that is broken off tells nothing of the backup, and leaves nothing', async () => {
    for (let number = 0; number < 9; number++) await storage.upload(`blob ${number}`);
    await backupsTo().make();
    const abort = new AbortController();
    class Ending extends FolderBackupPlace {
      override open(name: string) {
        if (name.startsWith('blobs/')) abort.abort(new Error('the server ends'));
        return super.open(name);
      }
    }
    const rehearsal = backupsTo({ place: new Ending(folder) }).rehearse(null, abort.signal);
    await expect(rehearsal).rejects.toThrow('the server ends');
    expect(await readdir(join(storage.folder, 'incoming'))).toEqual([]);
  });

  it('past F9 — a place with another storage’s backups is refused', async () => {
    await backupsTo().make();
    await expect(backupsTo({ id: 'another' }).make()).rejects.toThrow(StorageFormatError);
    expect((await backupsTo().list()).length).toBe(1);
  });

  it('a backup that breaks off leaves those before it whole, and is none', async () => {
    await storage.upload('a');
    await backupsTo().make();
    await storage.upload('b');
    class Full extends FolderBackupPlace {
      override put(...parameters: Parameters<FolderBackupPlace['put']>) {
        if (parameters[0].startsWith('blobs/')) return Promise.reject(new Error('no such disk'));
        return super.put(...parameters);
      }
    }
    await expect(backupsTo({ place: new Full(folder) }).make()).rejects.toThrow('no such disk');
    expect((await backupsTo().list()).map(({ record }) => record !== null)).toEqual([true, false]);
    expect(await backupsTo().rehearse()).toMatchObject({ problems: [], counts: { contents: 1 } });
    expect(await backupsTo().make()).toMatchObject({ copied: 1, problemCount: 0 });
    expect(await readdir(join(storage.folder, 'incoming'))).toEqual([]);
  });

  it('it has the right bytes of what is damaged, large and small', async () => {
    await storage.upload('large');
    await storage.world.file(storage.world.home, 'small', 'in the database');
    await backupsTo().make();
    const read = (id: string) =>
      backupsTo().asSource(async (source) => {
        const bytes = await source.open({ id: id as never, size: 1, place: null });
        if (!bytes) return null;
        const chunks: Uint8Array[] = [];
        for await (const chunk of bytes) chunks.push(chunk);
        return Buffer.concat(chunks).toString();
      });
    expect(await read(idOf('large'))).toBe('large');
    expect(await read(idOf('in the database'))).toBe('in the database');
    expect(await read(idOf('never stored'))).toBeNull();
  });
});
