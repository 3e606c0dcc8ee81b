import { countOneMore, type ThrottleLimit, type ThrottleStore } from '../../stores/throttle-store.js';
import * as statements from './sign-in-statements.js';
import type { SqlConnection } from './sql-database.js';

export class SqlThrottleStore implements ThrottleStore {
  readonly #connection: SqlConnection;

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  async take(counter: string, limits: readonly ThrottleLimit[], now: number): Promise<number> {
    const rows = await statements.throttleCounts.all(this.#connection, { counter });
    const known = rows.map(({ seconds, used, ends_at: endsAt }) => ({ seconds, used, endsAt }));
    const counts = countOneMore(known, limits, now);
    if (typeof counts === 'number') return counts;
    for (const { seconds, used, endsAt: end } of counts) {
      await statements.putThrottleCount.run(this.#connection, { counter, seconds, used, end });
    }
    return 0;
  }

  async giveBack(counter: string): Promise<void> {
    await statements.giveThrottleBack.run(this.#connection, { counter });
  }

  async forget(counter: string): Promise<void> {
    await statements.forgetThrottle.run(this.#connection, { counter });
  }

  async removeEnded(now: number): Promise<void> {
    await statements.removeEndedThrottles.run(this.#connection, { now });
  }
}
