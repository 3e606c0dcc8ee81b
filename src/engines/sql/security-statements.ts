import { sql } from 'kysely';
import type { Schema } from './schema.js';
import { statement } from './statement.js';

/** Statements on second factors and sessions. */

export const findTotp = statement<{ user: number }>()((db, p) =>
  db.selectFrom('totp').selectAll().where('user_id', '=', p('user')),
);

export const putPendingTotp = statement<{ user: number; secret: string; now: number }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO totp (user_id, secret, created_at) VALUES (${p('user')}, ${p('secret')}, ${p('now')})
    ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at
    WHERE totp.confirmed_at IS NULL`,
);

export const confirmTotp = statement<{ user: number; step: number; now: number }>()<never>(
  (_db, p) => sql<never>`
    UPDATE totp SET confirmed_at = ${p('now')}, last_step = ${p('step')}
    WHERE user_id = ${p('user')} AND confirmed_at IS NULL AND last_step < ${p('step')}`,
);

export const takeTotpStep = statement<{ user: number; step: number }>()<never>(
  (_db, p) => sql<never>`
    UPDATE totp SET last_step = ${p('step')}
    WHERE user_id = ${p('user')} AND confirmed_at IS NOT NULL AND last_step < ${p('step')}`,
);

export const removeTotp = statement<{ user: number }>()((db, p) =>
  db.deleteFrom('totp').where('user_id', '=', p('user')),
);

/** True to what is there. */
export const markSecondFactor = statement<{ user: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE app_user SET second_factor =
      ${d.truth(sql`EXISTS (SELECT 1 FROM totp WHERE user_id = app_user.id AND confirmed_at IS NOT NULL)
      OR EXISTS (SELECT 1 FROM passkey WHERE user_id = app_user.id)`)}
    WHERE id = ${p('user')}`,
);

/** Who has one need not be told any more. */
export const endAlert = statement<{ user: number }>()<never>(
  (_db, p) => sql<never>`UPDATE app_user SET alerted_at = NULL WHERE id = ${p('user')} AND second_factor = 1`,
);

export const hasSecondFactor = statement<{ user: number }>()<{ second_factor: number }>(
  (_db, p) => sql<{ second_factor: number }>`SELECT second_factor FROM app_user WHERE id = ${p('user')}`,
);

export const findRecoveryCode = statement<{ user: number; selector: string }>()((db, p) =>
  db.selectFrom('recovery_code').selectAll().where('user_id', '=', p('user')).where('selector', '=', p('selector')),
);

export const takeRecoveryCode = statement<{ user: number; selector: string; now: number }>()((db, p) =>
  db
    .updateTable('recovery_code')
    .set({ used_at: p('now') })
    .where('user_id', '=', p('user'))
    .where('selector', '=', p('selector'))
    .where('used_at', 'is', null),
);

export const removeRecoveryCodes = statement<{ user: number }>()((db, p) =>
  db.deleteFrom('recovery_code').where('user_id', '=', p('user')),
);

export const insertRecoveryCode = statement<{ user: number; selector: string; hash: string }>()((db, p) =>
  db.insertInto('recovery_code').values({ user_id: p('user'), selector: p('selector'), hash: p('hash') }),
);

export const countRecoveryCodes = statement<{ user: number }>()<{ count: number }>(
  (_db, p) => sql<{ count: number }>`
    SELECT count(*) AS count FROM recovery_code WHERE user_id = ${p('user')} AND used_at IS NULL`,
);

export type PasskeyRecord = Schema['passkey'];

export const passkeys = statement<{ user: number }>()((db, p) =>
  db.selectFrom('passkey').selectAll().where('user_id', '=', p('user')).orderBy('id'),
);

export const findPasskey = statement<{ id: string }>()((db, p) =>
  db.selectFrom('passkey').selectAll().where('id', '=', p('id')),
);

export const insertPasskey = statement<{
  id: string;
  user: number;
  name: string;
  publicKey: Uint8Array;
  counter: number;
  transports: string;
  now: number;
}>()((db, p, d) =>
  db
    .insertInto('passkey')
    .values({
      id: p('id'),
      user_id: p('user'),
      name: p('name'),
      public_key: p('publicKey'),
      counter: p('counter'),
      transports: p('transports'),
      created_at: p('now'),
    })
    .$if(d.skipsTaken, (insertion) => insertion.onConflict((conflict) => conflict.doNothing())),
);

