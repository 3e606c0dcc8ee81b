import { sql } from 'kysely';
import type { ClockMark, ClockStore } from '../../stores/clock-store.js';
import type { SqlDatabase } from './sql-database.js';
import { statement } from './statement.js';

const readMark = statement<Record<string, never>>()((db) => db.selectFrom('clock_mark').selectAll());

const putMark = statement<{ noted: number; expiry: number; steady: number }>()((db, p) =>
  db.updateTable('clock_mark').set({ noted_at: p('noted'), expiry_at: p('expiry'), steady_ms: p('steady') }),
);

const pullBackLocks = statement<{ now: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE dav_lock SET expires_at = ${d.number(p('now'))} + timeout_seconds * 1000
    WHERE expires_at > ${p('now')} + timeout_seconds * 1000`,
);

const pullBackVacated = statement<{ now: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE vacated_lock SET expires_at = ${d.number(p('now'))} + timeout_seconds * 1000, kept_until = ${p('now')}
    WHERE expires_at > ${p('now')} + timeout_seconds * 1000`,
);

const pullBackSessions = statement<{ now: number; longest: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE session SET created_at = ${d.least}(created_at, ${p('now')}), proved_at = ${d.least}(proved_at, ${p('now')}),
      seen_at = ${d.least}(seen_at, ${p('now')}), expires_at = ${d.least}(expires_at, ${d.number(p('now'))} + ${d.number(p('longest'))})
    WHERE created_at > ${p('now')} OR proved_at > ${p('now')} OR seen_at > ${p('now')}
    OR expires_at > ${d.number(p('now'))} + ${d.number(p('longest'))}`,
);

const pullBackHolds = statement<{ now: number; longest: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE sweep_hold SET held_until = ${d.number(p('now'))} + ${d.number(p('longest'))} WHERE held_until > ${d.number(p('now'))} + ${d.number(p('longest'))}`,
);

const pullBackMarks = statement<{ now: number }>()<never>(
  (_db, p) => sql<never>`UPDATE condemned SET condemned_at = ${p('now')} WHERE condemned_at > ${p('now')}`,
);

const pullBackSweeps = statement<{ now: number }>()<never>(
  (_db, p) => sql<never>`UPDATE sweep SET begun_at = ${p('now')} WHERE begun_at > ${p('now')}`,
);

const pullBackSwept = statement<{ now: number }>()<never>(
  (_db, p) => sql<never>`UPDATE swept SET swept_at = ${p('now')} WHERE swept_at > ${p('now')}`,
);

const pullBackTrash = statement<{ now: number }>()<never>(
  (_db, p) => sql<never>`
    UPDATE trash SET deleted_at = ${p('now')} WHERE drive_id IN (SELECT id FROM drive) AND deleted_at > ${p('now')}`,
);

const pullBackUploads = statement<{ now: number; longest: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE upload SET expires_at = ${d.number(p('now'))} + ${d.number(p('longest'))} WHERE expires_at > ${d.number(p('now'))} + ${d.number(p('longest'))}`,
);

/** The clock's mark in an SQL database. */
export class SqlClockStore implements ClockStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async readMark(): Promise<ClockMark> {
    const row = await this.#database.readOne((connection) => readMark.first(connection, {}));
    return { notedAt: row!.noted_at, expiryAt: row!.expiry_at, steadyMs: row!.steady_ms };
  }

  async putMark({ notedAt: noted, expiryAt: expiry, steadyMs: steady }: ClockMark): Promise<void> {
    await this.#database.write((connection) => putMark.run(connection, { noted, expiry, steady }));
  }

  async pullBack(now: number, { sessionMs, holdMs }: { sessionMs: number; holdMs: number }): Promise<void> {
    await this.#database.write(async (connection) => {
      await pullBackLocks.run(connection, { now });
      await pullBackVacated.run(connection, { now });
      await pullBackSessions.run(connection, { now, longest: sessionMs });
      await pullBackHolds.run(connection, { now, longest: holdMs });
      await pullBackMarks.run(connection, { now });
      await pullBackSweeps.run(connection, { now });
      await pullBackSwept.run(connection, { now });
    });
  }

  async pullBackKept(now: number, { uploadMs }: { uploadMs: number }): Promise<void> {
    await this.#database.write(async (connection) => {
      await pullBackTrash.run(connection, { now });
      await pullBackUploads.run(connection, { now, longest: uploadMs });
    });
  }
}
