import type { ClientBase } from 'pg';
import type { DriveId } from '../../stores/values.js';
import type { DriveFacts } from '../sql/sql-database.js';

/**
 * Of its own, behind the lock: a statement that waits for a row sees what was there before it waited. What a transaction doesn't use of the
 * numbers is left out: few take a third revision, or make a second node.
 */
const FACTS = `SELECT nextval('revision_number') AS revision, nextval('revision_number') AS further,
  nextval('node_id_seq') AS node_id,
  EXISTS (SELECT 1 FROM dav_lock WHERE drive_id = ANY ($1::bigint[]))
  OR EXISTS (SELECT 1 FROM vacated_lock WHERE drive_id = ANY ($1::bigint[])) AS has_locks`;

interface Facts {
  /** Ascending. */
  readonly revisions: readonly number[];
  readonly nodeId: number;
  readonly hasLocks: boolean;
}

/** What is asked for together with the lock of the drives: it costs no trip, and most transactions need it. */
export class SentFacts implements DriveFacts {
  /** Where it fails, the transaction does. */
  readonly answer: Promise<Facts>;
  #revisionsGiven = 0;
  #isNodeGiven = false;
  #isLocked = false;

  constructor(client: ClientBase, drives: readonly DriveId[]) {
    this.answer = client.query(FACTS, [drives]).then(({ rows }) => factsOf(rows[0]));
    this.answer.catch(() => {});
  }

  async revision(): Promise<number | null> {
    const index = this.#revisionsGiven++;
    return (await this.answer).revisions[index] ?? null;
  }

  async nodeId(): Promise<number | null> {
    if (this.#isNodeGiven) return null;
    this.#isNodeGiven = true;
    return (await this.answer).nodeId;
  }

  async areUnlocked(): Promise<boolean> {
    return !this.#isLocked && !(await this.answer).hasLocks;
  }

  noteLock(): void {
    this.#isLocked = true;
  }
}

function factsOf(row: { revision: number; further: number; node_id: number; has_locks: number }): Facts {
  const revisions = [row.revision, row.further].sort((a, b) => a - b);
  return { revisions, nodeId: row.node_id, hasLocks: row.has_locks !== 0 };
}
