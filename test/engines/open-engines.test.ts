import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Engines, openEngines } from '../../src/engines/open-engines.js';
import { claimStorage } from '../../src/engines/sqlite/storage-claim.js';
import { MetadataDamagedError } from '../../src/stores/blob-index.js';
import { StorageFormatError } from '../../src/stores/storage-errors.js';
import { openToOthers } from '../support/file-modes.js';
import { singleCalls } from '../support/single-calls.js';
import { inFolder } from '../support/storage-config.js';

async function makeFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'firn-storage-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

const makeEngines = ({ storage }: { readonly storage: string }) => openEngines(inFolder(storage), { mayMake: true });

/** A storage with a user and `count` blobs, closed; the blobs are contents that the database names. */
async function makeUsed(count = 1): Promise<string> {
  const storage = await makeFolder();
  const engines = await makeEngines({ storage });
  await addUser(engines);
  for (let number = 0; number < count; number++) await addBlob(engines, `blob ${number}`);
  await engines.close();
  return storage;
}

function addUser({ metadata }: Engines) {
  return singleCalls(metadata).accounts.createUser({ email: 'anna@x', name: '', passwordHash: '', isAdmin: true }, 0);
}

async function addBlob({ blobs, metadata }: Engines, text: string): Promise<void> {
  async function* source() {
    yield Buffer.from(text);
  }
  const stored = await blobs.put(source());
  const content = { id: stored.id, size: stored.size, bytes: null, place: stored.place };
  await metadata.write([], (transaction) => transaction.putContent(content, 0));
  await stored.release('named');
}

/** Names, sizes and times of all that is in the folder. */
async function look(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const lines = names.map(async (name) => {
    const { size, mtimeMs, ino } = await stat(join(folder, name));
    return `${name} ${size} ${mtimeMs} ${ino}`;
  });
  return (await Promise.all(lines)).sort();
}

/** Refused, to whom may make a storage and to whom may not, and nothing is changed. */
async function expectRefused(storage: string, message: RegExp): Promise<void> {
  const before = await look(storage);
  for (const mayMake of [true, false]) {
    const opening = openEngines(inFolder(storage), { mayMake });
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toThrow(StorageFormatError);
  }
  expect(await look(storage)).toEqual(before);
}

