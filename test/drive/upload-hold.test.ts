import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Contents } from '../../src/drive/contents.js';
import { Uploads } from '../../src/drive/uploads/uploads.js';
import { MemoryBlobStore } from '../../src/engines/memory/memory-blob-store.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import type { UploadRow } from '../../src/stores/uploads.js';
import type { DriveId, UserId } from '../../src/stores/values.js';
import { CountingDatabase } from '../support/counting-database.js';
import { MIGRATIONS, temporaryFile } from '../support/sqlite-file.js';
import { storesOf } from '../support/stores.js';

const MINUTE = 60_000;

/** What two processes have of the uploads in one database file, and their clock. */
class Processes {
  now = Date.UTC(2026, 5, 1);
  readonly database: CountingDatabase;
  readonly metadata: SqlMetadataStore;
  readonly here: Uploads;
  readonly there: Uploads;
  #key: { driveId: DriveId; userId: UserId; scopeId: null; name: string } | null = null;

  private constructor(one: SqliteDatabase, other: SqliteDatabase) {
    this.database = new CountingDatabase(one);
    this.metadata = new SqlMetadataStore(this.database);
    this.here = this.#uploadsOf(this.metadata);
    this.there = this.#uploadsOf(new SqlMetadataStore(other));
  }

  static async open(): Promise<Processes> {
    const path = await temporaryFile();
    const [one, other] = [SqliteDatabase.open(path, MIGRATIONS), SqliteDatabase.open(path, MIGRATIONS)];
    const made = new Processes(one, other);
    onTestFinished(async () => {
      for (const uploads of [made.here, made.there]) await uploads.stop();
      for (const database of [one, other]) await database.close();
    });
    return made;
  }

  /** Begins one that expires in so many milliseconds. */
  async begin(expiresInMs = 24 * 60 * MINUTE): Promise<UploadRow> {
    const { accounts } = storesOf(this.database);
    const user = { email: 'anna@x', name: 'anna', passwordHash: 'hash', isAdmin: false };
    const { id: userId } = await accounts.createUser(user, this.now);
    const drive = { id: 100_001 as DriveId, name: 'Team', quotaBytes: null, uploadMaxBytes: null };
    const { id: driveId } = await accounts.createDrive(drive, this.now);
    this.#key = { driveId, userId, scopeId: null, name: 'up' };
    const row = { ...this.#key, size: null, target: null, expiresAt: this.now + expiresInMs };
    return this.metadata.write([driveId], ({ uploads }) => uploads.insert(row, this.now));
  }

  find(): Promise<UploadRow | null> {
    return this.metadata.read([], (view) => view.uploads.find(this.#key!));
  }

  /** The time passes, for timers too, and what they begin comes to its end. */
  async pass(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 10_000) {
      const step = Math.min(left, 10_000);
      this.now += step;
      await vi.advanceTimersByTimeAsync(step);
      await this.metadata.write([], async () => {});
    }
  }

  #uploadsOf(metadata: SqlMetadataStore): Uploads {
    const contents = new Contents(new MemoryBlobStore(), { inlineMaxBytes: 1000 });
    return new Uploads({ metadata, contents, expiryHours: 24, now: () => this.now });
  }
}

/** Work that ends when it is told to. */
function workToEnd() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { work: () => ended, end };
}

const nothing = async () => {};
const BUSY = { kind: 'busy' };

let processes: Processes;
beforeEach(async () => {
  // What waits for the database goes on by itself.
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'], shouldAdvanceTime: true });
  processes = await Processes.open();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('an upload at work does not expire, in no process', () => {
  test.each([
    ['sharing', 30_000],
    ['alone', 30_000],
    ['sharing', 10 * MINUTE],
    ['alone', 10 * MINUTE],
  ] as const)('%s, %d ms before it would', async (kind, expiresInMs) => {
    const upload = await processes.begin(expiresInMs);
    const { work, end } = workToEnd();
    const working = processes.here[kind](upload, work);
    for (let minutes = 0; minutes < 20; minutes++) {
      await processes.pass(MINUTE);
      await processes.there.removeExpired(processes.now);
      expect((await processes.find())?.id).toBe(upload.id);
    }
    end();
    await working;
    await processes.there.removeExpired(processes.now);
    expect((await processes.find())?.id).toBe(upload.id);
    await processes.pass(6 * MINUTE);
    await processes.there.removeExpired(processes.now);
    expect(await processes.find()).toBe(null);
  });

  test('one whose process died does', async () => {
    const upload = await processes.begin(MINUTE);
    const { work, end } = workToEnd();
    const working = processes.here.sharing(upload, work);
    await processes.pass(2 * MINUTE);
    vi.clearAllTimers();
    await processes.pass(6 * MINUTE);
    await processes.there.removeExpired(processes.now);
    expect(await processes.find()).toBe(null);
    end();
    await working;
  });
});

describe('an upload that a process works on alone', () => {
  test('is busy in another one from the second second until the work ends, however long that takes', async () => {
    const upload = await processes.begin();
    const { work, end } = workToEnd();
    const working = processes.here.alone(upload, work);
    for (const milliseconds of [2_000, 30_000, 20 * MINUTE]) {
      await processes.pass(milliseconds);
      const row = (await processes.find())!;
      await expect(processes.there.alone(row, nothing)).rejects.toMatchObject(BUSY);
      await expect(processes.there.sharing(row, nothing)).rejects.toMatchObject(BUSY);
    }
    end();
    await working;
    const row = (await processes.find())!;
    expect(row.lease).toBe(null);
    await processes.there.alone(row, nothing);
  });

  test('is free a minute after its process has died', async () => {
    const upload = await processes.begin();
    const { work, end } = workToEnd();
    const working = processes.here.alone(upload, work);
    await processes.pass(2_000);
    vi.clearAllTimers();
    await processes.pass(50_000);
    const row = (await processes.find())!;
    await expect(processes.there.alone(row, nothing)).rejects.toMatchObject(BUSY);
    await processes.pass(10_000);
    await processes.there.alone(row, nothing);
    end();
    await working;
  });

  test('is not taken from a process that took it after the lease had run out', async () => {
    const upload = await processes.begin();
    const [slow, other] = [workToEnd(), workToEnd()];
    const stalled = processes.here.alone(upload, slow.work);
    await processes.pass(2_000);
    vi.clearAllTimers();
    await processes.pass(MINUTE);
    const working = processes.there.alone((await processes.find())!, other.work);
    await processes.pass(2_000);
    const { lease } = (await processes.find())!;
    slow.end();
    await stalled;
    expect((await processes.find())!.lease).toEqual(lease);
    await expect(processes.here.sharing((await processes.find())!, nothing)).rejects.toMatchObject(BUSY);
    other.end();
    await working;
  });

  test('is free where the lease is of a clock that was ahead', async () => {
    const upload = await processes.begin();
    const lease = { holder: 'dead', until: processes.now + 60 * MINUTE };
    await processes.metadata.write([], ({ uploads }) => uploads.setLease(upload.id, lease));
    await processes.there.alone((await processes.find())!, nothing);
  });
});

test('what is over within a second costs no transaction', async () => {
  const upload = await processes.begin();
  const work = async () => {
    await processes.here.sharing(upload, nothing);
    await processes.here.alone(upload, nothing);
  };
  expect(await processes.database.count(work)).toBe(0);
});
