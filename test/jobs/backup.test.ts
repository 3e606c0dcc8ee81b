import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimStorage } from '../../src/engines/sqlite/storage-claim.js';
import { beginCopy, openBackup } from '../../src/engines/storage-copy.js';
import { openStorage } from '../../src/engines/storage-format.js';
import { backup, restore } from '../../src/jobs/backup.js';
import { collectGarbage } from '../../src/jobs/gc.js';
import type { NodeRow } from '../../src/stores/metadata-store.js';
import type { StorageCopy } from '../../src/stores/storage-copy.js';
import { StorageClaimedError, StorageFormatError } from '../../src/stores/storage-errors.js';
import { NOW } from '../conformance/metadata-fixture.js';
import { openToOthers } from '../support/file-modes.js';
import { idOf, openMetadata, Storage } from './storage-fixture.js';

/** Everything that a storage holds, without the names of its files: rows, and blobs by their real hash. */
async function contentOf(folder: string, names = ['node', 'content', 'trash', 'drive']) {
  const metadata = openMetadata(join(folder, 'firn.db'));
  const rows = await metadata.database.read(async (connection) => {
    const found: Record<string, unknown[]> = {};
    for (const name of names) found[name] = await connection.all(`SELECT * FROM ${name}`, []);
    return found;
  });
  await metadata.close();
  const blobs: string[] = [];
  for (const prefix of await readdir(join(folder, 'blobs'))) {
    for (const name of await readdir(join(folder, 'blobs', prefix))) {
      const hash = createHash('sha256').update(await readFile(join(folder, 'blobs', prefix, name)));
      expect(hash.digest('hex')).toBe(name);
      blobs.push(name);
    }
  }
  return { rows, blobs: blobs.sort() };
}

async function revisionOf(folder: string): Promise<number> {
  const metadata = openMetadata(join(folder, 'firn.db'));
  const [row] = await metadata.database.readOne((connection) =>
    connection.all<{ value: number }>('SELECT value FROM revision', []),
  );
  await metadata.close();
  return row!.value;
}

