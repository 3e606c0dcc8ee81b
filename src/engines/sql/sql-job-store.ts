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
import type { SqlConnection, SqlDatabase } from './sql-database.js';

const MINUTE_MS = 60_000;

/** Jobs in an SQL database. */
export class SqlJobStore implements JobStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async add(job: NewJob, now: number): Promise<JobRow>;
  async add(job: NewJob, now: number, openMax: number | null): Promise<JobRow | null>;
  async add(job: NewJob, now: number, openMax: number | null = null): Promise<JobRow | null> {
    const { kind, userId: user, driveId: drive, parameters, secret } = job;
    const row = { kind, user, drive, parameters: JSON.stringify(parameters), secret, now };
    const made = await this.#database.write(async (connection) => {
      const open = openMax === null ? 0 : (await statements.countOpenOf.first(connection, { kind, user }))!.count;
      return openMax !== null && open >= openMax ? null : statements.insertJob.first(connection, row);
    });
    return made ? toJob(made) : null;
  }

  async ensureRecurring(kind: string, every: number, now: number): Promise<void> {
    const row = { kind, every, next: now + every * MINUTE_MS, now };
    await this.#database.write(async (connection) => {
      // An upsert would use up a number each time that a server starts.
      if ((await statements.updateRecurring.run(connection, row)) > 0) return;
      await statements.insertRecurring.run(connection, row);
    });
  }

  async pullBack(now: number, { leaseMs, waitMs }: { leaseMs: number; waitMs: number }): Promise<void> {
    const row = { lease: now + leaseMs, wait: now + waitMs };
    await this.#database.write((connection) => statements.pullBackJobs.run(connection, row));
  }

  async find(id: JobId): Promise<JobRow | null> {
    const row = await this.#database.readOne((connection) => statements.findJob.first(connection, { id }));
    return row ? toJob(row) : null;
  }

  async list({ kind, userId, isOpen }: JobFilter, before: JobId | null, limit: number): Promise<JobRow[]> {
    const page = { kind: kind ?? null, user: userId ?? null, before: before ?? Number.MAX_SAFE_INTEGER, limit };
    const found = isOpen ? statements.openJobsOf : statements.jobs;
    const rows = await this.#database.readOne((connection) => found.all(connection, page));
    return rows.map(toJob);
  }

  async countOpen(kind: string): Promise<OpenJobs> {
    const rows = await this.#database.readOne((connection) => statements.openJobs.all(connection, { kind }));
    const count = (state: string) => rows.find((row) => row.state === state)?.count ?? 0;
    return { waiting: count('waiting'), running: count('running') };
  }

  async claim(kinds: readonly string[], owner: string, now: number, lease: number): Promise<ClaimedJob | null> {
    const due = { kinds: JSON.stringify(kinds), now };
    const find = (connection: SqlConnection) => statements.dueJob.first(connection, due);
    // Who looks often and finds nothing costs no commit.
    if (!(await this.#database.readOne(find))) return null;
    const row = await this.#database.write(async (connection) => {
      const found = await find(connection);
      return found && statements.claimJob.first(connection, { id: found.id, owner, lease, now });
    });
    return row ? { ...toJob(row), secret: row.secret } : null;
  }

  async extend(id: JobId, owner: string, lease: number, progress: object | null): Promise<Lease> {
    const row = { id, owner, lease, progress: toJson(progress) };
    const held = await this.#database.write((connection) => statements.extendLease.first(connection, row));
    if (!held) return 'lost';
    return held.cancel_asked === 1 ? 'cancelled' : 'held';
  }

  async end(id: JobId, owner: string, outcome: JobOutcome, now: number): Promise<boolean> {
    const common = { id, owner, progress: toJson(outcome.progress) };
    const ended = await this.#database.write((connection) => {
      switch (outcome.kind) {
        case 'interrupted':
          return statements.giveUp.run(connection, { ...common, runAt: now, failures: null, error: null });
        case 'retry':
          return statements.giveUp.run(connection, { ...common, ...outcome, progress: common.progress });
        case 'succeeded':
          if (outcome.runAt === null) break;
          return statements.giveUp.run(connection, { ...common, runAt: outcome.runAt, failures: 0, error: null });
      }
      const error = 'error' in outcome ? outcome.error : null;
      return statements.endJob.run(connection, { ...common, state: outcome.kind, error, now });
    });
    if (
      outcome.kind === 'succeeded' ? outcome.runAt === null : outcome.kind === 'failed' || outcome.kind === 'cancelled'
    )
      await this.#database.emptyLog();
    return ended > 0;
  }

  async cancel(id: JobId, now: number): Promise<boolean> {
    const [waiting, running] = await this.#database.write(async (connection) => [
      await statements.cancelWaiting.run(connection, { id, now }),
      await statements.cancelRunning.run(connection, { id }),
    ]);
    if (waiting! > 0) await this.#database.emptyLog();
    return waiting! + running! > 0;
  }

  async wipeSecrets(): Promise<number> {
    const wiped = await this.#database.write((connection) => statements.wipeSecrets.run(connection, {}));
    if (wiped > 0) await this.#database.emptyLog();
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
