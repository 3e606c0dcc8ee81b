import { MetadataDamagedError } from '../../stores/blob-index.js';

/** What SQLite, or PostgreSQL (appendix A of its manual), says of a page that it can't read or make sense of. */
const DAMAGE = /^(SQLITE_(CORRUPT|NOTADB|IOERR)|XX00[12]$|58030$)/;

/** Whether a statement failed because the database is damaged there. */
export function isDamage(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && DAMAGE.test(String(error.code));
}

/** Rejects with `MetadataDamagedError` where the database is damaged there. */
export async function tellDamage<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isDamage(error) ? new MetadataDamagedError(error.message, { cause: error }) : error;
  }
}
