import { sql } from 'kysely';
import type { Schema } from './schema.js';
import { statement } from './statement.js';

/** Statements on locks, those in force and the vacated ones. JSON lists as in node-statements.ts. */

export type LockRecord = Schema['dav_lock'];

/** With what its user is called. */
export type HeldLockRecord = LockRecord & { user_name: string };

const userName = sql.raw("CASE WHEN app_user.name = '' THEN app_user.email ELSE app_user.name END AS user_name");

export const locksOn = statement<{ nodes: string; now: number }>()<HeldLockRecord>(
  (_db, p, d) => sql<HeldLockRecord>`
    SELECT dav_lock.*, ${userName} FROM dav_lock ${d.join} app_user ON app_user.id = dav_lock.user_id
    WHERE dav_lock.node_id IN ${d.numbers(p('nodes'))} AND dav_lock.expires_at > ${p('now')}`,
);

/** A locked node, or one above such. */
export type LockedPlaceRecord = Pick<Schema['node'], 'parent_id' | 'name' | 'is_collection'> & { id: number };

/** Such a node with a lock of its own; one has a row for each of them, and those between have no lock. */
export type LockBelowRecord = LockedPlaceRecord & (HeldLockRecord | { [Column in keyof HeldLockRecord]: null });

/**
 * Up from the locked nodes of a node's drive, each node once, so that a thousand locks in one folder don't walk up from
 * there a thousand times. The node itself isn't among them.
 */
export const locksBelow = statement<{ node: number; now: number }>()<LockBelowRecord>(
  (_db, p, d) => sql<LockBelowRecord>`
    WITH RECURSIVE up (id, parent_id, name, is_collection) AS (
      SELECT node.id, node.parent_id, node.name, node.is_collection
      FROM dav_lock ${d.join} node ON node.id = dav_lock.node_id
      WHERE dav_lock.drive_id = (SELECT drive_id FROM node WHERE id = ${p('node')})
      AND dav_lock.expires_at > ${p('now')} AND dav_lock.node_id <> ${p('node')}
      UNION
      SELECT node.id, node.parent_id, node.name, node.is_collection FROM up ${d.join} node ON node.id = up.parent_id
      WHERE up.parent_id <> ${p('node')}
    )
    SELECT up.id, up.parent_id, up.name, up.is_collection, dav_lock.*, ${userName} FROM up
    LEFT JOIN dav_lock ON dav_lock.node_id = up.id AND dav_lock.expires_at > ${p('now')}
    LEFT JOIN app_user ON app_user.id = dav_lock.user_id`,
);

/** Of one user among all of a drive. */
export const lockCounts = statement<{ drive: number; user: number }>()<{ drive: number; user: number }>(
  (_db, p, d) => sql<{ drive: number; user: number }>`
    SELECT count(*) AS drive, coalesce(sum(${d.truth(sql`user_id = ${p('user')}`)}), 0) AS user FROM dav_lock
    WHERE drive_id = ${p('drive')}`,
);

export const findLock = statement<{ token: string; now: number }>()((db, p) =>
  db.selectFrom('dav_lock').selectAll().where('token', '=', p('token')).where('expires_at', '>', p('now')),
);

export const insertLock = statement<{ [Key in keyof LockRecord]: LockRecord[Key] }>()((db, p) =>
  db.insertInto('dav_lock').values({
    token: p('token'),
    drive_id: p('drive_id'),
    node_id: p('node_id'),
    user_id: p('user_id'),
    scope: p('scope'),
    is_deep: p('is_deep'),
    owner_xml: p('owner_xml'),
    timeout_seconds: p('timeout_seconds'),
    expires_at: p('expires_at'),
  }),
);

export const refreshLock = statement<{ token: string; timeout: number; expires: number }>()((db, p) =>
  db
    .updateTable('dav_lock')
    .set({ timeout_seconds: p('timeout'), expires_at: p('expires') })
    .where('token', '=', p('token')),
);

export const removeLock = statement<{ token: string }>()((db, p) =>
  db.deleteFrom('dav_lock').where('token', '=', p('token')),
);

export const removeExpiredLocks = statement<{ drive: number; now: number }>()((db, p) =>
  db.deleteFrom('dav_lock').where('drive_id', '=', p('drive')).where('expires_at', '<=', p('now')),
);

export const removeLocksOn = statement<{ nodes: string }>()<never>(
  (_db, p, d) => sql<never>`DELETE FROM dav_lock WHERE node_id IN ${d.numbers(p('nodes'))}`,
);

/** `drive` null: on all drives. */
export const removeLocksOf = statement<{ user: number; drive: number | null }>()<never>(
  (_db, p) => sql<never>`
    DELETE FROM dav_lock WHERE user_id = ${p('user')} AND drive_id = coalesce(${p('drive')}, drive_id)`,
);

export const forgetVacatedLocksOf = statement<{ user: number; drive: number | null }>()<never>(
  (_db, p) => sql<never>`
    DELETE FROM vacated_lock WHERE user_id = ${p('user')} AND drive_id = coalesce(${p('drive')}, drive_id)`,
);

export const rerootLocks = statement<{ from: number; to: number }>()((db, p) =>
  db
    .updateTable('dav_lock')
    .set({ node_id: p('to') })
    .where('node_id', '=', p('from')),
);

export type VacatedLockRecord = Schema['vacated_lock'];

export const vacatedLocks = statement<{ user: number; tokens: string; now: number }>()<VacatedLockRecord>(
  (_db, p, d) => sql<VacatedLockRecord>`
    SELECT * FROM vacated_lock WHERE token IN ${d.texts(p('tokens'))}
    AND user_id = ${p('user')} AND kept_until > ${p('now')} AND expires_at > ${p('now')}`,
);

export const vacateLocks = statement<{
  node: number;
  parent: number;
  name: string;
  user: number;
  tokens: string;
  now: number;
  until: number;
}>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO vacated_lock
      (token, drive_id, parent_id, name, user_id, scope, owner_xml, timeout_seconds, expires_at, kept_until)
    SELECT token, drive_id, ${p('parent')}, ${p('name')}, user_id, scope, owner_xml, timeout_seconds, expires_at,
      ${p('until')}
    FROM dav_lock WHERE node_id = ${p('node')} AND user_id = ${p('user')} AND expires_at > ${p('now')}
    AND token IN ${d.texts(p('tokens'))}`,
);

export const forgetVacatedLock = statement<{ token: string }>()((db, p) =>
  db.deleteFrom('vacated_lock').where('token', '=', p('token')),
);

export const forgetKeptLocks = statement<{ drive: number; now: number }>()((db, p) =>
  db.deleteFrom('vacated_lock').where('drive_id', '=', p('drive')).where('kept_until', '<=', p('now')),
);
