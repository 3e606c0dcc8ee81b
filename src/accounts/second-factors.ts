import type { MetadataStore } from '../stores/metadata-store.js';
import type { SecurityStore } from '../stores/security-store.js';
import type { ThrottleLimit } from '../stores/throttle-store.js';
import type { UserId } from '../stores/values.js';
import { AccountError } from './account-error.js';
import type { Passwords } from './passwords.js';
import { makeRecoveryCodes, parseRecoveryCode, type RecoveryCode } from './recovery-codes.js';
import { SealedError, type SecretBox } from './secret-box.js';
import { findTotpStep, makeTotpSecret, totpUri } from './totp.js';

/**
 * Wrong codes of the authenticator at one account, from wherever: whoever comes so far knows the password, and three in a
 * million codes are good at any time. By the first limit alone, somebody who goes on and on would have an even chance
 * within a year; by the second it is one in twenty.
 */
const WRONG_CODES: readonly ThrottleLimit[] = [
  { points: 10, seconds: 15 * 60 },
  { points: 50, seconds: 24 * 60 * 60 },
];

export interface SecondFactorsOptions {
  /** The name that the authenticator shows. */
  readonly issuer: string;
  /** Hears of secrets that were sealed with another key. */
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

/** Codes from an authenticator and recovery codes (PRODUCT S3). */
export class SecondFactors {
  readonly #store: SecurityStore;
  readonly #passwords: Passwords;
  readonly #box: SecretBox;
  readonly #issuer: string;
  readonly #onUnreadable: (userId: UserId) => void;
  readonly #now: () => number;
  readonly #metadata: MetadataStore;

  constructor(
    metadata: MetadataStore,
    store: SecurityStore,
    passwords: Passwords,
    box: SecretBox,
    options: SecondFactorsOptions,
  ) {
    this.#metadata = metadata;
    this.#store = store;
    this.#passwords = passwords;
    this.#box = box;
    this.#issuer = options.issuer;
    this.#onUnreadable = options.onUnreadable;
    this.#now = options.now ?? Date.now;
  }

  async state(userId: UserId): Promise<SecondFactorState> {
    const totp = await this.#store.findTotp(userId);
    const passkeys = await this.#store.passkeys(userId);
    return {
      isTotpOn: totp !== null && totp.confirmedAt !== null,
      recoveryCodes: await this.#store.countRecoveryCodes(userId),
      passkeys: passkeys.map(({ id, name, createdAt, lastUsedAt }) => ({ id, name, createdAt, lastUsedAt })),
    };
  }

  /** A secret for an authenticator; it counts for nothing before `confirm`. Throws `AccountError` `second-factor-on`. */
  async begin(user: Owner): Promise<{ readonly secret: string; readonly uri: string }> {
    const secret = makeTotpSecret();
    const sealed = this.#box.seal(secret, purposeOf(user.id));
    if (!(await this.#store.putPendingTotp(user.id, sealed, this.#now()))) {
      throw new AccountError('second-factor-on', 'An authenticator is set up already. Switch it off first.');
    }
    return { secret, uri: totpUri(secret, user.email, this.#issuer) };
  }

  /** Makes the secret count, and gives recovery codes, shown this once. Throws `AccountError` `wrong-code`. */
  async confirm(user: Owner, code: string): Promise<readonly string[]> {
    await this.#takeTry(user.id);
    const totp = await this.#store.findTotp(user.id);
    if (!totp || totp.confirmedAt !== null) {
      throw new AccountError('second-factor-on', 'There is no authenticator to confirm. Begin again.');
    }
    const now = this.#now();
    const secret = this.#openOrNull(totp.secret, user.id);
    const step = secret === null ? null : findTotpStep(secret, code, now);
    if (step === null) throw wrongCode();
    const { texts, kept } = await makeRecoveryCodes(this.#passwords);
    if (!(await this.#store.confirmTotp(user.id, step, kept, now))) throw wrongCode();
    await this.#forgetWrongCodes(user.id);
    return texts;
  }

  /**
   * A code from the authenticator, or a recovery code, once each. Recovery codes are too long to be guessed and not counted:
   * somebody who knows the password and sends codes without end keeps its owner from none but the authenticator's.
   */
  async verify(userId: UserId, code: string): Promise<CodeVerdict> {
    const recovery = parseRecoveryCode(code);
    const wait = recovery ? 0 : await this.#secondsToWait(userId);
    if (wait > 0) return { kind: 'throttled', retryAfterSeconds: wait };
    const by = recovery ? await this.#takeRecovery(userId, recovery) : await this.#takeTotp(userId, code);
    if (by === null) return { kind: 'wrong' };
    await this.#forgetWrongCodes(userId);
    return { kind: 'good', by };
  }

  /** New recovery codes in the place of all others. Throws `AccountError` where there is no second factor. */
  async renewRecoveryCodes(userId: UserId, hasSecondFactor: boolean): Promise<readonly string[]> {
    if (!hasSecondFactor) throw new AccountError('second-factor-off', 'There is no second factor to recover.');
    const { texts, kept } = await makeRecoveryCodes(this.#passwords);
    await this.#store.replaceRecoveryCodes(userId, kept);
    return texts;
  }

  /** All of them. False where there was none. */
  remove(userId: UserId): Promise<boolean> {
    return this.#store.removeSecondFactors(userId);
  }

  async #takeTotp(userId: UserId, code: string): Promise<'totp' | null> {
    const totp = await this.#store.findTotp(userId);
    if (!totp || totp.confirmedAt === null) return null;
    const secret = this.#openOrNull(totp.secret, userId);
    const step = secret === null ? null : findTotpStep(secret, code, this.#now());
    return step !== null && (await this.#store.takeTotpStep(userId, step)) ? 'totp' : null;
  }

  async #takeRecovery(userId: UserId, { selector, secret }: RecoveryCode): Promise<'recovery-code' | null> {
    const row = await this.#store.findRecoveryCode(userId, selector);
    if (!row || row.usedAt !== null) return null;
    if (!(await this.#passwords.verifyPassword(row.hash, secret))) return null;
    return (await this.#store.takeRecoveryCode(userId, row.selector, this.#now())) ? 'recovery-code' : null;
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

function purposeOf(userId: UserId): string {
  return `totp ${userId}`;
}

function wrongCode(): AccountError {
  return new AccountError('wrong-code', 'This code is wrong or was used already. Wait for the next one.');
}