/** Authenticators without a counter always say 0 (WebAuthn §6.1.1). */
export const usePasskey = statement<{ id: string; counter: number; now: number }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE passkey SET counter = ${p('counter')}, last_used_at = ${p('now')}
    WHERE id = ${p('id')} AND (counter < ${p('counter')} OR (counter = 0 AND ${d.number(p('counter'))} = 0))`,
);

export const removePasskey = statement<{ user: number; id: string }>()((db, p) =>
  db.deleteFrom('passkey').where('user_id', '=', p('user')).where('id', '=', p('id')),
);

export const removePasskeys = statement<{ user: number }>()((db, p) =>
  db.deleteFrom('passkey').where('user_id', '=', p('user')),
);

export interface SessionRecord extends Omit<Schema['session'], 'id' | 'key' | 'password_version'> {
  id: number;
}

const SESSION = sql.raw(
  'session.id, session.user_id, session.stage, session.created_at, session.proved_at, session.seen_at, ' +
    'session.expires_at, session.address, session.client',
);

export const insertSession = statement<{
  key: string;
  user: number;
  version: number;
  stage: Schema['session']['stage'];
  now: number;
  expires: number;
  address: string;
  client: string;
}>()<SessionRecord>(
  (_db, p) => sql<SessionRecord>`
    INSERT INTO session (key, user_id, password_version, stage, created_at, proved_at, seen_at, expires_at, address, client)
    VALUES (${p('key')}, ${p('user')}, ${p('version')}, ${p('stage')}, ${p('now')}, ${p('now')}, ${p('now')},
      ${p('expires')}, ${p('address')}, ${p('client')}) RETURNING ${SESSION}`,
);

export interface SessionAccessRecord extends SessionRecord {
  email: string;
  name: string;
  password_version: number;
  is_admin: number;
  second_factor: number;
  alerted_at: number | null;
  second_factor_required: number;
}

export const findSession = statement<{ key: string; now: number }>()<SessionAccessRecord>(
  (_db, p) => sql<SessionAccessRecord>`
    SELECT ${SESSION}, app_user.email, app_user.name, app_user.password_version, app_user.is_admin, app_user.second_factor, app_user.alerted_at,
      (SELECT second_factor_required FROM organization) AS second_factor_required
    FROM session JOIN app_user ON app_user.id = session.user_id AND app_user.is_disabled = 0
      AND app_user.password_version = session.password_version
    WHERE session.key = ${p('key')} AND session.expires_at > ${p('now')}`,
);

export const noteSession = statement<{ id: number; seen: number; address: string }>()((db, p) =>
  db
    .updateTable('session')
    .set({ seen_at: p('seen'), address: p('address') })
    .where('id', '=', p('id'))
    .where('seen_at', '<', p('seen')),
);

export const promoteSession = statement<{
  id: number;
  key: string;
  stage: Schema['session']['stage'];
  proved: number;
  seen: number;
  expires: number;
  version: number;
}>()((db, p) =>
  db
    .updateTable('session')
    .set({
      key: p('key'),
      stage: p('stage'),
      proved_at: p('proved'),
      seen_at: p('seen'),
      expires_at: p('expires'),
      password_version: p('version'),
    })
    .where('id', '=', p('id')),
);

export const sessions = statement<{ user: number; now: number }>()<SessionRecord>(
  (_db, p) => sql<SessionRecord>`
    SELECT ${SESSION} FROM session JOIN app_user ON app_user.id = session.user_id
      AND app_user.password_version = session.password_version
    WHERE session.user_id = ${p('user')} AND session.expires_at > ${p('now')} ORDER BY session.seen_at DESC`,
);

export const endSession = statement<{ user: number; id: number }>()((db, p) =>
  db.deleteFrom('session').where('user_id', '=', p('user')).where('id', '=', p('id')),
);

export const endSessions = statement<{ user: number; except: number }>()((db, p) =>
  db.deleteFrom('session').where('user_id', '=', p('user')).where('id', '!=', p('except')),
);

export const removeExpiredSessions = statement<{ now: number }>()((db, p) =>
  db.deleteFrom('session').where('expires_at', '<=', p('now')),
);
