import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { S3BlobStore } from '../../src/engines/s3/s3-blob-store.js';
import { S3Client } from '../../src/engines/s3/s3-client.js';
import { MIGRATIONS, readMigrations } from '../../src/engines/sql/migrate.js';
import { SqlBlobIndex } from '../../src/engines/sql/sql-blob-index.js';
import { SqlBlobLeases } from '../../src/engines/sql/sql-blob-leases.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { collectGarbage } from '../../src/jobs/gc.js';
import type { BlobIndex } from '../../src/stores/blob-index.js';
import type { LeaseId } from '../../src/stores/blob-leases.js';
import { type BlobStore, placeOf, type StoredBlob } from '../../src/stores/blob-store.js';
import type { BlobPlace } from '../../src/stores/values.js';
import { inChunks, listed, thenHang } from '../conformance/blob-sources.js';
import { emptyPrefix, newPrefix, useS3Server } from '../support/s3-server.js';

const DAY_MS = 86_400_000;
const storage = useS3Server();

describe('what a process left that was killed', () => {
  let database: SqliteDatabase;
  let leases: SqlBlobLeases;
  let blobIndex: BlobIndex;
  let client: S3Client;
  let prefix: string;
  /** Stands for the killed process: it is never closed, and its uploads are never released. */
  let killed: S3BlobStore;
  let blobs: S3BlobStore;
  let names: Set<BlobPlace>;

  beforeEach(() => {
    database = SqliteDatabase.open(':memory:', readMigrations(MIGRATIONS));
    leases = new SqlBlobLeases(database);
    client = new S3Client(storage.settings);
    prefix = newPrefix();
    killed = new S3BlobStore({ client, leases, prefix });
    blobs = new S3BlobStore({ client, leases, prefix });
    names = new Set();
    const index = new SqlBlobIndex(database);
    // A node that names a content is more than this needs.
    blobIndex = Object.assign(Object.create(index) as BlobIndex, {
      condemn: async () => null,
      unknown: async (places: readonly BlobPlace[]) => places.filter((place) => !names.has(place)),
      condemnUnknown: (places: readonly BlobPlace[], now: number) => index.condemnUnknown(places, now),
      beginSweep: (options: Parameters<BlobIndex['beginSweep']>[0]) => index.beginSweep(options),
      takeOverSweep: (options: Parameters<BlobIndex['takeOverSweep']>[0]) => index.takeOverSweep(options),
      endSweep: (...parameters: Parameters<BlobIndex['endSweep']>) => index.endSweep(...parameters),
      pardon: (...parameters: Parameters<BlobIndex['pardon']>) => index.pardon(...parameters),
      purge: async () => false,
      dropStagedCopies: async () => {},
    });
  });
  afterEach(async () => {
    await emptyPrefix(client, prefix);
    await database.close();
    await blobs.close();
  });

  const upload = (store: BlobStore, size = 30_000) => store.put(inChunks(randomBytes(size)));
  const named = async (store: BlobStore): Promise<StoredBlob> => {
    const blob = await upload(store);
    names.add(placeOf(blob));
    return blob;
  };
  const placesIn = async (store: BlobStore) => (await listed(store)).map(({ place }) => place);
  const uploadsInParts = async () => {
    let count = 0;
    for await (const _upload of client.listParts(prefix)) count++;
    return count;
  };
  const collect = (store: BlobStore, now: number, graceDays = 0) =>
    collectGarbage({ blobs: store, blobIndex, leases, now: () => now, graceSeconds: graceDays * 86_400 });
  const later = (days: number) => Date.now() + 3_600_000 + days * DAY_MS + 1_000;

  it('goes when its lease ended a day ago: objects that nothing names, and uploads in parts', async () => {
    const kept = await named(killed);
    await upload(killed);
    const half = thenHang(randomBytes(9_000_000));
    void killed.put(half).catch(() => {});
    await half.isHanging;
    await expect.poll(uploadsInParts).toBe(1);
    expect((await collect(blobs, later(0.9))).deleted).toBe(0);
    expect((await placesIn(blobs)).length).toBe(2);
    expect(await collect(blobs, later(1))).toEqual({ condemned: 1, deleted: 1 });
    expect(await placesIn(blobs)).toEqual([placeOf(kept)]);
    expect(await uploadsInParts()).toBe(0);
    expect(await leases.ended(Number.MAX_SAFE_INTEGER, 9)).toEqual([]);
  });

  it('stays for the days of grace', async () => {
    await upload(killed);
    const at = later(1);
    expect(await collect(blobs, at, 7)).toEqual({ condemned: 1, deleted: 0 });
    expect((await collect(blobs, at + 6.9 * DAY_MS, 7)).deleted).toBe(0);
    expect((await collect(blobs, at + 7 * DAY_MS, 7)).deleted).toBe(1);
    expect(await placesIn(blobs)).toEqual([]);
  });

  it('stays where its process lives and renews its lease', async () => {
    await upload(killed);
    const [id] = await leases.ended(Number.MAX_SAFE_INTEGER, 9);
    expect(await leases.renew(id!, later(1))).toBe(true);
    expect((await collect(blobs, later(1))).condemned).toBe(0);
    expect((await placesIn(blobs)).length).toBe(1);
  });

  it.each([0, 1, 2])('a listing that fails after %d names deletes nothing, and the lease stays', async (count) => {
    for (let number = 0; number < 3; number++) await upload(killed);
    const failing = Object.create(blobs) as BlobStore;
    failing.deleteAll = (places) => blobs.deleteAll(places);
    failing.clearIncoming = (leasePrefix) => blobs.clearIncoming(leasePrefix);
    failing.list = async function* (options) {
      let left = count;
      for await (const blob of blobs.list(options)) {
        if (left-- === 0) throw new Error('a page that failed');
        yield blob;
      }
    };
    await expect(collect(failing, later(1))).rejects.toThrow('a page that failed');
    expect((await placesIn(blobs)).length).toBe(3);
    expect((await leases.ended(later(1), 9)).length).toBe(1);
    expect((await collect(blobs, later(1))).deleted).toBe(3);
  });

  it('a lease is removed when it has ended, and renewed no more', async () => {
    await upload(killed);
    const [id] = await leases.ended(Number.MAX_SAFE_INTEGER, 9);
    await leases.remove(id!, 0);
    expect(await leases.renew(id!, later(2))).toBe(true);
    await leases.remove(id!, later(3));
    expect(await leases.renew(id!, later(4))).toBe(false);
    expect(await leases.renew('unknown' as LeaseId, 0)).toBe(false);
  });

  it('a storage has one name, which is random', async () => {
    const other = SqliteDatabase.open(':memory:', readMigrations(MIGRATIONS));
    expect(await leases.storageId()).toMatch(/^[0-9a-f]{32}$/);
    expect(await leases.storageId()).toBe(await leases.storageId());
    expect(await new SqlBlobLeases(other).storageId()).not.toBe(await leases.storageId());
    await other.close();
  });
});
