import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobStore } from '../../src/stores/job-store.js';
import type { UserId } from '../../src/stores/values.js';

export interface JobEngine {
  readonly jobs: JobStore;
  /** Makes a user. */
  addUser(email: string): Promise<UserId>;
  close(): Promise<void>;
}

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const NEW = { kind: 'import', userId: null, driveId: null, parameters: { url: 'x' }, secret: 'sealed' };

/** The contract of `JobStore`, clause by clause, for one engine. */
export function jobStoreSuite(name: string, open: () => Promise<JobEngine>): void {
  describe(`JobStore on ${name}`, () => {
    let engine: JobEngine;
    let jobs: JobStore;
    beforeEach(async () => {
      engine = await open();
      jobs = engine.jobs;
    });
    afterEach(() => engine.close());

    const claim = (owner = 'one', now = NOW) => jobs.claim(['import', 'hourly'], owner, now, now + 10);

    it('a job that was added is due at once, and one owner has it until its lease ends', async () => {
      const { id } = await jobs.add(NEW, NOW);
      expect(await jobs.claim(['other'], 'one', NOW, NOW + 10)).toBeNull();
      expect(await claim()).toMatchObject({ id, state: 'running', secret: 'sealed', parameters: { url: 'x' } });
      expect(await claim('two')).toBeNull();
      expect(await claim('two', NOW + 9)).toBeNull();
      expect(await claim('two', NOW + 10)).toMatchObject({ id, startedAt: NOW });
      expect(await jobs.extend(id, 'one', NOW + 30, null)).toBe('lost');
      expect(await jobs.end(id, 'one', { kind: 'succeeded', runAt: null, progress: null }, NOW)).toBe(false);
      expect(await jobs.find(id)).toMatchObject({ state: 'running' });
    });

    it('the lease can be extended, with the progress', async () => {
      const { id } = await jobs.add(NEW, NOW);
      await claim();
      expect(await jobs.extend(id, 'one', NOW + 30, { files: 1 })).toBe('held');
      expect(await jobs.extend(id, 'one', NOW + 40, null)).toBe('held');
      expect(await jobs.find(id)).toMatchObject({ progress: { files: 1 } });
      expect(await claim('two', NOW + 39)).toBeNull();
    });

    it('the one that has been due for longest comes first', async () => {
      const late = await jobs.add(NEW, NOW + 5);
      const early = await jobs.add(NEW, NOW);
      expect((await claim('one', NOW + 9))!.id).toBe(early.id);
      expect((await claim('one', NOW + 9))!.id).toBe(late.id);
    });

    it.each(['succeeded', 'failed', 'cancelled'] as const)('PRODUCT I3 — %s: the secret is gone', async (kind) => {
      const { id } = await jobs.add(NEW, NOW);
      await claim();
      const outcome =
        kind === 'succeeded' ? { kind, runAt: null, progress: null } : { kind, error: 'e', progress: null };
      expect(await jobs.end(id, 'one', outcome, NOW + 5)).toBe(true);
      expect(await jobs.find(id)).toMatchObject({ state: kind, hasSecret: false, endedAt: NOW + 5 });
      expect(await claim('two', NOW + MINUTE)).toBeNull();
    });

    it('another try keeps the secret and how many failed, and comes at its time', async () => {
      const { id } = await jobs.add(NEW, NOW);
      await claim();
      await jobs.end(
        id,
        'one',
        { kind: 'retry', runAt: NOW + 100, failures: 4, error: 'away', progress: { done: 3 } },
        NOW,
      );
      expect(await claim('two', NOW + 99)).toBeNull();
      expect(await claim('two', NOW + 100)).toMatchObject({
        id,
        attempts: 4,
        error: 'away',
        progress: { done: 3 },
        secret: 'sealed',
      });
    });

    it('an interruption costs no try, and the job is due at once', async () => {
      const { id } = await jobs.add(NEW, NOW);
      await claim();
      await jobs.end(id, 'one', { kind: 'interrupted', progress: { files: 3 } }, NOW + 1);
      expect(await claim('two', NOW + 1)).toMatchObject({ id, attempts: 0, progress: { files: 3 }, secret: 'sealed' });
    });

    it('cancel — at once where it waits, by a word to the owner where it runs, never twice', async () => {
      const waiting = await jobs.add(NEW, NOW + 50);
      const running = await jobs.add(NEW, NOW);
      await claim();
      expect(await jobs.cancel(waiting.id, NOW)).toBe(true);
      expect(await jobs.find(waiting.id)).toMatchObject({ state: 'cancelled', hasSecret: false });
      expect(await jobs.cancel(waiting.id, NOW)).toBe(false);
      expect(await jobs.cancel(running.id, NOW)).toBe(true);
      expect(await jobs.extend(running.id, 'one', NOW + 30, null)).toBe('cancelled');
      expect(await jobs.cancel(999, NOW)).toBe(false);
    });

    it('one that recurs is there once, first after its interval, and again after each run', async () => {
      await jobs.ensureRecurring('hourly', 60, NOW);
      await jobs.ensureRecurring('hourly', 60, NOW + 30 * MINUTE);
      expect(await jobs.list({ kind: 'hourly' }, null, 9)).toHaveLength(1);
      expect(await claim('one', NOW + 59 * MINUTE)).toBeNull();
      const job = await claim('one', NOW + 60 * MINUTE);
      await jobs.end(job!.id, 'one', { kind: 'succeeded', runAt: NOW + 120 * MINUTE, progress: null }, NOW);
      expect(await claim('one', NOW + 119 * MINUTE)).toBeNull();
      expect(await claim('one', NOW + 120 * MINUTE)).toMatchObject({ kind: 'hourly', attempts: 0 });
      expect(await jobs.cancel(job!.id, NOW)).toBe(false);
    });

    it('a shorter interval counts at once', async () => {
      await jobs.ensureRecurring('hourly', 60, NOW);
      await jobs.ensureRecurring('hourly', 5, NOW);
      expect(await claim('one', NOW + 5 * MINUTE)).toMatchObject({ everyMinutes: 5 });
    });

    it('counts those of a kind that have not ended, by state', async () => {
      expect(await jobs.countOpen('import')).toEqual({ waiting: 0, running: 0 });
      const [first] = [await jobs.add(NEW, NOW), await jobs.add(NEW, NOW), await jobs.add(NEW, NOW)];
      await jobs.ensureRecurring('hourly', 60, NOW);
      await claim();
      expect(await jobs.countOpen('import')).toEqual({ waiting: 2, running: 1 });
      await jobs.end(first.id, 'one', { kind: 'succeeded', runAt: null, progress: null }, NOW);
      expect(await jobs.countOpen('import')).toEqual({ waiting: 2, running: 0 });
    });

    it('security 13 — one job of a kind runs for a user at a time, and users take turns', async () => {
      const [anna, ben] = [await engine.addUser('anna@example.org'), await engine.addUser('ben@example.org')];
      const [first, second] = [
        await jobs.add({ ...NEW, userId: anna }, NOW),
        await jobs.add({ ...NEW, userId: anna }, NOW),
      ];
      const other = await jobs.add({ ...NEW, userId: ben }, NOW + 1);
      expect((await claim('one', NOW + 1))?.id).toBe(first.id);
      expect((await claim('one', NOW + 1))?.id).toBe(other.id);
      expect(await claim('one', NOW + 1)).toBeNull();
      await jobs.end(first.id, 'one', { kind: 'succeeded', runAt: null, progress: null }, NOW + 2);
      const last = await jobs.add({ ...NEW, userId: ben }, NOW + 2);
      await jobs.end(other.id, 'one', { kind: 'succeeded', runAt: null, progress: null }, NOW + 3);
      expect((await jobs.claim(['import'], 'one', NOW + 3, NOW + 13))?.id, 'who began longest ago').toBe(second.id);
      expect((await jobs.claim(['import'], 'one', NOW + 3, NOW + 13))?.id).toBe(last.id);
      // A lease that ran out is no running job: its user's next may go first, or it goes on.
      expect(await jobs.claim(['import'], 'two', NOW + 13, NOW + 23)).not.toBeNull();
    });

    it('security 13 — a user has so many open jobs of a kind, also of those that come at once', async () => {
      const [anna, ben] = [await engine.addUser('anna@example.org'), await engine.addUser('ben@example.org')];
      const add = (userId: UserId) => jobs.add({ ...NEW, userId }, NOW, 2);
      const made = await Promise.all([add(anna), add(anna), add(anna), add(ben)]);
      expect(made.map((job) => job !== null)).toEqual([true, true, false, true]);
      await jobs.cancel(made[0]!.id, NOW);
      expect(await add(anna)).not.toBeNull();
      expect(await add(anna)).toBeNull();
      expect((await jobs.list({ kind: 'import', userId: anna, isOpen: true }, null, 9)).length).toBe(2);
      expect((await jobs.list({ kind: 'import', userId: anna }, null, 9)).length).toBe(3);
    });

    it('lists the newest first, a page at a time, of one kind or of all', async () => {
      await jobs.ensureRecurring('hourly', 60, NOW);
      const [first, second] = [await jobs.add(NEW, NOW), await jobs.add(NEW, NOW)];
      expect((await jobs.list({}, null, 2)).map(({ id }) => id)).toEqual([second.id, first.id]);
      expect((await jobs.list({ kind: 'import' }, second.id, 9)).map(({ id }) => id)).toEqual([first.id]);
    });
  });
}
