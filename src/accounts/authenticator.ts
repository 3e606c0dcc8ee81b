import { timingSafeEqual } from 'node:crypto';
import {
  type AppPasswordRow,
  type CredentialRef,
  emailKey,
  type Membership,
  type UserRow,
} from '../stores/account-store.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import type { DriveId, UserId } from '../stores/values.js';
import { parseAppPassword } from './app-password.js';
import type { Actor, Audit } from './audit.js';
import type { BasicCredentials } from './basic.js';
import { CredentialCache } from './credential-cache.js';
import { type AccessThen, KnownAccess } from './known-access.js';
import { LastUsedLog } from './last-used-log.js';
import type { Passwords } from './passwords.js';
import { REFUSAL_MESSAGES, type Refusal, type RefusalReason, type Tried } from './refusal.js';
import type { SecretBox } from './secret-box.js';
import { SignInCounts } from './sign-in-counts.js';
import type { Throttle } from './throttle.js';

const ACCOUNT_PASSWORD_WANTED = 'This is an app password. Sign in with your account password here.';
/** Earlier account passwords that are told from a guess. */
const FORMER_PASSWORDS_CHECKED = 3;

export type Authentication =
  | {
      readonly kind: 'granted';
      readonly credential: CredentialRef;
      readonly membership: Membership;
      readonly access: AccessThen;
    }
  /** The credentials are good; the drive isn't there, or isn't theirs. */
  | { readonly kind: 'no-drive' }
  /** `message` is a plain sentence for the body of the 401. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly message: string }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number };

/** Of somebody who types their account password into a page. */
export type SignInResult =
  | { readonly kind: 'granted'; readonly user: UserRow }
  | { readonly kind: 'refused'; readonly reason: RefusalReason | 'app-password'; readonly message: string }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number };

export interface AuthenticatorOptions {
  readonly audit: Audit;
  readonly throttle: Throttle;
  readonly box: SecretBox;
  /** Is told of notes on use that could not be written. */
  readonly onError: (error: unknown) => void;
  /** The account password opens drives also to who lacks the second factor that is required of everyone (PRODUCT S4). */
  readonly mayLackFactor?: boolean;
  readonly now?: () => number;
}

interface Attempt {
  readonly key: string;
  readonly email: string;
  readonly password: string;
  readonly remoteAddress: string;
}

interface TriedAppPassword {
  readonly user: UserRow;
  readonly row: AppPasswordRow;
  /** As it is hashed. */
  readonly secret: string;
}

type Verdict =
  | { readonly kind: 'good'; readonly credential: CredentialRef; readonly isFirstUse: boolean }
  | { readonly kind: 'bad'; readonly refusal: Refusal }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number };

/** Says who a request comes from and what they may do on its drive (PRODUCT S1, S2, S5, S6). */
export class Authenticator {
  readonly #metadata: MetadataStore;
  readonly #passwords: Passwords;
  readonly #now: () => number;
  readonly #audit: Audit;
  readonly #onError: (error: unknown) => void;
  readonly #mayLackFactor: boolean;
  readonly #notes: LastUsedLog;
  readonly #cache = new CredentialCache();
  readonly #access: KnownAccess;
  readonly #throttle: Throttle;
  readonly #box: SecretBox;
  readonly #pending = new Map<string, Promise<Verdict>>();
  /** Since the start. */
  readonly counts = new SignInCounts();

  constructor(metadata: MetadataStore, passwords: Passwords, options: AuthenticatorOptions) {
    this.#metadata = metadata;
    this.#access = new KnownAccess(metadata);
    this.#passwords = passwords;
    this.#now = options.now ?? Date.now;
    this.#audit = options.audit;
    this.#throttle = options.throttle;
    this.#box = options.box;
    this.#onError = options.onError;
    this.#mayLackFactor = options.mayLackFactor ?? false;
    this.#notes = new LastUsedLog(metadata, options.onError);
  }

