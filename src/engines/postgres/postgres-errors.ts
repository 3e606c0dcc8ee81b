import { StorageFullError } from '../../stores/blob-store.js';
import { StoreBusyError, StoreFailingError, StoreUnreachableError } from '../../stores/metadata-store.js';
import { UniqueViolation } from '../sql/sql-database.js';

/** The codes of PostgreSQL's manual, appendix A; null for an error that the server didn't send. */
export function codeOf(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as object) ? code : null;
}

/** Whether an error of the driver says that the connection is gone; what was asked last may have been done. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error);
  return code === null ? error instanceof Error && !isSilence(error) : /^(08|57P0[123])/.test(code);
}

/** Whether the driver gave up waiting. */
function isSilence(error: Error): boolean {
  return /timeout/.test(error.message);
}

/** Whether the same transaction may succeed when it runs again: two stood in each other's way. */
export function isConflict(error: unknown): boolean {
  return /^40(001|P01)$/.test(codeOf(error) ?? '');
}

/** A row that another transaction has named since this one looked: with its snapshot a statement can't see that. */
export function isLateReference(error: unknown): boolean {
  return codeOf(error) === '23503';
}

/** Names the failures of the driver that callers know; returns any other as it is. */
export function translate(error: unknown): unknown {
  const code = codeOf(error);
  const options = { cause: error };
  if (code === '23505') return new UniqueViolation((error as Error).message, options);
  if (code === '53100') return new StorageFullError(options);
  if (code === '25006')
    return new StoreFailingError('the database takes no writes: it is a standby', { ...options, part: 'database' });
  if (/^(55P03|57014|40001|40P01|53[0-9A-Z]{3})$/.test(code ?? '')) {
    return new StoreBusyError('the database is busy', options);
  }
  if (code === '25P03') return new StoreBusyError('the transaction took too long', options);
  return code === null || isLost(error) ? new StoreUnreachableError('the database can not be reached', options) : error;
}
