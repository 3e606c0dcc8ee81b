import pg from 'pg';

/** Statements that nobody waits for. */
const UNAWAITED = /^ROLLBACK/;

/** Counts the times that this process waits for PostgreSQL: what is sent before an answer has come goes in one trip. */
export class Trips {
  #count = 0;
  readonly #original = pg.Client.prototype.query;

  constructor() {
    const { original, note } = { original: this.#original, note: () => this.#count++ };
    const waiting = new WeakSet<object>();
    pg.Client.prototype.query = function (this: pg.Client, ...asked: unknown[]) {
      const answer = (original as (...asked: unknown[]) => unknown).apply(this, asked);
      const [what] = asked as [string | { text: string }];
      if (UNAWAITED.test(typeof what === 'string' ? what : what.text)) return answer;
      if (!waiting.has(this)) note();
      waiting.add(this);
      const arrived = () => void waiting.delete(this);
      (answer as Promise<unknown>).then(arrived, arrived);
      return answer;
    } as typeof original;
  }

  /** The fewest of several times: other work of the process only adds. */
  async least(work: (time: number) => Promise<unknown>): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    for (let time = 0; time < 4; time++) {
      const before = this.#count;
      await work(time);
      least = Math.min(least, this.#count - before);
    }
    return least;
  }

  stop(): void {
    pg.Client.prototype.query = this.#original;
  }
}
