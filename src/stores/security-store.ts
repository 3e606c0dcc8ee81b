import type { UserId } from './values.js';

/** Second factors, sessions, the organization's rules and the audit log. Times are milliseconds since 1970. */
export interface SecurityStore {
  findTotp(userId: UserId): Promise<TotpRow | null>;
  /** Puts a secret that is to be confirmed in place of one that wasn't. False where one is confirmed. */
  putPendingTotp(userId: UserId, secret: string, now: number): Promise<boolean>;
  /**
   * Makes the pending secret count, takes its step, and replaces the recovery codes, in one transaction; the user then
   * has a second factor. False where nothing is pending or the step was taken.
   */
  confirmTotp(userId: UserId, step: number, codes: readonly NewRecoveryCode[], now: number): Promise<boolean>;
  /** True once for each step, and for none before one that was taken (RFC 6238 §5.2). */
  takeTotpStep(userId: UserId, step: number): Promise<boolean>;
  /** Removes secret, passkeys and recovery codes. False where there was no second factor. */
  removeSecondFactors(userId: UserId): Promise<boolean>;

  findRecoveryCode(userId: UserId, selector: string): Promise<RecoveryCodeRow | null>;
  /** True once. */
  takeRecoveryCode(userId: UserId, selector: string, now: number): Promise<boolean>;
  replaceRecoveryCodes(userId: UserId, codes: readonly NewRecoveryCode[]): Promise<void>;
  countRecoveryCodes(userId: UserId): Promise<number>;

  passkeys(userId: UserId): Promise<PasskeyRow[]>;
  findPasskey(id: string): Promise<PasskeyRow | null>;
  /** The user then has a second factor; `codes`, where given, replace the recovery codes. Throws `PasskeyTakenError`. */
  addPasskey(passkey: NewPasskey, codes: readonly NewRecoveryCode[] | null, now: number): Promise<void>;
  /** False where its counter is not above the known one, which says that it was copied; 0 says that it has none. */
  usePasskey(id: string, counter: number, now: number): Promise<boolean>;
  /** Keeps what a passkey is to sign in a session, in place of an earlier one of the same purpose. */
  putChallenge(sessionId: number, challenge: PasskeyChallenge): Promise<void>;
  /** Returns it once; null where there is none or it has expired. */
  takeChallenge(sessionId: number, purpose: PasskeyChallenge['purpose'], now: number): Promise<string | null>;
  /** The only second factor stays, even where somebody else removes one at the same time. */
  removePasskey(userId: UserId, id: string): Promise<PasskeyRemoval>;

  createSession(session: NewSession): Promise<SessionRow>;
  /** By the hash of its token; with its user; null where it expired, or the user is disabled or has another password. */
  findSession(key: string, now: number): Promise<SessionAccess | null>;
  /** Only ever forward. */
  noteSession(id: number, seenAt: number, address: string): Promise<void>;
  /** Gives a session another key and stage. False where it is gone. */
  promoteSession(id: number, change: SessionPromotion): Promise<boolean>;
  /** Those that have not expired, the last used first. */
  sessions(userId: UserId, now: number): Promise<SessionRow[]>;
  endSession(userId: UserId, id: number): Promise<boolean>;
  /** All of a user's but one. Returns how many. */
  endSessions(userId: UserId, except: number | null): Promise<number>;
  removeExpiredSessions(now: number): Promise<void>;

  isSecondFactorRequired(): Promise<boolean>;
  requireSecondFactor(isRequired: boolean): Promise<void>;
  /** Remembers that the user is to be told, until they have a second factor; null: they were. Nothing where they have one. */
  setAlert(userId: UserId, at: number | null): Promise<void>;

  writeAudit(record: NewAuditRecord): Promise<void>;
  /** The latest first, before the record `before`. */
  audit(filter: AuditFilter, before: number | null, limit: number): Promise<AuditRow[]>;
  /** Removes up to `limit` records from before a time. Returns how many. */
  pruneAudit(before: number, limit: number): Promise<number>;
}

/** What a snapshot knows of them. */
export type SecurityView = Pick<
  SecurityStore,
  | 'findTotp'
  | 'findRecoveryCode'
  | 'countRecoveryCodes'
  | 'passkeys'
  | 'findPasskey'
  | 'findSession'
  | 'sessions'
  | 'isSecondFactorRequired'
  | 'audit'
>;

export interface PasskeyChallenge {
  readonly purpose: 'create' | 'get';
  readonly text: string;
  readonly expiresAt: number;
}

export interface TotpRow {
  /** Encrypted. */
  readonly secret: string;
  readonly confirmedAt: number | null;
  readonly createdAt: number;
}

export interface NewRecoveryCode {
  readonly selector: string;
  readonly hash: string;
}
export interface RecoveryCodeRow extends NewRecoveryCode {
  readonly usedAt: number | null;
}

export interface NewPasskey {
  /** WebAuthn's credential id, base64url. */
  readonly id: string;
  readonly userId: UserId;
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
}
export type PasskeyRemoval = 'removed' | 'missing' | 'last';

export interface PasskeyRow extends NewPasskey {
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
}

export type SessionStage = 'second-step' | 'full';

export interface NewSession {
  readonly key: string;
  readonly userId: UserId;
  readonly passwordVersion: number;
  readonly stage: SessionStage;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly address: string;
  readonly client: string;
}
export interface SessionRow extends Omit<NewSession, 'key' | 'passwordVersion'> {
  readonly id: number;
  /** When the user last proved who they are. */
  readonly provedAt: number;
  readonly seenAt: number;
}
export interface SessionAccess {
  readonly session: SessionRow;
  readonly user: {
    readonly id: UserId;
    readonly email: string;
    readonly name: string;
    readonly passwordVersion: number;
    readonly isAdmin: boolean;
    readonly hasSecondFactor: boolean;
    readonly alertedAt: number | null;
    /** Whether the organization wants one of everyone. */
    readonly isSecondFactorRequired: boolean;
  };
}
export interface SessionPromotion {
  readonly key: string;
  readonly stage: SessionStage;
  readonly provedAt: number;
  readonly seenAt: number;
  readonly expiresAt: number;
  readonly passwordVersion: number;
}

export interface NewAuditRecord {
  readonly at: number;
  readonly kind: string;
  readonly userId: UserId | null;
  readonly actor: string;
  readonly address: string;
  readonly client: string;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}
export interface AuditRow extends NewAuditRecord {
  readonly id: number;
  /** Null where the user is gone, or it is about nobody. */
  readonly email: string | null;
}
/** Both: what is of both. */
export interface AuditFilter {
  readonly userId?: UserId;
  readonly kind?: string;
}

export class PasskeyTakenError extends Error {
  override readonly name = 'PasskeyTakenError';
}
