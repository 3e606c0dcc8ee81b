import { type Selectable, sql } from 'kysely';
import type { Fragments } from './dialect.js';
import type { Schema } from './schema.js';
import { statement } from './statement.js';

export const insertUser = statement<{
  email: string;
  key: string;
  name: string;
  hash: string;
  isAdmin: boolean;
  now: number;
}>()((db, p, d) =>
  db
    .insertInto('app_user')
    .values({
      email: p('email'),
      email_key: p('key'),
      name: p('name'),
      password_hash: p('hash'),
      is_admin: p('isAdmin') as unknown as number,
      created_at: p('now'),
    })
    .$if(d.skipsTaken, (insertion) => insertion.onConflict((conflict) => conflict.doNothing()))
    .returningAll(),
);

export const findUser = statement<{ key: string }>()((db, p) =>
  db.selectFrom('app_user').selectAll().where('email_key', '=', p('key')),
);

export const listUsers = statement<{ after: string; limit: number }>()((db, p) =>
  db.selectFrom('app_user').selectAll().where('email_key', '>', p('after')).orderBy('email_key').limit(p('limit')),
);

export type UserWithDrives = Selectable<Schema['app_user']> & { drives: number };

const USER_WITH_DRIVES = sql.raw(
  'app_user.*, (SELECT count(*) FROM member WHERE member.user_id = app_user.id) AS drives FROM app_user',
);
/** As the index on them says it. */
const WITHOUT_SECOND_FACTOR = sql.raw('second_factor = 0 AND is_disabled = 0');

export const listUsersWithDrives = statement<{ after: string; limit: number }>()<UserWithDrives>(
  (_db, p) => sql<UserWithDrives>`
    SELECT ${USER_WITH_DRIVES} WHERE email_key > ${p('after')} ORDER BY email_key LIMIT ${p('limit')}`,
);

export const listUsersWithoutSecondFactor = statement<{ after: string; limit: number }>()<UserWithDrives>(
  (_db, p) => sql<UserWithDrives>`
    SELECT ${USER_WITH_DRIVES} WHERE ${WITHOUT_SECOND_FACTOR} AND email_key > ${p('after')}
    ORDER BY email_key LIMIT ${p('limit')}`,
);

export const countWithoutSecondFactor = statement<Record<string, never>>()<{ count: number }>(
  () => sql<{ count: number }>`SELECT count(*) AS count FROM app_user WHERE ${WITHOUT_SECOND_FACTOR}`,
);

export const lacksRequiredFactor = statement<{ id: number }>()<{ yes: number }>(
  (_db, p) => sql<{ yes: number }>`
    SELECT 1 AS yes FROM app_user WHERE id = ${p('id')} AND second_factor = 0
      AND (SELECT second_factor_required FROM organization) = 1`,
);

export const isAdministrator = statement<{ id: number }>()<{ yes: number }>(
  (_db, p) => sql<{ yes: number }>`
    SELECT 1 AS yes FROM app_user WHERE id = ${p('id')} AND is_admin = 1 AND is_disabled = 0`,
);

/** Any who can sign in. */
export const findAdministrator = statement<Record<string, never>>()<{ id: number }>(
  () => sql<{ id: number }>`SELECT id FROM app_user WHERE is_admin = 1 AND is_disabled = 0 LIMIT 1`,
);

/** A null leaves the column as it is. */
export const updateUser = statement<{
  id: number;
  name: string | null;
  isAdmin: boolean | null;
  isDisabled: boolean | null;
}>()<never>(
  (_db, p) => sql<never>`
    UPDATE app_user SET name = coalesce(${p('name')}, name), is_admin = coalesce(${p('isAdmin')}, is_admin),
      is_disabled = coalesce(${p('isDisabled')}, is_disabled)
    WHERE id = ${p('id')}`,
);

export const setOwnDrive = statement<{ id: number; drive: number | null }>()((db, p) =>
  db
    .updateTable('app_user')
    .set({ drive_id: p('drive') })
    .where('id', '=', p('id')),
);

