import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EarlyCollection } from '../../src/jobs/early-collection.js';
import type { BlobStore } from '../../src/stores/blob-store.js';
import type { DriveId } from '../../src/stores/values.js';
import { DRIVE_ID, emailOf, TestServer } from '../support/make-server.js';

const KB = 1000;
const QUOTA = 300 * KB;
const FILE = 200 * KB;
const ID = DRIVE_ID as DriveId;

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start();
  await server.stores.accounts.updateDrive(ID, { quotaBytes: QUOTA });
});
afterEach(() => server.stop());

function storedBytes(): number {
  const blobs = path.join(server.config.storage, 'blobs');
  const files = readdirSync(blobs, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.reduce((sum, file) => sum + statSync(path.join(file.parentPath, file.name)).size, 0);
}
const put = async (name: string) => {
  const { status } = await server.as('alice')('PUT', `/${name}`, { body: randomBytes(FILE) });
  expect([201, 204]).toContain(status);
};

/** Each makes bytes that nothing names, as much as one likes below the quota. */
const WAYS: Record<string, (round: number) => Promise<void>> = {
  overwriting: () => put('file'),
  'deleting for good': async () => {
    await put('file');
    await server.as('alice')('DELETE', '/file');
    expect((await server.as('alice')('DELETE', '/Trash/file')).status).toBe(204);
  },
  'parts that are sent and taken back': async (round) => {
    const at = `/dav/${DRIVE_ID}/remote.php/dav/uploads/${emailOf('alice')}/${round}`;
    await server.send('MKCOL', at, { user: 'alice' });
    expect((await server.send('PUT', `${at}/1`, { user: 'alice', body: randomBytes(FILE) })).status).toBe(201);
    expect((await server.send('DELETE', at, { user: 'alice' })).status).toBe(204);
  },
};

/** PRODUCT V6: the past may take as much again. */
const WITH_PAST = 2 * QUOTA;

describe('security 6, past A3 — what nothing names any more, and the past, do not fill the disk', () => {
  test.each(Object.entries(WAYS))(
    '%s: soon the disk holds no more than the quota says, and the past as much again',
    async (_way, once) => {
      for (let round = 0; round < 6; round++) await once(round);
      expect(storedBytes()).toBeGreaterThan(WITH_PAST);
      await expect.poll(storedBytes, { timeout: 40_000, interval: 500 }).toBeLessThanOrEqual(WITH_PAST);
      expect(await server.inconsistencies()).toEqual([]);
    },
  );
});

describe('when it begins', () => {
  const counting = (free: number | null) => {
    let lists = 0;
    const { blobs, blobIndex } = server.engines;
    const counted = new Proxy(blobs, {
      get(target, name) {
        if (name === 'list') lists++;
        if (name === 'freeBytes') return async () => free;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }) as BlobStore;
    const errors: unknown[] = [];
    const log = { warn: (error: unknown) => void errors.push(error) };
    const early = new EarlyCollection({
      blobs: counted,
      blobIndex,
      metadata: server.engines.metadata,
      graceSeconds: 0,
      log,
    });
    return { early, runs: () => lists, errors };
  };

  test('beyond the quota of one drive, not for what several have received together', async () => {
    const { early, runs, errors } = counting(null);
    early.note({ driveId: 1 as DriveId, driveQuotaBytes: 10 }, 10);
    early.note({ driveId: 2 as DriveId, driveQuotaBytes: 10 }, 10);
    early.note({ driveId: 3 as DriveId, driveQuotaBytes: null }, 1000);
    await early.stop();
    expect(runs()).toBe(0);
    const other = counting(null);
    other.early.note({ driveId: 1 as DriveId, driveQuotaBytes: 10 }, 10);
    other.early.note({ driveId: 1 as DriveId, driveQuotaBytes: 10 }, 1);
    await expect.poll(other.runs).toBe(1);
    // It counts again from there.
    other.early.note({ driveId: 1 as DriveId, driveQuotaBytes: 10 }, 10);
    await other.early.stop();
    expect([other.runs(), errors, other.errors]).toEqual([1, [], []]);
  });

  test('where more has come than the disk has left', async () => {
    const { early, runs } = counting(200e6);
    early.note({ driveId: 1 as DriveId, driveQuotaBytes: null }, 100e6);
    early.note({ driveId: 1 as DriveId, driveQuotaBytes: null }, 90e6);
    await new Promise((resolve) => setImmediate(resolve));
    expect(runs()).toBe(0);
    early.note({ driveId: 1 as DriveId, driveQuotaBytes: null }, 80e6);
    await expect.poll(runs).toBe(1);
    await early.stop();
  });
});
