import { setTimeout as wait } from 'node:timers/promises';
import { OutcomeUnknownError } from '../../stores/metadata-store.js';

/**
 * By these the outcome of a commit is found. A promoted standby, of another timeline, may count as it likes. A server that crashed counts
 * transactions again of which its disk knew nothing yet; then, and only then, its statistics begin again (`era`).
 */
const SERVER = `substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) AS timeline,
  pg_stat_get_bgwriter_stat_reset_time()::text AS era`;
export const MARK = `pg_current_xact_id()::text AS xid, ${SERVER}`;
const OUTCOME = `SELECT pg_xact_status($1::xid8) AS status, ${SERVER}`;

/** How long a commit's outcome is asked for, in milliseconds: a transaction whose COMMIT got lost is ended by the server after 10 s. */
const ASKING_MS = 12_000;
const PAUSE_MS = 100;

export interface TransactionMark {
  readonly xid: string;
  readonly timeline: string;
  readonly era: string;
}

interface Outcome extends Omit<TransactionMark, 'xid'> {
  readonly status: string | null;
}

/** Its `cause` ended the connection, or came in the place of an answer, when the COMMIT had been sent. */
export class BrokenCommitError extends Error {
  override readonly name = 'BrokenCommitError';

  constructor(
    readonly mark: TransactionMark,
    readonly value: unknown,
    cause: unknown,
  ) {
    super('a commit was not answered', { cause });
  }
}

/** Whether the transaction was committed. Throws `OutcomeUnknownError`. `ask` runs a statement on another connection. */
export async function wasCommitted(
  { mark, cause }: BrokenCommitError,
  ask: (sql: string, values: readonly unknown[]) => Promise<readonly unknown[]>,
): Promise<boolean> {
  for (const giveUpAt = Date.now() + ASKING_MS; Date.now() < giveUpAt; await wait(PAUSE_MS)) {
    const [row] = (await ask(OUTCOME, [mark.xid]).catch(() => [])) as readonly Outcome[];
    if (row && row.timeline !== mark.timeline) break;
    if (row?.status === 'aborted') return false;
    if (row?.status === 'committed' && row.era !== mark.era) break;
    if (row?.status === 'committed') return true;
  }
  throw new OutcomeUnknownError('the connection broke while something was written', { cause });
}
