import { type RawBuilder, sql } from 'kysely';
import type { JobOutcome } from '../../stores/job-store.js';
import type { Fragments } from './dialect.js';
import type { Schema } from './schema.js';
import { statement } from './statement.js';

/** Statements on jobs. */

export interface JobRecord extends Omit<Schema['job'], 'id'> {
  id: number;
}

export const insertJob = statement<{
  kind: string;
  user: number | null;
  drive: number | null;
  parameters: string;
  secret: string | null;
  now: number;
}>()<JobRecord>(
  (_db, p) => sql<JobRecord>`
    INSERT INTO job (kind, state, run_at, user_id, drive_id, parameters, secret, created_at)
    VALUES (${p('kind')}, 'waiting', ${p('now')}, ${p('user')}, ${p('drive')}, ${p('parameters')}, ${p('secret')},
      ${p('now')}) RETURNING *`,
);

/** A shorter interval counts at once. */
export const updateRecurring = statement<{ kind: string; every: number; next: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE job SET every_minutes = ${p('every')},
      run_at = CASE state WHEN 'waiting' THEN ${d.least}(run_at, ${p('next')}) ELSE run_at END
    WHERE name = ${p('kind')}`,
);

export const insertRecurring = statement<{ kind: string; every: number; next: number; now: number }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO job (kind, name, every_minutes, state, run_at, parameters, created_at)
    VALUES (${p('kind')}, ${p('kind')}, ${p('every')}, 'waiting', ${p('next')}, '{}', ${p('now')})${d.orNothing}`,
);

export const pullBackJobs = statement<{ lease: number; wait: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE job SET run_at = CASE state WHEN 'running' THEN ${d.number(p('lease'))} ELSE ${d.number(p('wait'))} END
    WHERE (state = 'running' AND run_at > ${p('lease')})
    OR (state = 'waiting' AND every_minutes IS NULL AND run_at > ${p('wait')})`,
);

export const findJob = statement<{ id: number }>()((db, p) =>
  db.selectFrom('job').selectAll().where('id', '=', p('id')),
);

/** Null: of any. */
export const jobs = statement<{ kind: string | null; user: number | null; before: number; limit: number }>()<JobRecord>(
  (_db, p, d) => sql<JobRecord>`
    SELECT * FROM job WHERE id < ${p('before')} AND (${d.text(p('kind'))} IS NULL OR kind = ${p('kind')})
      AND (${d.number(p('user'))} IS NULL OR user_id = ${p('user')}) ORDER BY id DESC LIMIT ${p('limit')}`,
);

/** As `jobs`, of those that have not ended: by the index of what is due. */
export const openJobsOf = statement<{
  kind: string | null;
  user: number | null;
  before: number;
  limit: number;
}>()<JobRecord>(
  (_db, p, d) => sql<JobRecord>`
    SELECT * FROM job WHERE state IN ('waiting', 'running') AND id < ${p('before')}
      AND (${d.text(p('kind'))} IS NULL OR kind = ${p('kind')}) AND (${d.number(p('user'))} IS NULL OR user_id = ${p('user')})
    ORDER BY id DESC LIMIT ${p('limit')}`,
);

export const countOpenOf = statement<{ kind: string; user: number | null }>()<{ count: number }>(
  (_db, p) => sql<{ count: number }>`
    SELECT count(*) AS count FROM job
    WHERE state IN ('waiting', 'running') AND kind = ${p('kind')} AND user_id = ${p('user')}`,
);

export const openJobs = statement<{ kind: string }>()<{ state: Schema['job']['state']; count: number }>(
  (_db, p) => sql<{ state: Schema['job']['state']; count: number }>`
    SELECT state, count(*) AS count FROM job WHERE state IN ('waiting', 'running') AND kind = ${p('kind')}
    GROUP BY state`,
);

/** Kinds as a JSON list. Jobs of nobody wait for none of their kind. */
const due = (end: (d: Fragments) => RawBuilder<unknown>) =>
  statement<{ kinds: string; now: number }>()<JobRecord>(
    (_db, p, d) => sql<JobRecord>`
    SELECT * FROM job WHERE state IN ('waiting', 'running') AND run_at <= ${p('now')}
      AND kind IN ${d.texts(p('kinds'))}
      AND NOT EXISTS (SELECT 1 FROM job AS other WHERE other.state = 'running' AND other.run_at > ${p('now')}
        AND other.user_id = job.user_id AND other.kind = job.kind)
    ORDER BY (SELECT max(past.started_at) FROM job AS past WHERE past.user_id = job.user_id AND past.kind = job.kind)
      NULLS FIRST, run_at, id LIMIT 1${end(d)}`,
  );

export const dueJob = due(() => sql.raw(''));
/** To be claimed: what another process claims just now is left to it. */
export const takeDueJob = due((d) => d.takenOf('job'));

export const claimJob = statement<{ id: number; owner: string; lease: number; now: number }>()<JobRecord>(
  (_db, p) => sql<JobRecord>`
    UPDATE job SET state = 'running', owner = ${p('owner')}, run_at = ${p('lease')},
      started_at = coalesce(CASE WHEN every_minutes IS NULL THEN started_at END, ${p('now')})
    WHERE id = ${p('id')} RETURNING *`,
);

export const extendLease = statement<{ id: number; owner: string; lease: number; progress: string | null }>()<{
  cancel_asked: number;
}>(
  (_db, p) => sql<{ cancel_asked: number }>`
    UPDATE job SET run_at = ${p('lease')}, progress = coalesce(${p('progress')}, progress)
    WHERE id = ${p('id')} AND owner = ${p('owner')} AND state = 'running' RETURNING cancel_asked`,
);

export const giveUp = statement<{
  id: number;
  owner: string;
  runAt: number;
  /** Null: as many as before. */
  failures: number | null;
  error: string | null;
  progress: string | null;
}>()<never>(
  (_db, p) => sql<never>`
    UPDATE job SET state = 'waiting', owner = NULL, run_at = ${p('runAt')}, error = ${p('error')},
      attempts = coalesce(${p('failures')}, attempts),
      progress = coalesce(${p('progress')}, progress)
    WHERE id = ${p('id')} AND owner = ${p('owner')} AND state = 'running'`,
);

export const endJob = statement<{
  id: number;
  owner: string;
  state: Extract<JobOutcome['kind'], Schema['job']['state']>;
  error: string | null;
  progress: string | null;
  now: number;
}>()<never>(
  (_db, p) => sql<never>`
    UPDATE job SET state = ${p('state')}, owner = NULL, error = ${p('error')}, secret = NULL, ended_at = ${p('now')},
      progress = coalesce(${p('progress')}, progress)
    WHERE id = ${p('id')} AND owner = ${p('owner')} AND state = 'running'`,
);

export const cancelWaiting = statement<{ id: number; now: number }>()<never>(
  (_db, p) => sql<never>`
    UPDATE job SET state = 'cancelled', secret = NULL, ended_at = ${p('now')}
    WHERE id = ${p('id')} AND state = 'waiting' AND every_minutes IS NULL`,
);

export const cancelRunning = statement<{ id: number }>()<never>(
  (_db, p) => sql<never>`
    UPDATE job SET cancel_asked = 1 WHERE id = ${p('id')} AND state = 'running' AND every_minutes IS NULL`,
);

export const wipeSecrets = statement<Record<never, never>>()<never>(
  () => sql<never>`
    UPDATE job SET secret = NULL WHERE secret IS NOT NULL AND state NOT IN ('waiting', 'running')`,
);
