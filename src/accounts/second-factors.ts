import type { MetadataStore, StoreTransaction } from '../stores/metadata-store.js';
import type { RecoveryCodeRow, SecurityView, TotpRow } from '../stores/security-store.js';
import type { ThrottleLimit } from '../stores/throttle-store.js';
import type { UserId } from '../stores/values.js';
import { AccountError } from './account-error.js';
import type { Actor, Audit } from './audit.js';
import type { Passwords } from './passwords.js';
import { makeRecoveryCodes, parseRecoveryCode, type RecoveryCode } from './recovery-codes.js';
import { SealedError, type SecretBox } from './secret-box.js';
import { endOthersIn } from './sessions.js';
import { findTotpStep, makeTotpSecret, totpUri } from './totp.js';

/**
 * Wrong codes of the authenticator at one account, from wherever: anyone who comes so far knows the password, and three in a
 * million codes are good at any time. By the first limit alone, somebody who goes on and on would have an even chance
 * within a year; by the second it is one in twenty.
 */
const WRONG_CODES: readonly ThrottleLimit[] = [
  { points: 10, seconds: 15 * 60 },
  { points: 50, seconds: 24 * 60 * 60 },
];

export interface SecondFactorsOptions {
  readonly audit: Audit;
  /** The name that the authenticator shows. */
  readonly issuer: string;
  /** Is told of secrets that were sealed with another key. */
  readonly onUnreadable: (userId: UserId) => void;
  readonly now?: () => number;
}

export interface SecondFactorState {
  readonly isTotpOn: boolean;
  /** Recovery codes that are left. */
  readonly recoveryCodes: number;
  readonly passkeys: readonly {
    readonly id: string;
    readonly name: string;
    readonly createdAt: number;
    readonly lastUsedAt: number | null;
  }[];
}

export type CodeVerdict =
  | { readonly kind: 'good'; readonly by: 'totp' | 'recovery-code' }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number };

type Owner = { readonly id: UserId; readonly email: string };

/** Who changes their second factors, and in which session, which goes on. */
export interface SignedIn {
  readonly actor: Actor;
  readonly sessionId: number;
}

/** Codes from an authenticator and recovery codes (PRODUCT S3). */
export class SecondFactors {
  readonly #metadata: MetadataStore;
  readonly #audit: Audit;
  readonly #passwords: Passwords;
  readonly #box: SecretBox;
  readonly #issuer: string;
  readonly #onUnreadable: (userId: UserId) => void;
  readonly #now: () => number;

  constructor(metadata: MetadataStore, passwords: Passwords, box: SecretBox, options: SecondFactorsOptions) {
    this.#metadata = metadata;
    this.#audit = options.audit;
    this.#passwords = passwords;
    this.#box = box;
    this.#issuer = options.issuer;
    this.#onUnreadable = options.onUnreadable;
    this.#now = options.now ?? Date.now;
  }