export const keepFormerPassword = statement<{ id: number; now: number }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO former_password (user_id, hash, replaced_at)
    SELECT id, password_hash, ${p('now')} FROM app_user WHERE id = ${p('id')}`,
);

export const forgetFormerPasswords = statement<{ id: number; kept: number }>()<never>(
  (_db, p) => sql<never>`
    DELETE FROM former_password WHERE user_id = ${p('id')} AND id NOT IN (
      SELECT id FROM former_password WHERE user_id = ${p('id')} ORDER BY id DESC LIMIT ${p('kept')}
    )`,
);

export const setPassword = statement<{ id: number; hash: string }>()((db, p) =>
  db
    .updateTable('app_user')
    .set((row) => ({ password_hash: p('hash'), password_version: row('password_version', '+', 1) }))
    .where('id', '=', p('id')),
);

export const formerPasswords = statement<{ id: number; limit: number }>()((db, p) =>
  db
    .selectFrom('former_password')
    .select('hash')
    .where('user_id', '=', p('id'))
    .orderBy('id', 'desc')
    .limit(p('limit')),
);

export const noteFormerPassword = statement<{ id: number; at: number; client: string }>()((db, p) =>
  db
    .updateTable('app_user')
    .set({ refused_at: p('at'), refused_client: p('client') })
    .where('id', '=', p('id')),
);

/** An internal folder; `parent` null makes a drive's root. */
export const insertFolder = statement<{
  drive: number;
  parent: number | null;
  name: string;
  revision: number;
  now: number;
}>()((db, p) =>
  db
    .insertInto('node')
    .values({
      drive_id: p('drive'),
      parent_id: p('parent'),
      name: p('name'),
      is_collection: 1,
      modified: p('now'),
      created: p('now'),
      revision: p('revision'),
    })
    .returning('id'),
);

export const findFolder = statement<{ parent: number; name: string }>()((db, p) =>
  db.selectFrom('node').select('id').where('parent_id', '=', p('parent')).where('name', '=', p('name')),
);

export const insertDrive = statement<{ [Key in keyof Schema['drive']]: Schema['drive'][Key] }>()((db, p, d) =>
  db
    .insertInto('drive')
    .values({
      id: p('id'),
      name: p('name'),
      quota_bytes: p('quota_bytes'),
      upload_max_bytes: p('upload_max_bytes'),
      root_id: p('root_id'),
      common_id: p('common_id'),
      common_bin_id: p('common_bin_id'),
      created_at: p('created_at'),
      past_since: p('past_since'),
    })
    .$if(d.skipsTaken, (insertion) => insertion.onConflict((conflict) => conflict.doNothing())),
);

export const findDrive = statement<{ id: number }>()((db, p) =>
  db.selectFrom('drive').selectAll().where('id', '=', p('id')),
);

export const listDrives = statement<{ after: number; limit: number }>()((db, p) =>
  db.selectFrom('drive').selectAll().where('id', '>', p('after')).orderBy('id').limit(p('limit')),
);

export const updateDrive = statement<{
  id: number;
  name: string;
  quota: number | null;
  uploadMax: number | null;
}>()((db, p) =>
  db
    .updateTable('drive')
    .set({ name: p('name'), quota_bytes: p('quota'), upload_max_bytes: p('uploadMax') })
    .where('id', '=', p('id')),
);

export const putMember = statement<{ [Key in keyof Schema['member']]: Schema['member'][Key] }>()((db, p) =>
  db
    .insertInto('member')
    .values({
      drive_id: p('drive_id'),
      user_id: p('user_id'),
      role: p('role'),
      quota_bytes: p('quota_bytes'),
      home_id: p('home_id'),
      bin_id: p('bin_id'),
    })
    .onConflict((conflict) =>
      conflict.columns(['drive_id', 'user_id']).doUpdateSet((row) => ({
        role: row.ref('excluded.role'),
        quota_bytes: row.ref('excluded.quota_bytes'),
      })),
    ),
);

export const removeMember = statement<{ drive: number; user: number }>()((db, p) =>
  db.deleteFrom('member').where('drive_id', '=', p('drive')).where('user_id', '=', p('user')),
);

export const members = statement<{ drive: number }>()((db, p) =>
  db
    .selectFrom('member')
    .innerJoin('app_user', 'app_user.id', 'member.user_id')
    .selectAll('member')
    .select(['app_user.email', 'app_user.name'])
    .where('member.drive_id', '=', p('drive'))
    .orderBy('app_user.email_key'),
);

export const drivesOf = statement<{ user: number }>()((db, p) =>
  db
    .selectFrom('member')
    .innerJoin('drive', 'drive.id', 'member.drive_id')
    .selectAll('drive')
    .select('member.role')
    .where('member.user_id', '=', p('user'))
    .orderBy('drive.id'),
);

export const insertAppPassword = statement<{
  user: number;
  name: string;
  selector: string;
  hash: string;
  mac: string | null;
  drive: number | null;
  scope: number | null;
  allowance: Schema['app_password']['allowance'];
  expires: number | null;
  now: number;
}>()((db, p, d) =>
  db
    .insertInto('app_password')
    .values({
      user_id: p('user'),
      name: p('name'),
      selector: p('selector'),
      hash: p('hash'),
      mac: p('mac'),
      drive_id: p('drive'),
      scope_id: p('scope'),
      allowance: p('allowance'),
      created_at: p('now'),
      expires_at: p('expires'),
    })
    .$if(d.skipsTaken, (insertion) => insertion.onConflict((conflict) => conflict.doNothing()))
    .returningAll(),
);

export const findAppPassword = statement<{ selector: string }>()((db, p) =>
  db.selectFrom('app_password').selectAll().where('selector', '=', p('selector')),
);

export const listAppPasswords = statement<{ user: number }>()((db, p) =>
  db.selectFrom('app_password').selectAll().where('user_id', '=', p('user')).orderBy('id'),
);

export const revokeAppPassword = statement<{ user: number; id: number; now: number }>()((db, p) =>
  db
    .updateTable('app_password')
    .set({ revoked_at: p('now') })
    .where('id', '=', p('id'))
    .where('user_id', '=', p('user'))
    .where('revoked_at', 'is', null),
);

export const revokeAppPasswords = statement<{ user: number; now: number }>()((db, p) =>
  db
    .updateTable('app_password')
    .set({ revoked_at: p('now') })
    .where('user_id', '=', p('user'))
    .where('revoked_at', 'is', null),
);

/** Leaves a later use, noted by another process, as it is. */
export const noteUse = statement<{ id: number; at: number; client: string }>()((db, p) =>
  db
    .updateTable('app_password')
    .set({ last_used_at: p('at'), last_client: p('client') })
    .where('id', '=', p('id'))
    .where((row) => row.or([row('last_used_at', 'is', null), row('last_used_at', '<', p('at'))])),
);

export const noteRefusal = statement<{ id: number; at: number; client: string }>()((db, p) =>
  db
    .updateTable('app_password')
    .set({ refused_at: p('at'), refused_client: p('client') })
    .where('id', '=', p('id')),
);

/** What a credential that stands may do on a drive; `root_id` is null where its user is no member. */
export interface AccessRecord {
  ends_at?: number | null;
  drive_id: number | null;
  email: string;
  allowance: Schema['app_password']['allowance'];
  scope_id: number | null;
  name: string;
  quota_bytes: number | null;
  upload_max_bytes: number | null;
  root_id: number | null;
  common_id: number;
  common_bin_id: number;
  role: Schema['member']['role'];
  member_quota_bytes: number | null;
  home_id: number;
  bin_id: number;
}

const membershipColumns = sql`
  member.drive_id, drive.name, drive.quota_bytes, drive.upload_max_bytes, drive.root_id, drive.common_id, drive.common_bin_id,
  member.role, member.quota_bytes AS member_quota_bytes, member.home_id, member.bin_id`;

const drivesOfUser = (d: Fragments) =>
  sql`FROM member ${d.join} drive ON drive.id = member.drive_id WHERE member.user_id = app_user.id`;

/** The drive that a user sees where none is named: the one of their setting, else the first. */
const ownDrive = (d: Fragments) => sql<number>`
  (SELECT drive_id FROM member WHERE user_id = app_user.id AND drive_id = app_user.drive_id),
  (SELECT min(drive.id) ${drivesOfUser(d)} AND drive.created_at = (SELECT min(drive.created_at) ${drivesOfUser(d)}))`;

export const memberships = statement<{ user: number; drive: number | null }>()<AccessRecord>(
  (_db, p) => sql<AccessRecord>`
    SELECT app_user.email, 'full' AS allowance, NULL AS scope_id, ${membershipColumns}
    FROM app_user
    JOIN member ON member.user_id = app_user.id AND member.drive_id = coalesce(${p('drive')}, member.drive_id)
    JOIN drive ON drive.id = member.drive_id
    WHERE app_user.id = ${p('user')} AND app_user.is_disabled = 0
    ORDER BY drive.id`,
);

/** What is no app password's: with all of the user's rights, on the drive named or their own one. */
const FULL_COLUMNS = sql`app_user.email, 'full' AS allowance, NULL AS scope_id, ${membershipColumns}`;
const membershipOn = (drive: number | null, d: Fragments) => sql`
    LEFT JOIN member ON member.drive_id = coalesce(${drive}, ${ownDrive(d)}) AND member.user_id = app_user.id
    LEFT JOIN drive ON drive.id = member.drive_id`;

/** No row: the account password doesn't stand. */
export const accountAccess = statement<{
  user: number;
  version: number;
  mayLackFactor: boolean;
  drive: number | null;
}>()<AccessRecord>(
  (_db, p, d) => sql<AccessRecord>`
    SELECT ${FULL_COLUMNS} FROM app_user ${membershipOn(p('drive'), d)}
    WHERE app_user.id = ${p('user')} AND app_user.password_version = ${p('version')} AND app_user.is_disabled = 0
      AND app_user.second_factor = 0
      AND (${p('mayLackFactor')} OR (SELECT second_factor_required FROM organization) = 0)`,
);

/** No row: the session has ended. */
export const sessionAccess = statement<{ id: number; user: number; drive: number | null; now: number }>()<AccessRecord>(
  (_db, p, d) => sql<AccessRecord>`
    SELECT ${FULL_COLUMNS}, session.expires_at AS ends_at FROM session
    JOIN app_user ON app_user.id = session.user_id AND app_user.is_disabled = 0
      AND app_user.password_version = session.password_version
    ${membershipOn(p('drive'), d)}
    WHERE session.id = ${p('id')} AND session.user_id = ${p('user')} AND session.stage = 'full'
      AND session.expires_at > ${p('now')}`,
);

/** No row: there is no such user, or they are disabled. */
export const userAccess = statement<{ user: number; drive: number | null }>()<AccessRecord>(
  (_db, p, d) => sql<AccessRecord>`
    SELECT ${FULL_COLUMNS} FROM app_user ${membershipOn(p('drive'), d)}
    WHERE app_user.id = ${p('user')} AND app_user.is_disabled = 0`,
);

/** No row: the app password doesn't stand. */
export const appAccess = statement<{ id: number; user: number; drive: number | null; now: number }>()<AccessRecord>(
  (_db, p, d) => sql<AccessRecord>`
    SELECT app_user.email, app_password.allowance, app_password.scope_id, app_password.expires_at AS ends_at, ${membershipColumns}
    FROM app_password
    JOIN app_user ON app_user.id = app_password.user_id AND app_user.is_disabled = 0
    LEFT JOIN member ON member.drive_id = coalesce(${p('drive')}, app_password.drive_id, ${ownDrive(d)})
      AND member.user_id = app_user.id
      AND (app_password.drive_id IS NULL OR app_password.drive_id = member.drive_id)
    LEFT JOIN drive ON drive.id = member.drive_id
    WHERE app_password.id = ${p('id')} AND app_password.user_id = ${p('user')} AND app_password.revoked_at IS NULL
      AND (app_password.expires_at IS NULL OR app_password.expires_at > ${p('now')})`,
);
