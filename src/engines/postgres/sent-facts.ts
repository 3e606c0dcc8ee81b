import type { ClientBase } from 'pg';
import type { DriveId } from '../../stores/values.js';
import type { DriveFacts } from '../sql/sql-database.js';

/** Of its own, behind the lock: a statement that waits for a row sees what was there before it waited. */
const FACTS = `SELECT nextval('revision_number') AS revision,
  EXISTS (SELECT 1 FROM dav_lock WHERE drive_id = ANY ($1::bigint[]))
  OR EXISTS (SELECT 1 FROM vacated_lock WHERE drive_id = ANY ($1::bigint[])) AS has_locks`;

/** What is asked for together with the lock of the drives: it costs no trip, and most transactions need it. */
export class SentFacts implements DriveFacts {
  /** Where it fails, the transaction does. */
  readonly answer: Promise<{ readonly revision: number; readonly has_locks: number }>;
  #isGiven = false;
  #isLocked = false;

  constructor(client: ClientBase, drives: readonly DriveId[]) {
    this.answer = client.query(FACTS, [drives]).then(({ rows }) => rows[0]);
    this.answer.catch(() => {});
  }

  async revision(): Promise<number | null> {
    if (this.#isGiven) return null;
    this.#isGiven = true;
    return (await this.answer).revision;
  }

  async areUnlocked(): Promise<boolean> {
    return !this.#isLocked && (await this.answer).has_locks === 0;
  }

  noteLock(): void {
    this.#isLocked = true;
  }
}
