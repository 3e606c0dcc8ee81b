import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Audit } from '../../src/accounts/audit.js';
import { SqlClockStore } from '../../src/engines/sql/sql-clock-store.js';
import { GcTotals } from '../../src/jobs/gc-totals.js';
import { type Maintenance, maintenanceLane } from '../../src/jobs/maintenance.js';
import { SteadyClock } from '../../src/jobs/steady-clock.js';
import { placeOf } from '../../src/stores/blob-store.js';
import type { DriveId } from '../../src/stores/values.js';
import { NOW } from '../conformance/metadata-fixture.js';
import { storesOf } from '../support/stores.js';
import { Storage } from './storage-fixture.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('SteadyClock and what expires', () => {
  let storage: Storage;
  let store: SqlClockStore;
  let clock: SteadyClock;
  let now: number;
  let passed: number;
  let jumps: number[];

  beforeEach(async () => {
    storage = await Storage.make();
    store = new SqlClockStore(storage.world.engine.database);
    now = NOW;
    passed = 5 * DAY;
    start();
    await run(HOUR);
  });
  afterEach(() => storage.remove());

  /** As a process that starts on the storage. */
  function start(): void {
    jumps = [];
    const onJump = (jump: number) => jumps.push(jump);
    clock = new SteadyClock({ store, onJump, now: () => now, passed: () => passed });
  }
  /** Time passes, and at its end the server looks at the clock. */
  async function run(time: number) {
    now += time;
    passed += time;
    return clock.look();
  }
  const lag = async () => now - (await store.readMark()).expiryAt;

  async function runJob(kind: string): Promise<void> {
    const { metadata, history } = storage.world.engine;
    const { blobs, blobIndex } = storage;
    const audit = new Audit(metadata);
    const parts = { metadata, blobs, blobIndex, history, audit, gc: new GcTotals(), graceSeconds: 3600 };
    const days = { trashRetentionDays: 60, auditRetentionDays: 365, sessionLongestHours: 336, uploadExpiryHours: 24 };
    const { kinds } = maintenanceLane({ ...parts, ...days, clock, clockStore: store } as unknown as Maintenance);
    const work = { job: {} as never, signal: new AbortController().signal, report() {}, renew() {} };
    await kinds.find((job) => job.kind === kind)!.run(work);
  }
  async function deleteFile(name: string, deletedAt = now): Promise<void> {
    await storage.world.trash(await storage.upload(name), null, { name, deletedAt });
  }
  const trashed = async () =>
    (await storage.world.read((view) => view.trash([storage.world.drive.commonBinId], null, 99))).map(
      ({ node }) => node.name,
    );

  it('follows a clock that is right, also over a restart and a day in which the server was off', async () => {
    for (let hour = 0; hour < 30; hour++) expect(await run(HOUR)).toMatchObject({ now, expiryAt: now, isSteady: true });
    expect(await run(HOUR)).toMatchObject({ isTrusted: true });
    now += 23 * HOUR;
    passed = 0;
    start();
    expect(await run(20 * MINUTE)).toMatchObject({ expiryAt: now, isSteady: true, isTrusted: true });
    expect(jumps).toEqual([]);
  });

  it('decision 0026 — several servers look by turns at one clock, and none takes the looks of the others for jumps', async () => {
    const onJump = (jump: number) => jumps.push(jump);
    const other = new SteadyClock({ store, onJump, now: () => now, passed: () => passed });
    for (let hour = 0; hour < 30; hour++) {
      await run(HOUR);
      if (hour % 3 === 0) continue;
      now += HOUR / 2;
      passed += HOUR / 2;
      expect(await other.look()).toMatchObject({ now, expiryAt: now, isSteady: true });
    }
    expect(await run(HOUR)).toMatchObject({ expiryAt: now, isTrusted: true });
    expect(jumps).toEqual([]);
    now += 70 * DAY;
    expect(await other.look()).toMatchObject({ isSteady: false });
    expect(jumps.map((jump) => Math.round(jump / DAY))).toEqual([70]);
  });

  it('stands still in the first minutes after a start', async () => {
    const before = (await store.readMark()).expiryAt;
    now += HOUR;
    start();
    expect((await run(5 * MINUTE)).expiryAt).toBe(before);
    expect((await run(6 * MINUTE)).expiryAt).toBe(now);
  });

  it('faults A3 — a clock that is 70 days ahead for a moment destroys nothing in the trash', async () => {
    await deleteFile('today');
    now += 70 * DAY;
    await run(20_000);
    await runJob('trash-expiry');
    expect(jumps.map((jump) => Math.round(jump / DAY))).toEqual([70]);
    now -= 70 * DAY;
    await run(HOUR);
    await runJob('trash-expiry');
    expect(await trashed()).toEqual(['today']);
    expect(await lag()).toBeLessThanOrEqual(0);
  });

  it('locks that ended are removed on every drive; one that is held by either clock stays', async () => {
    const { world } = storage;
    const lockOn = (driveId: DriveId, expiresAt: number) => {
      const lock = { ...world.lock(world.home), driveId, expiresAt };
      return world.write((transaction) => transaction.insertLock({ ...lock, scope: 'shared' }));
    };
    await lockOn(world.drive.id, now);
    await lockOn(world.otherDrive.id, now);
    await lockOn(world.drive.id, now + 2 * HOUR);
    await runJob('lock-expiry');
    const locks = async () => (await world.dump()).dav_lock!.length;
    expect(await locks()).toBe(1);
    now += 70 * DAY;
    await run(20_000);
    await runJob('lock-expiry');
    expect(await locks()).toBe(1);
    now -= 71 * DAY;
    await run(3 * HOUR);
    await runJob('lock-expiry');
    expect(await locks()).toBe(1);
    now += DAY;
    for (let hour = 0; hour < 26; hour++) await run(HOUR);
    await runJob('lock-expiry');
    expect(await locks()).toBe(0);
  });

  it('faults A3 — a board without a battery that starts 70 days ahead, or in 1970, destroys nothing', async () => {
    await deleteFile('before');
    const right = now;
    for (const wrong of [now + 70 * DAY, 0]) {
      now = wrong;
      start();
      await run(11 * MINUTE);
      await deleteFile(`while it was ${wrong}`);
      await runJob('trash-expiry');
    }
    now = right + DAY;
    await run(HOUR);
    await runJob('trash-expiry');
    expect(await trashed()).toEqual(['before', 'while it was 0', `while it was ${right + 70 * DAY}`].sort());
  });

  it('faults A3 — what was deleted in 1970 has its whole time, and in the next year no more than that', async () => {
    const right = now;
    await deleteFile('early', 0);
    await deleteFile('late', now + 365 * DAY);
    for (let hour = 0; hour < 25; hour++) await run(HOUR);
    await runJob('clock-repair');
    const rows = await storage.world.read((view) => view.trash([storage.world.drive.commonBinId], null, 99));
    for (const { deletedAt } of rows) expect(Math.abs(deletedAt - right)).toBeLessThanOrEqual(26 * HOUR);
  });

  it('faults A3 — a server that was off for 70 days lets things expire again, a day of them an hour, after a day', async () => {
    await deleteFile('long ago');
    now += 70 * DAY;
    start();
    for (let hour = 0; hour < 24; hour++) {
      await run(HOUR);
      expect(await lag()).toBeGreaterThan(69 * DAY);
    }
    const before = await lag();
    await run(HOUR);
    expect(before - (await lag())).toBe(24 * HOUR);
    await runJob('trash-expiry');
    expect(await trashed()).toEqual(['long ago']);
    for (let hour = 0; hour < 75; hour++) await run(HOUR);
    expect(await lag()).toBe(0);
    await runJob('trash-expiry');
    expect(await trashed()).toEqual([]);
  });

  it('the day of steadiness counts over restarts: a machine that is on for an hour a day', async () => {
    now += 70 * DAY;
    for (let day = 0; day < 100; day++) {
      now += 20 * HOUR;
      start();
      await run(HOUR);
    }
    expect(await lag()).toBe(0);
  });

  it('a clock that was ahead for days and is right again is followed back', async () => {
    now += 70 * DAY;
    for (let hour = 0; hour < 30; hour++) await run(HOUR);
    now -= 70 * DAY;
    expect((await run(HOUR)).expiryAt).toBeLessThanOrEqual(now);
    for (let hour = 0; hour < 25; hour++) await run(HOUR);
    expect(await lag()).toBe(0);
  });

  it('faults E3 — a lock that was made while the clock was a year ahead ends by its timeout', async () => {
    const { world } = storage;
    const file = await storage.upload('locked');
    const lock = world.lock(file.id, { timeoutSeconds: 600, expiresAt: now + 365 * DAY + 600_000 });
    const short = world.lock(file.id, { timeoutSeconds: 600, expiresAt: now + 1, scope: 'shared' });
    await world.write((transaction) => transaction.insertLock(lock));
    await world.write((transaction) => transaction.insertLock(short));
    now += 365 * DAY;
    await run(MINUTE);
    await runJob('clock-repair');
    now -= 365 * DAY;
    await runJob('clock-repair');
    const heldUntil = async () =>
      (await world.read((view) => view.locksOn([file.id], NOW))).map(({ expiresAt }) => expiresAt);
    expect(Math.max(...(await heldUntil()))).toBe(lock.expiresAt);
    await run(HOUR);
    await runJob('clock-repair');
    expect(Math.max(...(await heldUntil()))).toBe(now + 600_000);
  });

  it('faults E3 — a session, a hold and a mark that were written a year ahead end by their time', async () => {
    const { world, blobIndex } = storage;
    const security = storesOf(world.engine.database).security;
    const ahead = now + 365 * DAY;
    const session = {
      key: 'k',
      userId: world.anna.userId,
      passwordVersion: 1,
      stage: 'full',
      createdAt: ahead,
    } as const;
    await security.createSession({ ...session, expiresAt: ahead + DAY, address: '', client: '' });
    await blobIndex.pauseSweep(ahead, ahead - 1);
    await (await storage.store('unknown')).release('surplus');
    const unknown = await storage.store('unknown');
    await blobIndex.condemnUnknown([placeOf(unknown.row)], ahead);
    await run(HOUR);
    await runJob('clock-repair');
    const [row] = await world.engine.database.readOne((connection) =>
      connection.all<Record<string, number>>(
        `SELECT created_at, proved_at, seen_at, expires_at, held_until, condemned_at FROM session, sweep_hold, condemned`,
        [],
      ),
    );
    const expected = { created_at: now, proved_at: now, seen_at: now, expires_at: now + 336 * HOUR };
    expect(row).toEqual({ ...expected, held_until: now + 15 * MINUTE, condemned_at: now });
  });

  it('faults A3 — the collector lets no mark grow old by a jump of the clock', async () => {
    await storage.destroy(await storage.upload('deleted'));
    await runJob('garbage-collection');
    now += 2 * DAY;
    await run(MINUTE);
    await runJob('garbage-collection');
    expect(await storage.has('deleted')).toBe(true);
  });
});