  /**
   * Costs one statement at most where the credentials were verified before. `driveId` null: the user's own drive. `client` is the User-Agent. Throws
   * `PasswordsBusyError` when too many unknown credentials come at once.
   */
  async authenticate(
    credentials: BasicCredentials,
    driveId: DriveId | null,
    remoteAddress: string,
    client: string,
  ): Promise<Authentication> {
    const now = this.#now();
    const key = this.#cache.keyOf(credentials);
    const known = this.#cache.findGood(key, now);
    if (known) {
      const answer = await this.#answer(known, driveId, client, now);
      if (answer) {
        this.counts.cacheHits++;
        return answer;
      }
      this.#cache.dropGood(key, known, now);
    }
    const email = toEmail(credentials.userName);
    const verdict =
      (await this.#knownBad(key, email)) ??
      (await this.#judge({ key, email, password: credentials.password, remoteAddress }));
    if (verdict.kind === 'throttled') return this.#throttled(verdict);
    if (verdict.kind === 'bad') {
      this.#tell('access-refused', verdict.refusal, { name: email, remoteAddress, client });
      return this.#refuse(verdict.refusal, client, now);
    }
    if (verdict.isFirstUse) this.#tellFirstUse(verdict.credential, email, remoteAddress, client);
    // It may have been revoked while argon2 ran.
    return (await this.#answer(verdict.credential, driveId, client, now)) ?? this.#refused('wrong');
  }

  /**
   * Signs a person in by their account password; app passwords are for programs. Slowed down as `authenticate` is. Where
   * the user has a second factor, the caller asks for it.
   */
  async signIn(credentials: BasicCredentials, remoteAddress: string, client: string): Promise<SignInResult> {
    const email = toEmail(credentials.userName);
    const key = this.#cache.keyOf(credentials);
    const verdict =
      (await this.#knownBad(key, email)) ??
      (await this.#judge({ key, email, password: credentials.password, remoteAddress }));
    if (verdict.kind === 'throttled') return this.#throttled(verdict);
    if (verdict.kind === 'bad' && !isEnoughForPeople(verdict.refusal.reason)) {
      this.#tell('sign-in-refused', verdict.refusal, { name: email, remoteAddress, client });
      return this.#refuse(verdict.refusal, client, this.#now());
    }
    if (verdict.kind === 'good' && verdict.credential.kind === 'app') {
      const { userId, id } = verdict.credential;
      const details = { reason: 'app-password', number: id };
      const actor = { name: email, remoteAddress, client };
      this.#audit.noteOnce('sign-in-refused', userId, actor, details).catch(this.#onError);
      this.counts.refused['app-password']++;
      return { kind: 'refused', reason: 'app-password', message: ACCOUNT_PASSWORD_WANTED };
    }
    const user = await this.#findUser(email);
    // Somebody may have disabled them while argon2 ran.
    if (!user || user.isDisabled) return this.#refused('wrong');
    this.counts.granted++;
    return { kind: 'granted', user };
  }

  /** Writes what was collected on the use of app passwords; the server does so by itself once a minute. */
  flush(): Promise<void> {
    return this.#notes.flush();
  }

  close(): Promise<void> {
    return this.#notes.close();
  }

  /** Null when the credential no longer stands. */
  async #answer(
    credential: CredentialRef,
    driveId: DriveId | null,
    client: string,
    now: number,
  ): Promise<Authentication | null> {
    const access = await this.#access.find(credential, driveId, now);
    const { stands, membership } = access;
    if (!stands) return null;
    if (credential.kind === 'app') this.#notes.noteUse(credential.id, now, client);
    if (!membership) {
      this.counts.noDrive++;
      return { kind: 'no-drive' };
    }
    this.counts.granted++;
    return { kind: 'granted', credential, membership, access };
  }

  #refuse(refusal: Refusal, client: string, now: number): Extract<Authentication, { kind: 'refused' }> {
    if (refusal.tried) this.#notes.noteTried(refusal.tried, now, client);
    return this.#refused(refusal.reason);
  }

  #refused(reason: RefusalReason): Extract<Authentication, { kind: 'refused' }> {
    this.counts.refused[reason]++;
    return { kind: 'refused', reason, message: REFUSAL_MESSAGES[reason] };
  }

  #throttled(verdict: Extract<Verdict, { kind: 'throttled' }>): Extract<Verdict, { kind: 'throttled' }> {
    this.counts.throttled++;
    return verdict;
  }

  /**
   * Not waited for: the answer doesn't depend on it, and its time must not tell who has an account. A name that is nobody's
   * may be a password typed into the wrong field.
   */
  #tell(kind: 'sign-in-refused' | 'access-refused', { reason, user, tried }: Refusal, by: Actor): void {
    const actor = { ...by, name: user ? by.name : '' };
    const number = tried?.kind === 'app' ? tried.id : undefined;
    this.#audit.noteOnce(kind, user?.id ?? null, actor, { reason, number }).catch(this.#onError);
  }

