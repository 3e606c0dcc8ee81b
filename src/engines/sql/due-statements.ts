import { sql } from 'kysely';
import type { DueWork } from '../../stores/metadata-store.js';
import { statement } from './statement.js';

/** Which drives have work that is due. */

export interface DueRecord {
  id: number;
  is_due: number;
}

/** A table of rows that expire: an index has them by drive, then by `time`. */
interface Expiring {
  readonly table: string;
  readonly time: string;
  readonly by: '<' | '<=';
}

/** Goes from drive to drive by the index; rows that are not due cost nothing, however many a drive has. */
function dueDrives(tables: readonly Expiring[]) {
  return statement<{ before: number; after: number; limit: number }>()<DueRecord>((_db, p) => {
    const nextAfter = (position: ReturnType<typeof sql>) => {
      const firsts = tables.map(
        ({ table }) => sql`SELECT min(drive_id) AS id FROM ${sql.table(table)} WHERE drive_id > ${position}`,
      );
      return firsts.length === 1
        ? sql`(${firsts[0]})`
        : sql`(SELECT min(id) FROM (${sql.join(firsts, sql` UNION ALL `)}) AS first)`;
    };
    const isDue = tables.map(
      ({ table, time, by }) =>
        sql`EXISTS (SELECT 1 FROM ${sql.table(table)} WHERE drive_id = walk.id
          AND ${sql.ref(time)} ${sql.raw(by)} ${p('before')})`,
    );
    return sql<DueRecord>`
      WITH RECURSIVE walk (id, step) AS (
        SELECT ${nextAfter(sql`${p('after')}`)}, 1
        UNION ALL
        SELECT ${nextAfter(sql`walk.id`)}, step + 1 FROM walk WHERE walk.id IS NOT NULL AND step < ${p('limit')}
      )
      SELECT id, ${sql.join(isDue, sql` OR `)} AS is_due FROM walk WHERE id IS NOT NULL`;
  });
}

export const DUE_DRIVES: Readonly<Record<DueWork, ReturnType<typeof dueDrives>>> = {
  trash: dueDrives([{ table: 'trash', time: 'deleted_at', by: '<' }]),
  locks: dueDrives([
    { table: 'dav_lock', time: 'expires_at', by: '<=' },
    { table: 'vacated_lock', time: 'kept_until', by: '<=' },
  ]),
  uploads: dueDrives([{ table: 'upload', time: 'expires_at', by: '<' }]),
  removals: dueDrives([{ table: 'removal', time: 'removed_at', by: '<' }]),
  past: dueDrives([{ table: 'node_past', time: 'due_at', by: '<=' }]),
};
