import pg from 'pg';

export interface SentStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** What this process sends to PostgreSQL while `work` runs. */
export async function statementsSent(work: () => Promise<unknown>): Promise<SentStatement[]> {
  const original = pg.Client.prototype.query;
  const sent: SentStatement[] = [];
  pg.Client.prototype.query = function (this: pg.Client, ...asked: unknown[]) {
    const [what, values = []] = asked as [string | SentStatement, unknown[]?];
    sent.push(typeof what === 'string' ? { text: what, values } : what);
    return (original as (...asked: unknown[]) => unknown).apply(this, asked);
  } as typeof original;
  try {
    await work();
  } finally {
    pg.Client.prototype.query = original;
  }
  return sent;
}
