import type { ClientBase } from 'pg';
import { StorageFormatError } from '../../stores/storage-errors.js';

const SETTINGS = `
  SELECT pg_is_in_recovery() AS is_standby, current_setting('server_version_num')::bigint AS version,
    current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes, current_setting('synchronous_commit') AS synchronous_commit`;
/** The oldest that is tested. */
const VERSION_MIN = 150_000;

/** Throws `StorageFormatError` where the server would not keep what it acknowledges, or is none that Firn can use. */
export async function checkServer(client: ClientBase, mayBeUnsafe: boolean): Promise<void> {
  const [row] = (await client.query(SETTINGS)).rows as {
    is_standby: number;
    version: number;
    encoding: string;
    fsync: string;
    full_page_writes: string;
    synchronous_commit: string;
  }[];
  const { is_standby: isStandby, version, encoding, synchronous_commit: commit } = row!;
  if (version < VERSION_MIN) throw new StorageFormatError('the database is older than PostgreSQL 15: update it');
  if (encoding !== 'UTF8') throw new StorageFormatError(`the database is in ${encoding}: make one in UTF8`);
  if (isStandby === 1) throw new StorageFormatError('the database is a standby: name the primary');
  if (mayBeUnsafe) return;
  for (const name of ['fsync', 'full_page_writes'] as const) {
    if (row![name] !== 'on')
      throw new StorageFormatError(`the database has ${name} off and would lose files: turn it on`);
  }
  if (['off', 'local'].includes(commit)) {
    throw new StorageFormatError(`the database has synchronous_commit = ${commit} and would lose files: set it to on`);
  }
}
