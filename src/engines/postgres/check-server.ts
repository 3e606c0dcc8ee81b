import type { DatabaseReport } from '../../stores/cluster-store.js';
import { StorageFormatError } from '../../stores/storage-errors.js';

/** A column for each, so that one statement answers all. */
const SETTINGS = `
  SELECT pg_is_in_recovery() AS is_standby, current_setting('server_version_num')::bigint AS version_number,
    current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS standbys`;
/** The oldest that is tested. */
const VERSION_MIN = 150_000;
const NO_STANDBY =
  'The database has no synchronous standby: a failover to another one may lose acknowledged changes ' +
  '(synchronous_standby_names is empty).';

interface Settings {
  readonly is_standby: number;
  readonly version_number: number;
  readonly version: string;
  readonly encoding: string;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly synchronous_commit: string;
  readonly standbys: string;
}

/** Asks the server by `ask`, which returns the rows of a statement. `mayBeUnsafe`: see `PostgresOptions`. */
export async function lookAtServer(
  ask: (sql: string) => Promise<readonly unknown[]>,
  mayBeUnsafe: boolean,
): Promise<DatabaseReport> {
  const [settings] = (await ask(SETTINGS)) as [Settings];
  const { version, standbys } = settings;
  const refusal = cannotBeUsed(settings) ?? (mayBeUnsafe ? null : wouldLose(settings));
  return { version, standbys, refusal, warnings: standbys === '' ? [NO_STANDBY] : [] };
}

/** Throws `StorageFormatError` where the server would not keep what it acknowledges, or is none that Firn can use. */
export async function checkServer(
  ask: (sql: string) => Promise<readonly unknown[]>,
  mayBeUnsafe: boolean,
): Promise<void> {
  const { refusal } = await lookAtServer(ask, mayBeUnsafe);
  if (refusal !== null) throw new StorageFormatError(refusal);
}

function cannotBeUsed({ is_standby: isStandby, version_number: version, encoding }: Settings): string | null {
  if (version < VERSION_MIN) return 'the database is older than PostgreSQL 15: update it';
  if (encoding !== 'UTF8') return `the database is in ${encoding}: make one in UTF8`;
  return isStandby === 1 ? 'the database is a standby: name the primary' : null;
}

function wouldLose(settings: Settings): string | null {
  for (const name of ['fsync', 'full_page_writes'] as const) {
    if (settings[name] !== 'on') return `the database has ${name} off and would lose files: turn it on`;
  }
  const { synchronous_commit: commit } = settings;
  return ['off', 'local'].includes(commit)
    ? `the database has synchronous_commit = ${commit} and would lose files: set it to on`
    : null;
}
