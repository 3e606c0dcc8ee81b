import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makeFolder } from '../../src/engines/disk/private-files.js';

let place: string | null = null;
afterEach(() => rm(place!, { recursive: true, force: true }));

test('folders below one that is missing can be made at once, and are their owner’s alone', async () => {
  place = await mkdtemp(path.join(tmpdir(), 'firn-folders-'));
  for (let round = 0; round < 50; round++) {
    const above = path.join(place, String(round), 'a', 'b');
    const all = Array.from({ length: 8 }, (_, index) => path.join(above, String(index)));
    await Promise.all(all.map(makeFolder));
    for (const one of [above, ...all]) expect((await stat(one)).mode & 0o777).toBe(0o700);
  }
});

test('where the system refuses a name it ends', async () => {
  place = await mkdtemp(path.join(tmpdir(), 'firn-folders-'));
  await expect(makeFolder('/proc/firn/storage')).rejects.toThrow('ENOENT');
});