  #tellFirstUse(credential: CredentialRef, email: string, remoteAddress: string, client: string): void {
    if (credential.kind !== 'app') return;
    const actor = { name: email, remoteAddress, client };
    this.#audit
      .noteOnce('app-password-first-used', credential.userId, actor, { number: credential.id })
      .catch(this.#onError);
  }

  async #knownBad(key: string, email: string): Promise<Extract<Verdict, { kind: 'bad' }> | null> {
    const refusal = this.#cache.findBad(key, this.#now());
    if (!refusal) return null;
    if (await this.#isStillSo(refusal, email)) {
      this.counts.cacheHits++;
      return { kind: 'bad', refusal };
    }
    this.#cache.dropBad(key);
    return null;
  }

  /** An account made, enabled or given another password since makes bad credentials worth another look. */
  async #isStillSo(refusal: Refusal, email: string): Promise<boolean> {
    const user = await this.#findUser(email);
    if (!user || !refusal.user) return user === refusal.user;
    const { id, passwordVersion, isDisabled, hasSecondFactor } = refusal.user;
    if (refusal.reason === 'second-factor-required' && !(await this.#lacksRequiredFactor(id))) return false;
    const isSame = user.passwordVersion === passwordVersion && user.isDisabled === isDisabled;
    return user.id === id && isSame && user.hasSecondFactor === hasSecondFactor;
  }

  /** Requests that bring the same credentials at the same time share one verdict. */
  #judge(attempt: Attempt): Promise<Verdict> {
    const pending = this.#pending.get(attempt.key);
    if (pending) return pending;
    const verdict = this.#guess(attempt).finally(() => this.#pending.delete(attempt.key));
    this.#pending.set(attempt.key, verdict);
    return verdict;
  }

  async #guess(attempt: Attempt): Promise<Verdict> {
    const known = await this.#findAppPassword(attempt);
    // 120 random bits that the key has seen before need neither argon2 nor a throttle.
    if (known && this.#isByMac(known)) return this.#keep(attempt, judgeAppPassword(known, this.#now()));
    const guess = await this.#throttle.take(attempt.email, attempt.remoteAddress);
    if ('retryAfterSeconds' in guess) return { kind: 'throttled', retryAfterSeconds: guess.retryAfterSeconds };
    let isWrong = false;
    try {
      const verdict = known
        ? await this.#verifyAppPassword(known)
        : await this.#verifyAccountPassword(await this.#findUser(attempt.email), attempt.password);
      isWrong = verdict.kind === 'bad' && verdict.refusal.reason === 'wrong';
      return this.#keep(attempt, verdict);
    } finally {
      await guess.end(isWrong);
    }
  }

  #keep({ key }: Attempt, verdict: Verdict): Verdict {
    if (verdict.kind === 'good') this.#cache.keepGood(key, verdict.credential, this.#now());
    if (verdict.kind === 'bad') this.#cache.keepBad(key, verdict.refusal, this.#now());
    return verdict;
  }

  #findUser(email: string): Promise<UserRow | null> {
    return this.#metadata.readOne([], ({ accounts }) => accounts.findUser(email));
  }

  #lacksRequiredFactor(id: UserId): Promise<boolean> {
    return this.#metadata.readOne([], ({ accounts }) => accounts.lacksRequiredFactor(id));
  }

  #formerPasswords(id: UserId): Promise<string[]> {
    return this.#metadata.readOne([], ({ accounts }) => accounts.formerPasswords(id, FORMER_PASSWORDS_CHECKED));
  }

  /** Null where the password isn't of that shape, or is none of the user's. */
  async #findAppPassword({ email, password }: Attempt): Promise<TriedAppPassword | null> {
    const secret = parseAppPassword(password);
    const user = secret && (await this.#findUser(email));
    const row =
      secret && user
        ? await this.#metadata.readOne([], ({ accounts }) => accounts.findAppPassword(secret.selector))
        : null;
    return secret && user && row?.userId === user.id ? { user, row, secret: secret.secret } : null;
  }

  #isByMac({ row, secret }: TriedAppPassword): boolean {
    const known = row.mac === null ? null : Buffer.from(row.mac, 'base64');
    const mac = this.#macOf(secret);
    return known !== null && known.length === mac.length && timingSafeEqual(known, mac);
  }

  #macOf(secret: string): Buffer {
    return this.#box.mac(secret, 'app password');
  }

  async #verifyAppPassword(known: TriedAppPassword): Promise<Verdict> {
    if (!(await this.#passwords.verifyPassword(known.row.hash, known.secret))) return bad('wrong', known.user, null);
    await this.#learn(known).catch(this.#onError);
    return judgeAppPassword(known, this.#now());
  }

  /** Without it the next process asks argon2 again; so what fails here keeps nobody out. */
  #learn({ row, secret }: TriedAppPassword): Promise<void> {
    const mac = this.#macOf(secret).toString('base64');
    return this.#metadata.write([], ({ accounts }) => accounts.setAppPasswordMac(row.id, mac));
  }

  /** A wrong password costs as many argon2 runs whether or not there is such a user, with earlier passwords. */
  async #verifyAccountPassword(user: UserRow | null, password: string): Promise<Verdict> {
    const { dummyHash } = this.#passwords;
    if (await this.#passwords.verifyPassword(user?.passwordHash ?? dummyHash, password)) {
      if (!user || user.isDisabled) return bad(user ? 'disabled' : 'wrong', user, null);
      // The password is right, and not enough (PRODUCT S1).
      if (user.hasSecondFactor) return bad('second-factor', user, { kind: 'account', id: user.id });
      const { id: userId, passwordVersion } = user;
      const mayLackFactor = this.#mayLackFactor;
      if (!mayLackFactor && (await this.#lacksRequiredFactor(userId)))
        return bad('second-factor-required', user, { kind: 'account', id: userId });
      const credential = { kind: 'account', userId, passwordVersion, mayLackFactor } as const;
      return { kind: 'good', credential, isFirstUse: false };
    }
    const former = user ? await this.#formerPasswords(user.id) : [];
    let isFormer = false;
    for (let index = 0; index < FORMER_PASSWORDS_CHECKED; index++) {
      if (await this.#passwords.verifyPassword(former[index] ?? dummyHash, password)) isFormer = true;
    }
    if (!user || !isFormer) return bad('wrong', user, null);
    return bad('former', user, { kind: 'account', id: user.id });
  }
}

/** Of an app password whose secret is right. */
function judgeAppPassword({ user, row }: TriedAppPassword, now: number): Verdict {
  const tried: Tried = { kind: 'app', id: row.id };
  if (user.isDisabled) return bad('disabled', user, tried);
  if (row.revokedAt !== null) return bad('revoked', user, tried);
  if (row.expiresAt !== null && row.expiresAt <= now) return bad('expired', user, tried);
  const isFirstUse = row.lastUsedAt === null;
  return { kind: 'good', credential: { kind: 'app', userId: user.id, id: row.id }, isFirstUse };
}

/** Whether the password is right, and who types it into a page is asked for the rest there. */
function isEnoughForPeople(reason: RefusalReason): boolean {
  return reason === 'second-factor' || reason === 'second-factor-required';
}

function bad(reason: RefusalReason, user: UserRow | null, tried: Tried | null): Verdict {
  const basis =
    user &&
    (({ id, passwordVersion, isDisabled, hasSecondFactor }) => ({
      id,
      passwordVersion,
      isDisabled,
      hasSecondFactor,
    }))(user);
  return { kind: 'bad', refusal: { reason, user: basis, tried } };
}

/** Windows puts a domain before the user name: `DOMAIN\someone@example.org`. */
function toEmail(userName: string): string {
  return emailKey(userName.slice(userName.lastIndexOf('\\') + 1).trim());
}
