import type {
  AuditFilter,
  AuditRow,
  NewAuditRecord,
  NewPasskey,
  NewRecoveryCode,
  NewSession,
  PasskeyChallenge,
  PasskeyRemoval,
  PasskeyRow,
  RecoveryCodeRow,
  SecurityStore,
  SessionAccess,
  SessionPromotion,
  SessionRow,
  TotpRow,
} from '../../stores/security-store.js';
import { PasskeyTakenError } from '../../stores/security-store.js';
import type { UserId } from '../../stores/values.js';
import * as audits from './audit-statements.js';
import * as statements from './security-statements.js';
import * as signIn from './sign-in-statements.js';
import { outlastWritesOf } from './sql-access.js';
import { changedUnlessTaken, type SqlConnection } from './sql-database.js';

const NOTHING = {};

/** Second factors, sessions, rules and the audit log in one transaction or snapshot. */
export class SqlSecurityStore implements SecurityStore {
  readonly #connection: SqlConnection;

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  async findTotp(userId: UserId): Promise<TotpRow | null> {
    const row = await statements.findTotp.first(this.#connection, { user: userId });
    return row ? { secret: row.secret, confirmedAt: row.confirmed_at, createdAt: row.created_at } : null;
  }

  async putPendingTotp(userId: UserId, secret: string, now: number): Promise<boolean> {
    const put = await statements.putPendingTotp.run(this.#connection, { user: userId, secret, now });
    return put > 0;
  }

  async confirmTotp(userId: UserId, step: number, codes: readonly NewRecoveryCode[], now: number): Promise<boolean> {
    if ((await statements.confirmTotp.run(this.#connection, { user: userId, step, now })) === 0) return false;
    await replaceCodes(this.#connection, userId, codes);
    await markSecondFactor(this.#connection, userId);
    return true;
  }

  async takeTotpStep(userId: UserId, step: number): Promise<boolean> {
    return (await statements.takeTotpStep.run(this.#connection, { user: userId, step })) > 0;
  }

  async removeSecondFactors(userId: UserId): Promise<boolean> {
    const user = { user: userId };
    const had = await statements.hasSecondFactor.first(this.#connection, user);
    await statements.removeTotp.run(this.#connection, user);
    await statements.removePasskeys.run(this.#connection, user);
    await statements.removeRecoveryCodes.run(this.#connection, user);
    await markSecondFactor(this.#connection, userId);
    return had?.second_factor === 1;
  }

  async findRecoveryCode(userId: UserId, selector: string): Promise<RecoveryCodeRow | null> {
    const row = await statements.findRecoveryCode.first(this.#connection, { user: userId, selector });
    return row ? { selector: row.selector, hash: row.hash, usedAt: row.used_at } : null;
  }

  async takeRecoveryCode(userId: UserId, selector: string, now: number): Promise<boolean> {
    const taken = await statements.takeRecoveryCode.run(this.#connection, { user: userId, selector, now });
    return taken > 0;
  }

  async replaceRecoveryCodes(userId: UserId, codes: readonly NewRecoveryCode[]): Promise<void> {
    await replaceCodes(this.#connection, userId, codes);
  }

  async countRecoveryCodes(userId: UserId): Promise<number> {
    const row = await statements.countRecoveryCodes.first(this.#connection, { user: userId });
    return row!.count;
  }

  async passkeys(userId: UserId): Promise<PasskeyRow[]> {
    const rows = await statements.passkeys.all(this.#connection, { user: userId });
    return rows.map(toPasskey);
  }

  async findPasskey(id: string): Promise<PasskeyRow | null> {
    const row = await statements.findPasskey.first(this.#connection, { id });
    return row ? toPasskey(row) : null;
  }

  async addPasskey(passkey: NewPasskey, codes: readonly NewRecoveryCode[] | null, now: number): Promise<void> {
    const { userId: user, transports, ...rest } = passkey;
    const row = { ...rest, user, transports: JSON.stringify(transports), now };
    const inserted = statements.insertPasskey.run(this.#connection, row);
    await changedUnlessTaken(inserted, PasskeyTakenError, 'the passkey is known');
    if (codes) await replaceCodes(this.#connection, user, codes);
    await markSecondFactor(this.#connection, user);
  }

  async usePasskey(id: string, counter: number, now: number): Promise<boolean> {
    return (await statements.usePasskey.run(this.#connection, { id, counter, now })) > 0;
  }

  async removePasskey(userId: UserId, id: string): Promise<PasskeyRemoval> {
    const user = { user: userId };
    const passkeys = await statements.passkeys.all(this.#connection, user);
    if (!passkeys.some((passkey) => passkey.id === id)) return 'missing';
    const totp = await statements.findTotp.first(this.#connection, user);
    if (passkeys.length === 1 && !totp?.confirmed_at) return 'last';
    await statements.removePasskey.run(this.#connection, { user: userId, id });
    return 'removed';
  }

  async putChallenge(session: number, { purpose, text, expiresAt }: PasskeyChallenge): Promise<void> {
    await signIn.putChallenge.run(this.#connection, { session, purpose, challenge: text, end: expiresAt });
  }

  async takeChallenge(session: number, purpose: PasskeyChallenge['purpose'], now: number): Promise<string | null> {
    const row = await signIn.takeChallenge.first(this.#connection, { session, purpose });
    return row && row.expires_at > now ? row.challenge : null;
  }

  async createSession(session: NewSession): Promise<SessionRow> {
    const { key, userId: user, passwordVersion: version, stage, createdAt: now, expiresAt: expires } = session;
    const { address, client } = session;
    const row = { key, user, version, stage, now, expires, address, client };
    return toSession((await statements.insertSession.first(this.#connection, row))!);
  }

  async findSession(key: string, now: number): Promise<SessionAccess | null> {
    const row = await statements.findSession.first(this.#connection, { key, now });
    if (!row) return null;
    return {
      session: toSession(row),
      user: {
        id: row.user_id as UserId,
        email: row.email,
        name: row.name,
        passwordVersion: row.password_version,
        isAdmin: row.is_admin === 1,
        hasSecondFactor: row.second_factor === 1,
        alertedAt: row.alerted_at,
        isSecondFactorRequired: row.second_factor_required === 1,
      },
    };
  }

  async noteSession(id: number, seenAt: number, address: string): Promise<void> {
    await statements.noteSession.run(this.#connection, { id, seen: seenAt, address });
  }

  async promoteSession(id: number, change: SessionPromotion): Promise<boolean> {
    const { key, stage, provedAt: proved, seenAt: seen, expiresAt: expires, passwordVersion: version } = change;
    const row = { id, key, stage, proved, seen, expires, version };
    return (await statements.promoteSession.run(this.#connection, row)) > 0;
  }

  async sessions(userId: UserId, now: number): Promise<SessionRow[]> {
    const rows = await statements.sessions.all(this.#connection, { user: userId, now });
    return rows.map(toSession);
  }

  async endSession(userId: UserId, id: number): Promise<boolean> {
    const ended = await statements.endSession.run(this.#connection, { user: userId, id });
    await outlastWritesOf(this.#connection, userId);
    return ended > 0;
  }

  async endSessions(userId: UserId, except: number | null): Promise<number> {
    const ended = await statements.endSessions.run(this.#connection, { user: userId, except: except ?? 0 });
    await outlastWritesOf(this.#connection, userId);
    return ended;
  }

  async removeExpiredSessions(now: number): Promise<void> {
    await statements.removeExpiredSessions.run(this.#connection, { now });
  }

  async isSecondFactorRequired(): Promise<boolean> {
    const row = await audits.organization.first(this.#connection, NOTHING);
    return row?.second_factor_required === 1;
  }

  async requireSecondFactor(isRequired: boolean): Promise<void> {
    await audits.requireSecondFactor.run(this.#connection, { required: isRequired });
  }

  async setAlert(userId: UserId, at: number | null): Promise<void> {
    await audits.setAlert.run(this.#connection, { user: userId, at });
  }

  async writeAudit({ userId: user, details, ...record }: NewAuditRecord): Promise<void> {
    const row = { ...record, user, details: JSON.stringify(details) };
    await audits.insertAudit.run(this.#connection, row);
  }

  async audit({ userId, kind }: AuditFilter, before: number | null, limit: number): Promise<AuditRow[]> {
    const page = { before: before ?? Number.MAX_SAFE_INTEGER, limit };
    const rows = await this.#auditRows(page, userId, kind);
    return rows.map(({ user_id, details, ...row }) => ({
      ...row,
      userId: user_id as UserId | null,
      details: JSON.parse(details) as AuditRow['details'],
    }));
  }

  pruneAudit(before: number, limit: number): Promise<number> {
    return audits.pruneAudit.run(this.#connection, { before, limit });
  }

  #auditRows(
    page: { readonly before: number; readonly limit: number },
    user: UserId | undefined,
    kind: string | undefined,
  ): Promise<audits.AuditRecord[]> {
    if (user !== undefined) {
      return kind === undefined
        ? audits.auditPageOfUser.all(this.#connection, { ...page, user })
        : audits.auditPageOfUserAndKind.all(this.#connection, { ...page, user, kind });
    }
    return kind === undefined
      ? audits.auditPage.all(this.#connection, page)
      : audits.auditPageOfKind.all(this.#connection, { ...page, kind });
  }
}

/** Makes the user's mark true to what there is, and ends an alert that was heard. */
async function markSecondFactor(connection: SqlConnection, userId: UserId): Promise<void> {
  await statements.markSecondFactor.run(connection, { user: userId });
  await statements.endAlert.run(connection, { user: userId });
}

async function replaceCodes(
  connection: SqlConnection,
  userId: UserId,
  codes: readonly NewRecoveryCode[],
): Promise<void> {
  await statements.removeRecoveryCodes.run(connection, { user: userId });
  for (const code of codes) await statements.insertRecoveryCode.run(connection, { user: userId, ...code });
}

function toPasskey(row: statements.PasskeyRecord): PasskeyRow {
  return {
    id: row.id,
    userId: row.user_id as UserId,
    name: row.name,
    publicKey: row.public_key,
    counter: row.counter,
    transports: JSON.parse(row.transports) as string[],
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  };
}

function toSession(row: statements.SessionRecord): SessionRow {
  return {
    id: row.id,
    userId: row.user_id as UserId,
    stage: row.stage,
    createdAt: row.created_at,
    provedAt: row.proved_at,
    seenAt: row.seen_at,
    expiresAt: row.expires_at,
    address: row.address,
    client: row.client,
  };
}
