import type {
  ClaimedJob,
  JobFilter,
  JobId,
  JobOutcome,
  JobRow,
  JobStore,
  Lease,
  NewJob,
  OpenJobs,
} from '../../stores/job-store.js';
import type { DriveId, UserId } from '../../stores/values.js';
import * as statements from './job-statements.js';
import type { SqlConnection } from './sql-database.js';

const MINUTE_MS = 60_000;

/** Jobs in one transaction or snapshot. `onSecretRemoved` is called where bytes of a secret were overwritten. */
export class SqlJobStore implements JobStore {
  readonly #connection: SqlConnection;
  readonly #onSecretRemoved: () => void;

  constructor(connection: SqlConnection, onSecretRemoved: () => void) {
    this.#connection = connection;
    this.#onSecretRemoved = onSecretRemoved;
  }

  async add(job: NewJob, now: number): Promise<JobRow>;
  async add(job: NewJob, now: number, openMax: number | null): Promise<JobRow | null>;
  async add(job: NewJob, now: number, openMax: number | null = null): Promise<JobRow | null> {
    const { kind, userId: user, driveId: drive, parameters, secret } = job;
    const row = { kind, user, drive, parameters: JSON.stringify(parameters), secret, now };
    if (openMax !== null) {
      const { count } = (await statements.countOpenOf.first(this.#connection, { kind, user }))!;
      if (count >= openMax) return null;
    }
    return toJob((await statements.insertJob.first(this.#connection, row))!);
  }

  async ensureRecurring(kind: string, every: number, now: number): Promise<void> {
    const row = { kind, every, next: now + every * MINUTE_MS, now };
    // An upsert would use up a number each time that a server starts.
    if ((await statements.updateRecurring.run(this.#connection, row)) > 0) return;
    await statements.insertRecurring.run(this.#connection, row);
  }

  async pullBack(now: number, { leaseMs, waitMs }: { leaseMs: number; waitMs: number }): Promise<void> {
    const row = { lease: now + leaseMs, wait: now + waitMs };
    await statements.pullBackJobs.run(this.#connection, row);
  }

  async find(id: JobId): Promise<JobRow | null> {
    const row = await statements.findJob.first(this.#connection, { id });
    return row ? toJob(row) : null;
  }

  async list({ kind, userId, isOpen }: JobFilter, before: JobId | null, limit: number): Promise<JobRow[]> {
    const page = { kind: kind ?? null, user: userId ?? null, before: before ?? Number.MAX_SAFE_INTEGER, limit };
    const found = isOpen ? statements.openJobsOf : statements.jobs;
    const rows = await found.all(this.#connection, page);
    return rows.map(toJob);
  }

  async countOpen(kind: string): Promise<OpenJobs> {
    const rows = await statements.openJobs.all(this.#connection, { kind });
    const count = (state: string) => rows.find((row) => row.state === state)?.count ?? 0;
    return { waiting: count('waiting'), running: count('running') };
  }

  async isDue(kinds: readonly string[], now: number): Promise<boolean> {
    return (await statements.dueJob.first(this.#connection, { kinds: JSON.stringify(kinds), now })) !== undefined;
  }

  async claim(kinds: readonly string[], owner: string, now: number, lease: number): Promise<ClaimedJob | null> {
    const due = await statements.takeDueJob.first(this.#connection, { kinds: JSON.stringify(kinds), now });
    const row = due && (await statements.claimJob.first(this.#connection, { id: due.id, owner, lease, now }));
    return row ? { ...toJob(row), secret: row.secret } : null;
  }

  async extend(id: JobId, owner: string, lease: number, progress: object | null): Promise<Lease> {
    const row = { id, owner, lease, progress: toJson(progress) };
    const held = await statements.extendLease.first(this.#connection, row);
    if (!held) return 'lost';
    return held.cancel_asked === 1 ? 'cancelled' : 'held';
  }

  async end(id: JobId, owner: string, outcome: JobOutcome, now: number): Promise<boolean> {
    const common = { id, owner, progress: toJson(outcome.progress) };
    const giveUp = async (change: { runAt: number; failures: number | null; error: string | null }) =>
      (await statements.giveUp.run(this.#connection, { ...common, ...change })) > 0;
    switch (outcome.kind) {
      case 'interrupted':
        return giveUp({ runAt: now, failures: null, error: null });
      case 'retry':
        return giveUp({ runAt: outcome.runAt, failures: outcome.failures, error: outcome.error });
      case 'succeeded':
        if (outcome.runAt !== null) return giveUp({ runAt: outcome.runAt, failures: 0, error: null });
    }
    const error = 'error' in outcome ? outcome.error : null;
    const ended = await statements.endJob.run(this.#connection, { ...common, state: outcome.kind, error, now });
    this.#onSecretRemoved();
    return ended > 0;
  }

  async cancel(id: JobId, now: number): Promise<boolean> {
    const waiting = await statements.cancelWaiting.run(this.#connection, { id, now });
    const running = await statements.cancelRunning.run(this.#connection, { id });
    if (waiting > 0) this.#onSecretRemoved();
    return waiting + running > 0;
  }

  async wipeSecrets(): Promise<number> {
    const wiped = await statements.wipeSecrets.run(this.#connection, {});
    if (wiped > 0) this.#onSecretRemoved();
    return wiped;
  }
}

function toJson(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

function toJob(row: statements.JobRecord): JobRow {
  return {
    id: row.id,
    kind: row.kind,
    userId: row.user_id as UserId | null,
    driveId: row.drive_id as DriveId | null,
    parameters: JSON.parse(row.parameters) as object,
    state: row.state,
    everyMinutes: row.every_minutes,
    runAt: row.run_at,
    isCancelAsked: row.cancel_asked === 1,
    attempts: row.attempts,
    hasSecret: row.secret !== null,
    progress: row.progress === null ? null : (JSON.parse(row.progress) as object),
    error: row.error,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}
