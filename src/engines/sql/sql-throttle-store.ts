import type { ThrottleLimit, ThrottleStore } from '../../stores/throttle-store.js';
import * as statements from './sign-in-statements.js';
import type { SqlConnection } from './sql-database.js';

export class SqlThrottleStore implements ThrottleStore {
  readonly #connection: SqlConnection;

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  async take(counter: string, limits: readonly ThrottleLimit[], now: number): Promise<number> {
    const rows = await statements.throttleCounts.all(this.#connection, { counter });
    const counts = limits.map(({ points, seconds }) => {
      const row = rows.find((one) => one.seconds === seconds);
      const end = now + seconds * 1000;
      const isRunning = row !== undefined && row.ends_at > now && row.ends_at <= end;
      return isRunning ? { points, seconds, used: row.used, end: row.ends_at } : { points, seconds, used: 0, end };
    });
    const waits = counts.filter(({ used, points }) => used >= points).map(({ end }) => end - now);
    if (waits.length > 0) return Math.max(...waits);
    for (const { seconds, used, end } of counts) {
      await statements.putThrottleCount.run(this.#connection, { counter, seconds, used: used + 1, end });
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
