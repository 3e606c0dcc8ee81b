import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openEngines } from '../../src/engines/open-engines.js';
import { StorageFormatError } from '../../src/engines/storage-format.js';

async function makeFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'firn-storage-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

describe('DESIGN invariant 4 — the storage folder', () => {
  it('is begun where it is missing or empty, for its owner alone', async () => {
    const storage = join(await makeFolder(), 'deep', 'storage');
    await (await openEngines({ storage })).close();
    expect(await readFile(join(storage, 'FORMAT'), 'utf8')).toBe('1\n');
    expect((await stat(storage)).mode & 0o777).toBe(0o700);
    expect((await readdir(storage)).filter((name) => name.startsWith('FORMAT'))).toEqual(['FORMAT']);
  });

  it('is begun in a checkout that holds its README only, and keeps rights that an operator gave it', async () => {
    const storage = await makeFolder();
    await writeFile(join(storage, 'README.md'), '');
    await (await openEngines({ storage })).close();
    await chmod(storage, 0o750);
    await (await openEngines({ storage })).close();
    expect((await stat(storage)).mode & 0o777).toBe(0o750);
  });

  it('is opened again with everything in it, also by several at once', async () => {
    const storage = await makeFolder();
    const all = await Promise.all([1, 2, 3].map(() => openEngines({ storage })));
    await all[0]!.accounts.createUser({ email: 'anna@x', name: '', passwordHash: '', isAdmin: true }, 0);
    expect(await all[1]!.accounts.findUser('anna@x')).not.toBeNull();
    for (const engines of all) await engines.close();
    const again = await openEngines({ storage });
    expect(await again.accounts.findUser('anna@x')).not.toBeNull();
    await again.close();
  });

  it.each(['2\n', '', 'one'])('of the unknown format %j is refused with a sentence, untouched', async (format) => {
    const storage = await makeFolder();
    await writeFile(join(storage, 'FORMAT'), format);
    await expect(openEngines({ storage })).rejects.toThrow(StorageFormatError);
    await expect(openEngines({ storage })).rejects.toThrow(/has format ".*"; this Firn reads 1/);
    expect(await readdir(storage)).toEqual(['FORMAT']);
  });

  it('with a database and no format is refused', async () => {
    const storage = await makeFolder();
    await mkdir(join(storage, 'blobs'));
    await writeFile(join(storage, 'firn.db'), '');
    await expect(openEngines({ storage })).rejects.toThrow(/no file FORMAT/);
  });
});
