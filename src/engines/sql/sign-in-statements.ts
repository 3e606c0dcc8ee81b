import { sql } from 'kysely';
import type { Schema } from './schema.js';
import { statement } from './statement.js';

/** Statements on what is under way while somebody signs in: counts of guesses, login flows, challenges. */

export const throttleCounts = statement<{ counter: string }>()((db, p) =>
  db.selectFrom('throttle').selectAll().where('counter', '=', p('counter')),
);

export const putThrottleCount = statement<{ counter: string; seconds: number; used: number; end: number }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO throttle (counter, seconds, used, ends_at)
    VALUES (${p('counter')}, ${p('seconds')}, ${p('used')}, ${p('end')})
    ON CONFLICT (counter, seconds) DO UPDATE SET used = excluded.used, ends_at = excluded.ends_at`,
);

export const giveThrottleBack = statement<{ counter: string }>()<never>(
  (_db, p) => sql<never>`UPDATE throttle SET used = used - 1 WHERE counter = ${p('counter')} AND used > 0`,
);

export const forgetThrottle = statement<{ counter: string }>()((db, p) =>
  db.deleteFrom('throttle').where('counter', '=', p('counter')),
);

export const removeEndedThrottles = statement<{ now: number }>()((db, p) =>
  db.deleteFrom('throttle').where('ends_at', '<=', p('now')),
);

export type LoginFlowRecord = Schema['login_flow'];

export const insertLoginFlow = statement<{
  key: string;
  pollKey: string;
  client: string;
  remoteAddress: string;
  network: string;
  address: string;
  drive: number | null;
  isWebView: boolean;
  startedAt: number;
  seenAt: number;
}>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO login_flow (key, poll_key, client, remote_address, network, address, drive_id, is_web_view, started_at, seen_at)
    VALUES (${p('key')}, ${p('pollKey')}, ${p('client')}, ${p('remoteAddress')}, ${p('network')}, ${p('address')},
      ${p('drive')}, ${p('isWebView')}, ${p('startedAt')}, ${p('seenAt')})`,
);

export const findLoginFlow = statement<{ key: string }>()((db, p) =>
  db.selectFrom('login_flow').selectAll().where('key', '=', p('key')),
);

export const findLoginFlowByPollKey = statement<{ pollKey: string }>()((db, p) =>
  db.selectFrom('login_flow').selectAll().where('poll_key', '=', p('pollKey')),
);

export const updateLoginFlow = statement<{
  key: string;
  seenAt: number;
  user: number | null;
  email: string | null;
  version: number | null;
  secondFactor: boolean | null;
  stepKey: string | null;
  grantKey: string | null;
  granted: number | null;
}>()<never>(
  (_db, p) => sql<never>`
    UPDATE login_flow SET seen_at = ${p('seenAt')}, user_id = ${p('user')}, email = ${p('email')}, password_version = ${p('version')},
      second_factor = ${p('secondFactor')}, step_key = ${p('stepKey')}, grant_key = ${p('grantKey')},
      granted_drive_id = ${p('granted')}
    WHERE key = ${p('key')}`,
);

export const removeLoginFlow = statement<{ key: string }>()((db, p) =>
  db.deleteFrom('login_flow').where('key', '=', p('key')),
);

export const countLoginFlows = statement<Record<never, never>>()<{ count: number }>(
  () => sql<{ count: number }>`SELECT count(*) AS count FROM login_flow`,
);

export const countLoginFlowsOf = statement<{ network: string }>()<{ count: number }>(
  (_db, p) => sql<{ count: number }>`SELECT count(*) AS count FROM login_flow WHERE network = ${p('network')}`,
);

export const removeAbandonedLoginFlow = statement<{ seenBefore: number }>()<never>(
  (_db, p) => sql<never>`
    DELETE FROM login_flow WHERE key = (SELECT key FROM login_flow WHERE seen_at <= ${p('seenBefore')}
      ORDER BY started_at, key LIMIT 1)`,
);

export const removeAbandonedLoginFlowOf = statement<{ network: string; seenBefore: number }>()<never>(
  (_db, p) => sql<never>`
    DELETE FROM login_flow WHERE key = (SELECT key FROM login_flow WHERE network = ${p('network')}
      AND seen_at <= ${p('seenBefore')} ORDER BY started_at, key LIMIT 1)`,
);

export const removeLoginFlowsOutside = statement<{ after: number; before: number }>()<never>(
  (_db, p) => sql<never>`
    DELETE FROM login_flow WHERE started_at < ${p('after')} OR started_at > ${p('before')}`,
);

export const putChallenge = statement<{ session: number; purpose: string; challenge: string; end: number }>()<never>(
  (_db, p) => sql<never>`
    INSERT INTO challenge (session_id, purpose, challenge, expires_at)
    VALUES (${p('session')}, ${p('purpose')}, ${p('challenge')}, ${p('end')})
    ON CONFLICT (session_id, purpose) DO UPDATE SET challenge = excluded.challenge, expires_at = excluded.expires_at`,
);

export const takeChallenge = statement<{ session: number; purpose: string }>()<{
  challenge: string;
  expires_at: number;
}>(
  (_db, p) => sql<{ challenge: string; expires_at: number }>`
    DELETE FROM challenge WHERE session_id = ${p('session')} AND purpose = ${p('purpose')}
    RETURNING challenge, expires_at`,
);

export const setAppPasswordMac = statement<{ id: number; mac: string }>()((db, p) =>
  db
    .updateTable('app_password')
    .set({ mac: p('mac') })
    .where('id', '=', p('id')),
);