  state(userId: UserId): Promise<SecondFactorState> {
    return this.#metadata.read([], async ({ security }) => {
      const passkeys = await security.passkeys(userId);
      return {
        isTotpOn: isConfirmed(await security.findTotp(userId)),
        recoveryCodes: await security.countRecoveryCodes(userId),
        passkeys: passkeys.map(({ id, name, createdAt, lastUsedAt }) => ({ id, name, createdAt, lastUsedAt })),
      };
    });
  }

  /** A secret for an authenticator; it counts for nothing before `confirm`. Throws `AccountError` `second-factor-on`. */
  async begin(user: Owner): Promise<{ readonly secret: string; readonly uri: string }> {
    const secret = makeTotpSecret();
    const sealed = this.#box.seal(secret, purposeOf(user.id));
    const isPut = await this.#metadata.write([], ({ security }) =>
      security.putPendingTotp(user.id, sealed, this.#now()),
    );
    if (!isPut) {
      throw new AccountError('second-factor-on', 'An authenticator is set up already. Switch it off first.');
    }
    return { secret, uri: totpUri(secret, user.email, this.#issuer) };
  }

  /**
   * Makes the secret count, ends all other sessions, and returns recovery codes, shown this once. Throws `AccountError`
   * `wrong-code`.
   */
  async confirm(user: Owner, code: string, by: SignedIn): Promise<readonly string[]> {
    await this.#takeTry(user.id);
    const totp = await this.#findTotp(user.id);
    if (!totp || isConfirmed(totp)) {
      throw new AccountError('second-factor-on', 'There is no authenticator to confirm. Begin again.');
    }
    const now = this.#now();
    const secret = this.#openOrNull(totp.secret, user.id);
    const step = secret === null ? null : findTotpStep(secret, code, now);
    if (step === null) throw wrongCode();
    const { texts, kept } = await makeRecoveryCodes(this.#passwords);
    await this.#metadata.write([], async (transaction) => {
      const { security } = transaction;
      // Somebody may have begun again meanwhile: the code is of the secret that was there.
      const isSame = (await security.findTotp(user.id))?.secret === totp.secret;
      if (!isSame || !(await security.confirmTotp(user.id, step, kept, now))) throw wrongCode();
      await this.#audit.noteIn(transaction, 'second-factor-on', user.id, by.actor, { by: 'totp' });
      await endOthersIn(transaction, this.#audit, { userId: user.id, kept: by.sessionId, actor: by.actor });
    });
    await this.#forgetWrongCodes(user.id);
    return texts;
  }

  /**
   * A code from the authenticator, or a recovery code, once each. Recovery codes are too long to be guessed and not counted:
   * somebody who knows the password and sends codes without end keeps its owner from none but the authenticator's. What came
   * of it is recorded.
   */
  async verify(userId: UserId, code: string, actor: Actor): Promise<CodeVerdict> {
    const recovery = parseRecoveryCode(code);
    const wait = recovery ? 0 : await this.#secondsToWait(userId);
    if (wait > 0) return { kind: 'throttled', retryAfterSeconds: wait };
    const by = recovery ? await this.#takeRecovery(userId, recovery, actor) : await this.#takeTotp(userId, code);
    if (by === null) {
      await this.#audit.noteOnce('sign-in-refused', userId, actor, { by: 'code' });
      return { kind: 'wrong' };
    }
    await this.#forgetWrongCodes(userId);
    return { kind: 'good', by };
  }

  /** New recovery codes in place of all others. Throws `AccountError` where there is no second factor. */
  async renewRecoveryCodes(userId: UserId, actor: Actor): Promise<readonly string[]> {
    await this.#metadata.read([], ({ security }) => checkHasFactor(security, userId));
    const { texts, kept } = await makeRecoveryCodes(this.#passwords);
    await this.#metadata.write([], async (transaction) => {
      await checkHasFactor(transaction.security, userId);
      await transaction.security.replaceRecoveryCodes(userId, kept);
      await this.#audit.noteIn(transaction, 'recovery-codes-renewed', userId, actor);
    });
    return texts;
  }

  /** All of them. Nothing is recorded where there was none. */
  async remove(userId: UserId, actor: Actor): Promise<void> {
    await this.#metadata.write([], async (transaction) => {
      if (!(await transaction.security.removeSecondFactors(userId))) return;
      await this.#audit.noteIn(transaction, 'second-factor-off', userId, actor);
    });
  }

  #findTotp(userId: UserId): Promise<TotpRow | null> {
    return this.#metadata.readOne([], ({ security }) => security.findTotp(userId));
  }

  async #takeTotp(userId: UserId, code: string): Promise<'totp' | null> {
    const totp = await this.#findTotp(userId);
    if (!totp || !isConfirmed(totp)) return null;
    const secret = this.#openOrNull(totp.secret, userId);
    const step = secret === null ? null : findTotpStep(secret, code, this.#now());
    if (step === null) return null;
    const isTaken = await this.#metadata.write([], async ({ security }) => {
      const isSame = (await security.findTotp(userId))?.secret === totp.secret;
      return isSame && security.takeTotpStep(userId, step);
    });
    return isTaken ? 'totp' : null;
  }

  async #takeRecovery(
    userId: UserId,
    { selector, secret }: RecoveryCode,
    actor: Actor,
  ): Promise<'recovery-code' | null> {
    const row = await this.#metadata.readOne([], ({ security }) => security.findRecoveryCode(userId, selector));
    if (!row || row.usedAt !== null) return null;
    if (!(await this.#passwords.verifyPassword(row.hash, secret))) return null;
    const isTaken = await this.#metadata.write([], (transaction) => this.#takeOnce(transaction, userId, row, actor));
    return isTaken ? 'recovery-code' : null;
  }

  async #takeOnce(
    transaction: StoreTransaction,
    userId: UserId,
    { selector, hash }: RecoveryCodeRow,
    actor: Actor,
  ): Promise<boolean> {
    const { security } = transaction;
    // The codes may have been renewed while argon2 ran.
    if ((await security.findRecoveryCode(userId, selector))?.hash !== hash) return false;
    if (!(await security.takeRecoveryCode(userId, selector, this.#now()))) return false;
    const left = await security.countRecoveryCodes(userId);
    await this.#audit.noteIn(transaction, 'recovery-code-used', userId, actor, { left });
    return true;
  }

  async #takeTry(userId: UserId): Promise<void> {
    const wait = await this.#secondsToWait(userId);
    if (wait > 0) throw new AccountError('throttled', `Too many wrong codes. Try again in ${wait} seconds.`);
  }

  /** Counts a try before it is looked at, so that tries at the same time count too. */
  async #secondsToWait(userId: UserId): Promise<number> {
    const waitMs = await this.#metadata.write([], ({ throttle }) =>
      throttle.take(counterOf(userId), WRONG_CODES, this.#now()),
    );
    return Math.ceil(waitMs / 1000);
  }

  #forgetWrongCodes(userId: UserId): Promise<void> {
    return this.#metadata.write([], ({ throttle }) => throttle.forget(counterOf(userId)));
  }

  /** With another key than it was sealed with it is lost: recovery codes still work, and an administrator can reset it. */
  #openOrNull(sealed: string, userId: UserId): string | null {
    try {
      return this.#box.open(sealed, purposeOf(userId));
    } catch (error) {
      if (!(error instanceof SealedError)) throw error;
      this.#onUnreadable(userId);
      return null;
    }
  }
}

function counterOf(userId: UserId): string {
  return `code ${userId}`;
}

function isConfirmed(totp: TotpRow | null): boolean {
  return totp !== null && totp.confirmedAt !== null;
}

/** Throws `AccountError` `second-factor-off`. */
async function checkHasFactor(security: SecurityView, userId: UserId): Promise<void> {
  if (await hasFactor(security, userId)) return;
  throw new AccountError('second-factor-off', 'There is no second factor to recover.');
}

/** Whether the user has a second factor, in a transaction that looks. */
export async function hasFactor(security: SecurityView, userId: UserId): Promise<boolean> {
  return isConfirmed(await security.findTotp(userId)) || (await security.passkeys(userId)).length > 0;
}

function purposeOf(userId: UserId): string {
  return `totp ${userId}`;
}

function wrongCode(): AccountError {
  return new AccountError('wrong-code', 'This code is wrong or was used already. Wait for the next one.');
}