describe('faults A2 — a storage whose database is not there', () => {
  it.each([
    ['missing', (path: string) => rm(path)],
    ['empty', (path: string) => truncate(path)],
    ['no database', (path: string) => writeFile(path, 'x'.repeat(8192))],
  ])('is refused where the database is %s, and nothing is touched', async (what, spoil) => {
    const storage = await makeUsed();
    await spoil(join(storage, 'firn.db'));
    await expectRefused(storage, new RegExp(`firn.db, is ${what}: nothing was touched. .*backup; storage/README.md`));
  });

  it('is refused where the database is another program’s', async () => {
    const storage = await makeUsed();
    await rm(join(storage, 'firn.db'));
    new Database(join(storage, 'firn.db')).exec('CREATE TABLE bookmark (id INTEGER)').close();
    await expectRefused(storage, /firn.db, holds nothing of Firn's: nothing was touched/);
  });

  it('is refused where the database has lost its log, and with it every table', async () => {
    const storage = await makeUsed();
    await rm(join(storage, 'firn.db'));
    const empty = new Database(join(storage, 'firn.db'));
    empty.pragma('journal_mode = WAL');
    empty.close();
    const opening = openEngines(inFolder(storage));
    await expect(opening).rejects.toThrow(/holds nothing of Firn's/);
  });

  it('is refused where the database is that of an empty Firn, and blobs/ is full', async () => {
    const [storage, other] = [await makeUsed(), await makeFolder()];
    await (await makeEngines({ storage: other })).close();
    await rm(join(storage, 'firn.db'));
    await writeFile(join(storage, 'firn.db'), await readFile(join(other, 'firn.db')));
    await expect(makeEngines({ storage })).rejects.toThrow(/has no users, and blobs\/ is full/);
    expect((await readdir(join(storage, 'blobs'), { recursive: true })).length).toBe(257);
  });

  it.each([
    ['missing', (path: string) => rm(path, { recursive: true })],
    [
      'an empty folder, whose disk is not mounted',
      async (path: string) => {
        await rm(path, { recursive: true });
        await mkdir(path);
      },
    ],
  ])('is refused where blobs/ is %s', async (_what, spoil) => {
    const storage = await makeUsed();
    await spoil(join(storage, 'blobs'));
    await expect(makeEngines({ storage })).rejects.toThrow(/blobs has none of the contents .*Is its disk mounted/);
    expect(await readdir(join(storage, 'blobs')).catch(() => [])).toEqual([]);
  });

  it('is refused where blobs/ holds none of many blobs that the database names', async () => {
    const storage = await makeUsed(8);
    await emptyShards(storage);
    await expect(makeEngines({ storage })).rejects.toThrow(/blobs has none of the contents/);
  });

  it('is opened where some blobs are damaged or lost: fsck names them', async () => {
    const few = await makeUsed(7);
    await emptyShards(few);
    await (await openEngines(inFolder(few))).close();
    const storage = await makeUsed(40);
    const engines = await openEngines(inFolder(storage));
    const newest = await engines.blobIndex.newest(32);
    expect(newest.length).toBe(32);
    for (const { id } of newest) await rm(join(storage, 'blobs', id.slice(0, 2), id));
    await engines.close();
    await (await openEngines(inFolder(storage))).close();
  });

  it('faults C2 — is opened where the database is damaged: fsck tells, and what can be read is served', async () => {
    const storage = await makeUsed();
    const path = join(storage, 'firn.db');
    const file = await readFile(path);
    const [name] = (await readdir(join(storage, 'blobs'), { recursive: true })).filter((entry) => entry.length > 60);
    const position = file.lastIndexOf(name!.slice(3));
    expect(position).toBeGreaterThan(4096);
    for (let at = file.indexOf(name!.slice(3)); at !== -1; at = file.indexOf(name!.slice(3), at + 1)) {
      file[at - (at % 4096)] = 0;
    }
    await writeFile(path, file);
    const engines = await openEngines(inFolder(storage));
    await expect(engines.blobIndex.newest(1)).rejects.toThrow(MetadataDamagedError);
    expect(await singleCalls(engines.metadata).accounts.findUser('anna@x')).not.toBeNull();
    await engines.close();
  });

  it('is made by the next start where the first one was killed at any step', async () => {
    const whole = await makeFolder();
    await (await makeEngines({ storage: whole })).close();
    for (const there of [[], ['firn.db'], ['firn.db', 'blobs']]) {
      const storage = await makeFolder();
      await writeFile(join(storage, 'FORMAT'), 'new storage\n');
      for (const name of there) {
        if (name === 'blobs') await mkdir(join(storage, name, '00'), { recursive: true });
        else await writeFile(join(storage, name), there.length > 1 ? await readFile(join(whole, name)) : '');
      }
      await expect(openEngines(inFolder(storage))).rejects.toThrow(/There is no storage/);
      await (await makeEngines({ storage })).close();
      expect(await readFile(join(storage, 'FORMAT'), 'utf8')).toBe('1\n');
      await (await openEngines(inFolder(storage))).close();
    }
  });

  async function emptyShards(storage: string): Promise<void> {
    for (const prefix of await readdir(join(storage, 'blobs'))) {
      await rm(join(storage, 'blobs', prefix), { recursive: true });
      await mkdir(join(storage, 'blobs', prefix));
    }
  }
});

describe('console B15 — only who may make a storage makes one', () => {
  it('where there is none, a sentence names FIRN_STORAGE, and nothing is made', async () => {
    const folder = await makeFolder();
    for (const storage of [folder, join(folder, 'typo')]) {
      await expect(openEngines(inFolder(storage))).rejects.toThrow(
        /^There is no storage in .*FIRN_STORAGE.*"npm start"/,
      );
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(['/proc/x', '/proc/x/y', '/dev/null', '/dev/null/x'])(
    '%s ends with a sentence, not never',
    async (storage) => {
      await expect(makeEngines({ storage })).rejects.toThrow(/can't be made: .*FIRN_STORAGE/);
      await expect(openEngines(inFolder(storage))).rejects.toThrow(/There is no storage/);
    },
  );
});

describe('security Low — what is stored is for its owner alone', () => {
  async function withoutUmask<T>(work: () => Promise<T>): Promise<T> {
    const umask = process.umask(0);
    try {
      return await work();
    } finally {
      process.umask(umask);
    }
  }

  it('from the beginning, whatever the umask', async () => {
    const storage = join(await makeFolder(), 'storage');
    await withoutUmask(async () => {
      const engines = await makeEngines({ storage });
      const release = claimStorage(storage);
      await addBlob(engines, 'a blob');
      const [blob] = await engines.blobIndex.newest(1);
      await engines.blobs.setAside((await engines.blobs.stat(blob!))!);
      await addBlob(engines, 'another');
      expect(await openToOthers(storage)).toEqual([]);
      release();
      await engines.close();
    });
  });

  it('what an older Firn left open is closed at the start', async () => {
    const storage = await makeUsed();
    await writeFile(join(storage, 'server.lock'), '');
    for (const name of ['FORMAT', 'firn.db', 'server.lock']) await chmod(join(storage, name), 0o644);
    for (const name of await readdir(join(storage, 'blobs'))) await chmod(join(storage, 'blobs', name), 0o755);
    for (const name of ['blobs', 'incoming']) await chmod(join(storage, name), 0o755);
    await (await openEngines(inFolder(storage))).close();
    expect(await openToOthers(storage)).toEqual([]);
  });
});

describe('storage/README invariant 4 — the storage folder', () => {
  it('is begun where it is missing or empty, for its owner alone', async () => {
    const storage = join(await makeFolder(), 'deep', 'storage');
    await (await makeEngines({ storage })).close();
    expect(await readFile(join(storage, 'FORMAT'), 'utf8')).toBe('1\n');
    expect((await stat(storage)).mode & 0o777).toBe(0o700);
    expect((await readdir(storage)).filter((name) => name.startsWith('FORMAT'))).toEqual(['FORMAT']);
  });

  it('is begun in a checkout that holds its README only, and keeps rights that an operator gave it', async () => {
    const storage = await makeFolder();
    await writeFile(join(storage, 'README.md'), '');
    await (await makeEngines({ storage })).close();
    await chmod(storage, 0o750);
    await (await makeEngines({ storage })).close();
    expect((await stat(storage)).mode & 0o777).toBe(0o750);
  });

  it('is opened again with everything in it, also by several at once', async () => {
    const storage = await makeFolder();
    const all = await Promise.all([1, 2, 3].map(() => makeEngines({ storage })));
    await addUser(all[0]!);
    expect(await singleCalls(all[1]!.metadata).accounts.findUser('anna@x')).not.toBeNull();
    for (const engines of all) await engines.close();
    const again = await makeEngines({ storage });
    expect(await singleCalls(again.metadata).accounts.findUser('anna@x')).not.toBeNull();
    await again.close();
  });

  it.each(['2\n', '', 'one'])('of the unknown format %j is refused with a sentence, untouched', async (format) => {
    const storage = await makeFolder();
    await writeFile(join(storage, 'FORMAT'), format);
    await expect(makeEngines({ storage })).rejects.toThrow(StorageFormatError);
    await expect(makeEngines({ storage })).rejects.toThrow(/has format ".*"; this Firn reads 1/);
    expect(await readdir(storage)).toEqual(['FORMAT']);
  });

  it('with a database and no format, or blobs, is refused', async () => {
    const storage = await makeFolder();
    await mkdir(join(storage, 'blobs'));
    await writeFile(join(storage, 'firn.db'), '');
    await expect(makeEngines({ storage })).rejects.toThrow(/no file FORMAT/);
    await rm(join(storage, 'firn.db'));
    await mkdir(join(storage, 'blobs', '00'));
    await expect(makeEngines({ storage })).rejects.toThrow(/has blobs but no file FORMAT/);
  });
});
