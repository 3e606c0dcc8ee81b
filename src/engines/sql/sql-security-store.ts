import type {
  AuditFilter,
  AuditRow,
  NewAuditRecord,
  NewPasskey,
  NewRecoveryCode,
  NewSession,
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
import { type SqlConnection, type SqlDatabase, UniqueViolation } from './sql-database.js';

const NOTHING = {};

/** Second factors, sessions, rules and the audit log in an SQL database. */
export class SqlSecurityStore implements SecurityStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async findTotp(userId: UserId): Promise<TotpRow | null> {
    const row = await this.#database.readOne((connection) => statements.findTotp.first(connection, { user: userId }));
    return row ? { secret: row.secret, confirmedAt: row.confirmed_at, createdAt: row.created_at } : null;
  }

  async putPendingTotp(userId: UserId, secret: string, now: number): Promise<boolean> {
    const put = await this.#database.write((connection) =>
      statements.putPendingTotp.run(connection, { user: userId, secret, now }),
    );
    return put > 0;
  }

  confirmTotp(userId: UserId, step: number, codes: readonly NewRecoveryCode[], now: number): Promise<boolean> {
    return this.#database.write(async (connection) => {
      if ((await statements.confirmTotp.run(connection, { user: userId, step, now })) === 0) return false;
      await replaceCodes(connection, userId, codes);
      await markSecondFactor(connection, userId);
      return true;
    });
  }

  async takeTotpStep(userId: UserId, step: number): Promise<boolean> {
    return (
      (await this.#database.write((connection) => statements.takeTotpStep.run(connection, { user: userId, step }))) > 0
    );
  }

  removeSecondFactors(userId: UserId): Promise<boolean> {
    return this.#database.write(async (connection) => {
      const user = { user: userId };
      const had = await statements.hasSecondFactor.first(connection, user);
      await statements.removeTotp.run(connection, user);
      await statements.removePasskeys.run(connection, user);
      await statements.removeRecoveryCodes.run(connection, user);
      await markSecondFactor(connection, userId);
      return had?.second_factor === 1;
    });
  }

  async findRecoveryCode(userId: UserId, selector: string): Promise<RecoveryCodeRow | null> {
    const row = await this.#database.readOne((connection) =>
      statements.findRecoveryCode.first(connection, { user: userId, selector }),
    );
    return row ? { selector: row.selector, hash: row.hash, usedAt: row.used_at } : null;
  }

  async takeRecoveryCode(userId: UserId, selector: string, now: number): Promise<boolean> {
    const taken = await this.#database.write((connection) =>
      statements.takeRecoveryCode.run(connection, { user: userId, selector, now }),
    );
    return taken > 0;
  }

  async replaceRecoveryCodes(userId: UserId, codes: readonly NewRecoveryCode[]): Promise<void> {
    await this.#database.write((connection) => replaceCodes(connection, userId, codes));
  }

  async countRecoveryCodes(userId: UserId): Promise<number> {
    const row = await this.#database.readOne((connection) =>
      statements.countRecoveryCodes.first(connection, { user: userId }),
    );
    return row!.count;
  }

  async passkeys(userId: UserId): Promise<PasskeyRow[]> {
    const rows = await this.#database.readOne((connection) => statements.passkeys.all(connection, { user: userId }));
    return rows.map(toPasskey);
  }

  async findPasskey(id: string): Promise<PasskeyRow | null> {
    const row = await this.#database.readOne((connection) => statements.findPasskey.first(connection, { id }));
    return row ? toPasskey(row) : null;
  }

  async addPasskey(passkey: NewPasskey, codes: readonly NewRecoveryCode[] | null, now: number): Promise<void> {
    const { userId: user, transports, ...rest } = passkey;
    try {
      await this.#database.write(async (connection) => {
        const row = { ...rest, user, transports: JSON.stringify(transports), now };
        await statements.insertPasskey.run(connection, row);
        if (codes) await replaceCodes(connection, user, codes);
        await markSecondFactor(connection, user);
      });
    } catch (error) {
      if (error instanceof UniqueViolation) throw new PasskeyTakenError('the passkey is known', { cause: error });
      throw error;
    }
  }

  async usePasskey(id: string, counter: number, now: number): Promise<boolean> {
    return (
      (await this.#database.write((connection) => statements.usePasskey.run(connection, { id, counter, now }))) > 0
    );
  }

  removePasskey(userId: UserId, id: string): Promise<PasskeyRemoval> {
    return this.#database.write(async (connection) => {
      const user = { user: userId };
      const passkeys = await statements.passkeys.all(connection, user);
      if (!passkeys.some((passkey) => passkey.id === id)) return 'missing';
      const totp = await statements.findTotp.first(connection, user);
      if (passkeys.length === 1 && !totp?.confirmed_at) return 'last';
      await statements.removePasskey.run(connection, { user: userId, id });
      return 'removed';
    });
  }

  async createSession(session: NewSession): Promise<SessionRow> {
    const { key, userId: user, passwordVersion: version, stage, createdAt: now, expiresAt: expires } = session;
    const { address, client } = session;
    const row = { key, user, version, stage, now, expires, address, client };
    return toSession((await this.#database.write((connection) => statements.insertSession.first(connection, row)))!);
  }

  async findSession(key: string, now: number): Promise<SessionAccess | null> {
    const row = await this.#database.readOne((connection) => statements.findSession.first(connection, { key, now }));
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
    await this.#database.write((connection) => statements.noteSession.run(connection, { id, seen: seenAt, address }));
  }

  async promoteSession(id: number, change: SessionPromotion): Promise<boolean> {
    const { key, stage, provedAt: proved, seenAt: seen, expiresAt: expires, passwordVersion: version } = change;
    const row = { id, key, stage, proved, seen, expires, version };
    return (await this.#database.write((connection) => statements.promoteSession.run(connection, row))) > 0;
  }

  async sessions(userId: UserId, now: number): Promise<SessionRow[]> {
    const rows = await this.#database.readOne((connection) =>
      statements.sessions.all(connection, { user: userId, now }),
    );
    return rows.map(toSession);
  }

  async endSession(userId: UserId, id: number): Promise<boolean> {
    return (
      (await this.#database.write((connection) => statements.endSession.run(connection, { user: userId, id }))) > 0
    );
  }

  endSessions(userId: UserId, except: number | null): Promise<number> {
    return this.#database.write((connection) =>
      statements.endSessions.run(connection, { user: userId, except: except ?? 0 }),
    );
  }

  async removeExpiredSessions(now: number): Promise<void> {
    await this.#database.write((connection) => statements.removeExpiredSessions.run(connection, { now }));
  }

  async isSecondFactorRequired(): Promise<boolean> {
    const row = await this.#database.readOne((connection) => audits.organization.first(connection, NOTHING));
    return row?.second_factor_required === 1;
  }

  async requireSecondFactor(isRequired: boolean): Promise<void> {
    await this.#database.write((connection) => audits.requireSecondFactor.run(connection, { required: isRequired }));
  }

  async setAlert(userId: UserId, at: number | null): Promise<void> {
    await this.#database.write((connection) => audits.setAlert.run(connection, { user: userId, at }));
  }

  async writeAudit({ userId: user, details, ...record }: NewAuditRecord): Promise<void> {
    const row = { ...record, user, details: JSON.stringify(details) };
    await this.#database.write((connection) => audits.insertAudit.run(connection, row));
  }

  async audit({ userId, kind }: AuditFilter, before: number | null, limit: number): Promise<AuditRow[]> {
    const page = { before: before ?? Number.MAX_SAFE_INTEGER, limit };
    const rows = await this.#database.readOne((connection) => {
      if (userId !== undefined) {
        return kind === undefined
          ? audits.auditPageOfUser.all(connection, { ...page, user: userId })
          : audits.auditPageOfUserAndKind.all(connection, { ...page, user: userId, kind });
      }
      return kind === undefined
        ? audits.auditPage.all(connection, page)
        : audits.auditPageOfKind.all(connection, { ...page, kind });
    });
    return rows.map(({ user_id, details, ...row }) => ({
      ...row,
      userId: user_id as UserId | null,
      details: JSON.parse(details) as AuditRow['details'],
    }));
  }

  pruneAudit(before: number, limit: number): Promise<number> {
    return this.#database.write((connection) => audits.pruneAudit.run(connection, { before, limit }));
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
