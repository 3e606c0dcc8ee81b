import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { UserRow } from '../stores/account-store.js';
import type { MetadataStore, StoreTransaction } from '../stores/metadata-store.js';
import type { SecurityStore, SessionAccess, SessionRow, SessionStage } from '../stores/security-store.js';
import type { UserId } from '../stores/values.js';
import type { Actor, Audit } from './audit.js';
import { clientName } from './client-name.js';

const MINUTE_MS = 60_000;
const TOKEN_BYTES = 32;
/** For the second step of a sign-in. */
const SECOND_STEP_MS = 10 * MINUTE_MS;
/** A session is noted as seen at most so often. */
const NOTE_EVERY_MS = MINUTE_MS;

export interface SessionsOptions {
  /** Silence after which a session ends. */
  readonly idleMinutes: number;
  /** After which it ends in any case. */
  readonly longestHours: number;
  /** How long ago a user may have proved who they are for what an administrator does. */
  readonly freshMinutes: number;
  readonly now?: () => number;
}

export interface OpenSession extends SessionAccess {
  /** What a request that changes something has to repeat (against cross-site request forgery). */
  readonly csrfToken: string;
  readonly isFresh: boolean;
}

export interface Renewal {
  readonly passwordVersion: number;
  readonly isWhole?: boolean;
  readonly signIn?: { readonly actor: Actor; readonly by: string };
}

/** Browsers that are signed in to the console. The token is in a cookie and nowhere else; its hash is kept. */
export class Sessions {
  readonly #metadata: MetadataStore;
  readonly #audit: Audit;
  readonly #options: SessionsOptions;
  readonly #now: () => number;

  constructor(metadata: MetadataStore, audit: Audit, options: SessionsOptions) {
    this.#metadata = metadata;
    this.#audit = audit;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * After the password was right: with a second factor on, the session takes nothing but that. `former`: the session that
   * the browser brought, which ends. Returns the token.
   */
  begin(user: UserRow, former: SessionRow | null, actor: Actor): Promise<string> {
    const token = makeToken();
    return this.#metadata.write([], async (transaction) => {
      const { accounts, security } = transaction;
      if (former) await security.endSession(former.userId, former.id);
      // It may have been switched on since the password was looked at.
      const { hasSecondFactor } = (await accounts.findUser(user.email)) ?? user;
      const now = this.#now();
      const stage: SessionStage = hasSecondFactor ? 'second-step' : 'full';
      await security.createSession({
        key: keyOf(token),
        userId: user.id,
        passwordVersion: user.passwordVersion,
        stage,
        createdAt: now,
        expiresAt: now + (stage === 'full' ? this.#longestMs : SECOND_STEP_MS),
        address: actor.remoteAddress,
        client: clientName(actor.client),
      });
      if (stage === 'full') await this.#audit.noteIn(transaction, 'sign-in', user.id, actor, { by: 'password' });
      return token;
    });
  }

  /** Null for a token that is unknown, idle for too long or expired, or whose user's password is another one now. */
  async find(token: string, remoteAddress: string): Promise<OpenSession | null> {
    const now = this.#now();
    const access = await this.#metadata.readOne([], ({ security }) => security.findSession(keyOf(token), now));
    if (!access) return null;
    const { session, user } = access;
    if (now - session.seenAt > this.#options.idleMinutes * MINUTE_MS) {
      await this.#write((security) => security.endSession(user.id, session.id));
      return null;
    }
    if (now - session.seenAt > NOTE_EVERY_MS) {
      await this.#write((security) => security.noteSession(session.id, now, remoteAddress));
    }
    const isFresh = session.stage === 'full' && now - session.provedAt <= this.#options.freshMinutes * MINUTE_MS;
    return { ...access, csrfToken: csrfTokenOf(token), isFresh };
  }

  /**
   * The user has proved again who they are: returns another token, so that one that somebody else had put there is of no
   * use (session fixation). Null where the session has ended meanwhile. `isWhole`: with all that a sign-in asks for.
   * `signIn`: this was its second step.
   */
  renew(session: SessionRow, { passwordVersion, isWhole = true, signIn }: Renewal): Promise<string | null> {
    const token = makeToken();
    return this.#metadata.write([], async (transaction) => {
      const now = this.#now();
      const isPromoted = await transaction.security.promoteSession(session.id, {
        key: keyOf(token),
        stage: 'full',
        provedAt: isWhole ? now : session.provedAt,
        seenAt: now,
        expiresAt: session.createdAt + this.#longestMs,
        passwordVersion,
      });
      if (!isPromoted) return null;
      if (signIn) {
        await this.#audit.noteIn(transaction, 'sign-in', session.userId, signIn.actor, { by: signIn.by });
      }
      return token;
    });
  }

  /** Those that `find` would still find, the last used first. */
  async list(userId: UserId): Promise<SessionRow[]> {
    const now = this.#now();
    const sessions = await this.#metadata.readOne([], ({ security }) => security.sessions(userId, now));
    return sessions.filter(({ seenAt }) => now - seenAt <= this.#options.idleMinutes * MINUTE_MS);
  }

  /** False, and nothing is recorded, where it has ended. */
  end(userId: UserId, id: number, actor: Actor): Promise<boolean> {
    return this.#metadata.write([], async (transaction) => {
      const hasEnded = await transaction.security.endSession(userId, id);
      if (hasEnded) await this.#audit.noteIn(transaction, 'session-ended', userId, actor, { number: id });
      return hasEnded;
    });
  }

  async signOut({ userId, id }: SessionRow, actor: Actor): Promise<void> {
    await this.#metadata.write([], async (transaction) => {
      await transaction.security.endSession(userId, id);
      await this.#audit.noteIn(transaction, 'sign-out', userId, actor);
    });
  }

  /** All of the user's but `kept`. */
  async endOthers({ userId, id: kept }: SessionRow, actor: Actor): Promise<void> {
    await this.#metadata.write([], (transaction) => endOthersIn(transaction, this.#audit, { userId, kept, actor }));
  }

  removeExpired(): Promise<void> {
    return this.#write((security) => security.removeExpiredSessions(this.#now()));
  }

  #write<T>(work: (security: SecurityStore) => Promise<T>): Promise<T> {
    return this.#metadata.write([], ({ security }) => work(security));
  }

  get #longestMs(): number {
    return this.#options.longestHours * 60 * MINUTE_MS;
  }
}

/** Ends all of a user's sessions but one, in the transaction that changes what a sign-in asks for. */
export async function endOthersIn(
  transaction: StoreTransaction,
  audit: Audit,
  { userId, kept, actor }: { readonly userId: UserId; readonly kept: number; readonly actor: Actor },
): Promise<void> {
  const all = await transaction.security.endSessions(userId, kept);
  if (all > 0) await audit.noteIn(transaction, 'session-ended', userId, actor, { all });
}

/** Whether what a request brings is the session's token against forgery. */
export function isCsrfToken(session: OpenSession, given: string | undefined): boolean {
  const [wanted, brought] = [Buffer.from(session.csrfToken), Buffer.from(given ?? '')];
  return wanted.length === brought.length && timingSafeEqual(wanted, brought);
}

function makeToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

function csrfTokenOf(token: string): string {
  return createHmac('sha256', token).update('csrf').digest('base64url');
}