describe('backup and restore', () => {
  let storage: Storage;
  let outside: string;
  let target: string;

  beforeEach(async () => {
    storage = await Storage.make();
    outside = await mkdtemp(join(tmpdir(), 'firn-backup-'));
    target = join(outside, 'backup');
  });
  afterEach(async () => {
    await storage.remove();
    await rm(outside, { recursive: true });
  });

  const backUp = (change: { beginCopy?: () => Promise<StorageCopy>; now?: () => number } = {}) => {
    const { blobs, blobIndex, folder } = storage;
    return backup({ blobs, blobIndex, now: Date.now, beginCopy: () => beginCopy(folder, target), ...change });
  };
  const restoreTo = async (folder: string, now = Date.now()) =>
    restore(await openBackup(target), () => beginCopy(target, folder), now);
  const collect = () => {
    const { blobs, blobIndex } = storage;
    return collectGarbage({ blobs, blobIndex, now: Date.now, graceSeconds: 0 });
  };

  it('a backup holds everything, and what is restored from it too', async () => {
    await storage.upload('a');
    await storage.upload('b');
    await storage.upload('the same again', 'b');
    await storage.world.file(storage.world.home, 'small', 'in the database');
    const report = await backUp();
    expect(report).toEqual({ copied: 2, skipped: 0, bytes: 2, problems: [] });
    const restored = join(outside, 'restored');
    expect(await restoreTo(restored)).toEqual({ copied: 2, skipped: 0, bytes: 2, problems: [] });
    expect(await openStorage(restored, false)).toBe('whole');
    const original = await contentOf(storage.folder);
    expect(await contentOf(target)).toEqual(original);
    const { rows, blobs } = await contentOf(restored);
    // Folders have other ETags.
    type Node = { is_collection: number; revision: number };
    const nodes = (rows.node as Node[]).map((row, index) => {
      const { revision } = original.rows.node![index] as Node;
      expect(row.revision === revision).toBe(row.is_collection === 0);
      return { ...row, revision };
    });
    expect({ rows: { ...rows, node: nodes }, blobs }).toEqual(original);
  });

  it('both are whole storage folders: format, one database file, nothing in incoming/', async () => {
    await storage.upload('a');
    await backUp();
    expect((await readdir(target)).sort()).toEqual(['FORMAT', 'blobs', 'firn.db', 'incoming', 'server.lock']);
    expect(await readFile(join(target, 'FORMAT'), 'utf8')).toBe('1\n');
    expect(await readdir(join(target, 'incoming'))).toEqual([]);
    expect((await stat(target)).mode & 0o777).toBe(0o700);
  });

  it('another backup copies only what is new, and is as of then', async () => {
    const old = await storage.upload('old');
    await backUp();
    await storage.destroy(old);
    await collect();
    await storage.upload('new');
    await storage.upload('newer');
    expect(await backUp()).toMatchObject({ copied: 2, skipped: 0, problems: [] });
    expect((await contentOf(target)).rows).toEqual((await contentOf(storage.folder)).rows);
    expect(await backUp()).toMatchObject({ copied: 0, skipped: 2 });
  });

  it('storage/README invariant 5 — a copy has each blob where its hash says, and knows nothing of sweeps', async () => {
    const { blobIndex } = storage;
    await storage.destroy(await storage.upload('x'));
    while (await blobIndex.purge(9));
    await blobIndex.condemn(9, NOW);
    await blobIndex.beginSweep({ condemnedBefore: NOW, limit: 9, now: NOW });
    await storage.upload('again', 'x');
    expect((await blobIndex.named(null, 9)).map(({ place }) => place)).not.toEqual([null]);
    await backUp();
    const { rows, blobs } = await contentOf(target, ['content', 'condemned', 'sweep', 'swept']);
    expect(blobs).toEqual([idOf('x')]);
    expect(rows).toMatchObject({ content: [{ id: idOf('x'), place: null }], condemned: [], sweep: [], swept: [] });
  });

  it('a copy, which has no marks, has what was marked looked at again', async () => {
    const { blobIndex } = storage;
    await storage.destroy(await storage.upload('gone'));
    while (await blobIndex.purge(9));
    expect(await blobIndex.condemn(9, NOW)).toBe(1);
    await backUp();
    const { rows } = await contentOf(target, ['content', 'condemned', 'content_candidate']);
    expect(rows).toMatchObject({ content: [{ id: idOf('gone') }], condemned: [] });
    const [content] = rows.content as { key: number }[];
    expect(rows.content_candidate).toEqual([{ content_key: content!.key }]);
  });

  it('copies a blob again whose copy has another size', async () => {
    await storage.upload('a', 'long enough');
    await backUp();
    await truncate(storage.pathOf('long enough', target), 3);
    expect(await backUp()).toMatchObject({ copied: 1, skipped: 0 });
    await contentOf(target);
  });

  it('PITFALLS — after a restore no revision comes again that was given out after the backup', async () => {
    await storage.upload('a');
    await backUp();
    const restored = join(outside, 'restored');
    await storage.upload('b');
    const given = await revisionOf(storage.folder);
    await restoreTo(restored);
    expect(await revisionOf(restored)).toBeGreaterThan(given + 900_000_000);
    expect(await revisionOf(target)).toBeLessThan(given);
  });

  it('PRODUCT V9 — a restoration ends all sessions, which may have been ended since, and is in the audit log', async () => {
    const { anna } = storage.world;
    await storage.world.corrupt(
      `INSERT INTO session (key, user_id, password_version, stage, created_at, proved_at, seen_at, expires_at, address, client)
       VALUES ('key', ?, 1, 'full', 1, 1, 1, 9000000000000, '', '')`,
      anna.userId,
    );
    await backUp();
    const restored = join(outside, 'restored');
    await restoreTo(restored, NOW);
    const database = new Database(join(restored, 'firn.db'), { readonly: true });
    expect(database.prepare('SELECT count(*) FROM session').pluck().get()).toBe(0);
    expect(database.prepare('SELECT kind, at FROM audit').all()).toEqual([{ kind: 'storage-restored', at: NOW }]);
    database.close();
  });

  it('PITFALLS — restored once more, it begins after all that the first restored server can have given out', async () => {
    await storage.upload('a');
    await backUp();
    const [first, second] = [join(outside, 'first'), join(outside, 'second')];
    const now = Date.UTC(2026, 5);
    await restoreTo(first, now);
    await restoreTo(second, now + 60_000);
    expect(await revisionOf(second)).toBe((await revisionOf(first)) + 600_000);
  });

  it('storage/README invariant 5 — what is deleted and collected while a backup runs is in the backup all the same', async () => {
    const files: NodeRow[] = [];
    for (let number = 0; number < 20; number++) files.push(await storage.upload(`blob ${number}`));
    const report = await backUp({
      beginCopy: async () => {
        const copy = await beginCopy(storage.folder, target);
        for (const file of files) await storage.destroy(file);
        expect(await collect()).toMatchObject({ deleted: 0 });
        return copy;
      },
    });
    expect(report).toMatchObject({ copied: 20, problems: [] });
    expect(await collect()).toMatchObject({ deleted: 20 });
  });

  it('storage/README invariant 5 — a backup that stood still beyond its hold is no backup', async () => {
    await storage.upload('a');
    await backUp();
    const before = await contentOf(target);
    await storage.upload('b');
    let late = 0;
    const stalled = backUp({
      now: () => Date.now() + late,
      beginCopy: async () => {
        const copy = await beginCopy(storage.folder, target);
        late = 20 * 60_000;
        return copy;
      },
    });
    await expect(stalled).rejects.toThrow('run it again');
    expect((await contentOf(target)).rows).toEqual(before.rows);
  });

  it('lets the collector work again, however it ends', async () => {
    await storage.destroy(await storage.upload('a'));
    const failing = () => Promise.reject(new Error('no such disk'));
    await expect(backUp({ beginCopy: failing })).rejects.toThrow('no such disk');
    expect(await collect()).toMatchObject({ deleted: 1 });
  });

  it('a backup that breaks off leaves the one before it as it was', async () => {
    await storage.upload('a');
    await backUp();
    const before = await contentOf(target);
    await storage.upload('b');
    const breaking = async () => {
      const copy = await beginCopy(storage.folder, target);
      return { ...copy, blobIndex: { named: () => Promise.reject(new Error('broken off')) } };
    };
    await expect(backUp({ beginCopy: breaking })).rejects.toThrow('broken off');
    expect(await contentOf(target)).toEqual(before);
    expect(await readdir(join(target, 'incoming'))).toEqual([]);
    expect(await backUp()).toMatchObject({ copied: 1, skipped: 1 });
  });

  it('a first backup or a restore that breaks off is no storage, nor a backup', async () => {
    await storage.upload('a');
    await (await beginCopy(storage.folder, target)).abandon();
    await expect(openStorage(target, true)).rejects.toThrow('did not finish');
    await expect(openBackup(target)).rejects.toThrow(StorageFormatError);
    await backUp();
    expect(await openStorage(target, false)).toBe('whole');
  });

  it('names missing and damaged blobs, copies all others, and keeps earlier copies of them', async () => {
    for (const text of ['lost', 'damaged', 'kept before']) await storage.upload(text);
    await storage.upload('whole');
    await unlink(storage.pathOf('lost'));
    await writeFile(storage.pathOf('damaged'), 'dAmaged');
    const report = await backUp();
    expect(report).toMatchObject({ copied: 2 });
    expect([...report.problems].sort()).toEqual(
      [`the blob ${idOf('lost')} is missing`, `the blob ${idOf('damaged')} is damaged`].sort(),
    );
    await unlink(storage.pathOf('kept before'));
    expect(await backUp()).toMatchObject({ copied: 0, skipped: 2 });
    expect((await contentOf(target)).blobs).toEqual([idOf('whole'), idOf('kept before')].sort());
  });

  it('restore checks every byte', async () => {
    await storage.upload('a', 'content');
    await backUp();
    await writeFile(storage.pathOf('content', target), 'cOntent');
    const report = await restoreTo(join(outside, 'restored'));
    expect(report).toMatchObject({ copied: 0, problems: [`the blob ${idOf('content')} is damaged`] });
  });

  it('a full target is an error, not a list of missing blobs', async () => {
    await storage.upload('a');
    const full = async () => {
      const copy = await beginCopy(storage.folder, target);
      await rm(join(target, 'incoming'), { recursive: true });
      return { ...copy, abandon: async () => {} };
    };
    await expect(backUp({ beginCopy: full })).rejects.toThrow('ENOENT');
  });

  it('refuses the storage itself, a folder that a server uses, and one of another format', async () => {
    await expect(beginCopy(storage.folder, storage.folder)).rejects.toThrow('is the storage itself');
    await openStorage(target, true);
    const release = claimStorage(target);
    await expect(beginCopy(storage.folder, target)).rejects.toThrow(StorageClaimedError);
    release();
    await writeFile(join(target, 'FORMAT'), '7');
    await expect(beginCopy(storage.folder, target)).rejects.toThrow('has format "7"');
    await expect(openBackup(join(outside, 'nothing'))).rejects.toThrow('is no backup');
  });

  it('faults E5 — a backup of a newer Firn is refused before anything is made in the target', async () => {
    await storage.upload('a');
    await backUp();
    const newer = new Database(join(target, 'firn.db'));
    newer.prepare("INSERT INTO migration VALUES ('9999-later', 'x', 0)").run();
    newer.close();
    const restored = join(outside, 'restored');
    await expect(restoreTo(restored)).rejects.toThrow('holds migration 9999-later, which this Firn does not know');
    await expect(readdir(restored)).rejects.toThrow('ENOENT');
    expect((await readdir(target)).sort()).toEqual(['FORMAT', 'blobs', 'firn.db', 'incoming', 'server.lock']);
  });

  it.each(['missing', 'empty'])('faults A2 — a backup whose database is %s is none', async (what) => {
    await storage.upload('a');
    await backUp();
    await (what === 'empty' ? truncate(join(target, 'firn.db')) : rm(join(target, 'firn.db')));
    await expect(restoreTo(join(outside, 'restored'))).rejects.toThrow(`firn.db, is ${what}: nothing was touched`);
    await expect(readdir(join(outside, 'restored'))).rejects.toThrow('ENOENT');
  });

  it('security Low — what a backup writes is for its owner alone, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      await storage.upload('a');
      await backUp();
    } finally {
      process.umask(umask);
    }
    expect(await openToOthers(target)).toEqual([]);
  });

  it('replaces a backup that was opened meanwhile, and whose log was left by a killed process', async () => {
    await storage.upload('a');
    await backUp();
    // As a trial server on the backup, killed in the middle: its log stays beside the database.
    const trial = new Database(join(target, 'firn.db'));
    trial.pragma('journal_mode = WAL');
    trial.exec('UPDATE node SET modified = 7');
    await cp(target, join(outside, 'killed'), { recursive: true });
    trial.close();
    target = join(outside, 'killed');
    expect(await readdir(target)).toContain('firn.db-wal');
    await storage.upload('b');
    await backUp();
    expect((await contentOf(target)).rows).toEqual((await contentOf(storage.folder)).rows);
  });

  it('copies as of one moment while another process writes all the time', async () => {
    for (let number = 0; number < 300; number++) {
      await storage.world.file(storage.world.home, `${number}`, `${number}`.repeat(4_000));
    }
    const writer = spawn(process.execPath, ['--input-type=module', '-e', WRITER, join(storage.folder, 'firn.db')], {
      cwd: new URL('../..', import.meta.url).pathname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => writer.stdout.once('data', resolve));
    try {
      expect((await backUp()).problems).toEqual([]);
    } finally {
      writer.kill('SIGKILL');
    }
    const world = openMetadata(join(target, 'firn.db'));
    const times = await world.database.readOne((connection) =>
      connection.all<{ modified: number; created: number }>('SELECT DISTINCT modified, created FROM node', []),
    );
    const kinds: string[] = [];
    for await (const { kind } of world.check.check({ repair: false, now: 0 })) kinds.push(kind);
    await world.close();
    expect(kinds).toEqual([]);
    // Each write of the other process sets both, on all nodes: a torn copy would hold several pairs.
    expect(times).toHaveLength(1);
    expect(times[0]!.modified).toBe(times[0]!.created);
  });
});

/** Sets all times of all nodes to the next number, again and again. */
const WRITER = `
  import Database from 'better-sqlite3';
  const database = new Database(process.argv[1], { timeout: 5000 });
  const change = database.prepare('UPDATE node SET modified = ?, created = ?');
  for (let number = 1; ; number++) {
    change.run(number, number);
    if (number === 1) process.stdout.write('writing');
  }
`;
