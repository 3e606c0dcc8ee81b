import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskBlobStore } from '../../src/engines/disk/disk-blob-store.js';
import { MemoryBlobStore } from '../../src/engines/memory/memory-blob-store.js';
import { placeOf } from '../../src/stores/blob-store.js';
import { waitUntil } from '../support/run-program.js';
import { inChunks, sha256 } from './blob-sources.js';
import { blobStoreSuite } from './blob-store.js';

blobStoreSuite('disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-blobs-'));
  return {
    store: await DiskBlobStore.open(folder),
    places: 'hash',
    leftovers: () => readdir(join(folder, 'incoming')),
    close: () => rm(folder, { recursive: true }),
  };
});

blobStoreSuite('memory', async () => ({
  store: new MemoryBlobStore(),
  places: 'hash',
  leftovers: async () => [],
  close: async () => {},
}));

blobStoreSuite('memory, at places of their own', async () => ({
  store: new MemoryBlobStore({ places: 'random' }),
  places: 'random',
  leftovers: async () => [],
  close: async () => {},
}));

describe('DiskBlobStore', () => {
  let folder: string;
  let store: DiskBlobStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firn-blobs-'));
    store = await DiskBlobStore.open(folder);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const pathOf = (id: string) => join(folder, 'blobs', id.slice(0, 2), id);

  /** Files of the store that this process has open. */
  const openFiles = async () => {
    const links = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => 'closed meanwhile')),
    );
    return links.filter((target) => target.startsWith(folder));
  };

  it('storage/README — lays blobs out as blobs/ab/abcdef…, for the owner alone', async () => {
    const bytes = randomBytes(20_000);
    const { id } = await store.put(inChunks(bytes));
    expect((await readFile(pathOf(id))).equals(bytes)).toBe(true);
    expect((await stat(pathOf(id))).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'blobs'))).toHaveLength(256);
  });

  it('finds in a later run what an earlier one stored', async () => {
    const blob = await store.put(inChunks(randomBytes(20_000)));
    const later = await DiskBlobStore.open(folder);
    expect(await later.stat(blob)).not.toBeNull();
  });

  it('leaves no descriptor open, however uploads and downloads end', async () => {
    const bytes = randomBytes(6_000_000);
    const blob = await store.put(inChunks(bytes));
    const failing = () => {
      throw new Error('refused');
    };
    for (let round = 0; round < 5; round++) {
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error('gone')), round * 2);
      await Promise.allSettled([
        store.put(inChunks(bytes), { signal: abort.signal }),
        store.put(inChunks(bytes), { sizeMax: 5_000_000 }),
        store.put(inChunks(bytes), { verify: failing }),
        store.open(blob, { start: 0, end: 6_000_000 }),
      ]);
      for await (const _chunk of await store.open(blob)) break;
      for await (const _piece of (await store.open(blob)).pieces!()) break;
      for await (const _piece of (await store.open(blob)).pieces!());
      (await store.open(blob)).destroy();
    }
    await waitUntil('all files are closed', async () => (await openFiles()).length === 0);
  });

  it('an upload replaces bytes that a failing disk has spoilt', async () => {
    const bytes = randomBytes(30_000);
    const { id } = await store.put(inChunks(bytes));
    await writeFile(pathOf(id), 'spoilt');
    await store.put(inChunks(bytes));
    expect((await readFile(pathOf(id))).equals(bytes)).toBe(true);
  });

  it('a blob that is shorter than the range asked for breaks the download off', async () => {
    const blob = await store.put(inChunks(randomBytes(300_000)));
    const reader = await store.open(blob);
    await writeFile(pathOf(blob.id), Buffer.alloc(100_000));
    await expect(async () => {
      for await (const _chunk of reader);
    }).rejects.toThrow('ends at 100000 bytes');
    const again = await store.open(blob, { start: 0, end: 99_999 });
    await writeFile(pathOf(blob.id), Buffer.alloc(50_000));
    await expect(async () => {
      for await (const _piece of again.pieces!());
    }).rejects.toThrow('ends at 50000 bytes');
  });

  it('pieces take the same memory again', async () => {
    const blob = await store.put(inChunks(randomBytes(8_000_000)));
    const memory = new Set<ArrayBufferLike>();
    for await (const piece of (await store.open(blob)).pieces!()) memory.add(piece.buffer);
    // Two, each of which grows from 64 KiB to 256 KiB at most.
    expect(memory.size).toBeLessThanOrEqual(6);
  });

  it('setAside keeps the bytes in damaged/', async () => {
    const blob = await store.put(inChunks(randomBytes(30_000)));
    await store.setAside((await store.stat(blob))!);
    const [name] = await readdir(join(folder, 'damaged'));
    expect(name).toContain(blob.id);
  });

  it('passes over files that are no blobs', async () => {
    await writeFile(join(folder, 'blobs', 'ab', 'README'), '');
    await writeFile(join(folder, 'blobs', 'ab', 'c'.repeat(64)), 'in the wrong folder');
    for await (const { id } of store.list()) expect(id).toBe('never');
  });

  it('clearIncoming removes whatever lies there', async () => {
    await writeFile(join(folder, 'incoming', 'half'), 'an upload');
    await mkdir(join(folder, 'incoming', 'folder'));
    await store.clearIncoming();
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  });

  it('a delete also frees the room', async () => {
    const stored = await store.put(inChunks(randomBytes(30_000)));
    await stored.release('named');
    await store.deleteAll([placeOf(stored)]);
    await waitUntil('incoming/ is empty', async () => (await readdir(join(folder, 'incoming'))).length === 0);
  });

  it('fails the upload, not the process, when the file can’t be written', async () => {
    await rm(join(folder, 'incoming'), { recursive: true });
    await expect(store.put(inChunks(randomBytes(10)))).rejects.toThrow('ENOENT');
  });

  it('PRODUCT U1 — an upload of 200 MB takes a few MB of memory', async () => {
    const chunk = randomBytes(64 * 1024);
    async function* large() {
      for (let number = 0; number < 3_200; number++) {
        chunk.writeUInt32LE(number);
        if (number % 16 === 0) await wait(0);
        yield chunk;
      }
    }
    const before = process.memoryUsage.rss();
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 5);
    const stored = await store.put(large());
    clearInterval(watch);
    expect(stored.size).toBe(3_200 * 64 * 1024);
    expect(peak - before).toBeLessThan(48_000_000);
    await store.deleteAll([placeOf(stored)]);
  });

  it('hashes large uploads as it hashes small ones', async () => {
    const bytes = randomBytes(12_000_000);
    const all = await Promise.all([store.put(inChunks(bytes)), store.put(inChunks(bytes.subarray(1)))]);
    expect(all.map(({ id }) => id)).toEqual([sha256(bytes), sha256(bytes.subarray(1))]);
  });
});
