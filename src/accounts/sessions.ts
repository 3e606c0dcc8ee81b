import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { UserRow } from '../stores/account-store.js';
import type { SecurityStore, SessionAccess, SessionRow, SessionStage } from '../stores/security-store.js';
import type { UserId } from '../stores/values.js';
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

/** Browsers that are signed in to the console. The token is in a cookie and nowhere else; its hash is kept. */
export class Sessions {
  readonly #store: SecurityStore;
  readonly #options: SessionsOptions;
  readonly #now: () => number;

  constructor(store: SecurityStore, options: SessionsOptions) {
    this.#store = store;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** After the password was right: with a second factor on, the session takes nothing but that. Gives its token. */
  async begin(user: UserRow, remoteAddress: string, client: string): Promise<string> {
    const now = this.#now();
    const token = makeToken();
    const stage: SessionStage = user.hasSecondFactor ? 'second-step' : 'full';
    await this.#store.createSession({
      key: keyOf(token),
      userId: user.id,
      passwordVersion: user.passwordVersion,
      stage,
      createdAt: now,
      expiresAt: now + (stage === 'full' ? this.#longestMs : SECOND_STEP_MS),
      address: remoteAddress,
      client: clientName(client),
    });
    return token;
  }

  /** Null for a token that is unknown, idle for too long or expired, or whose user's password is another one now. */
  async find(token: string, remoteAddress: string): Promise<OpenSession | null> {
    const now = this.#now();
    const access = await this.#store.findSession(keyOf(token), now);
    if (!access) return null;
    const { session, user } = access;
    if (now - session.seenAt > this.#options.idleMinutes * MINUTE_MS) {
      await this.#store.endSession(user.id, session.id);
      return null;
    }
    if (now - session.seenAt > NOTE_EVERY_MS) await this.#store.noteSession(session.id, now, remoteAddress);
    const isFresh = session.stage === 'full' && now - session.provedAt <= this.#options.freshMinutes * MINUTE_MS;
    return { ...access, csrfToken: csrfTokenOf(token), isFresh };
  }

  /**
   * The user has proved anew who they are: gives another token, so that one that somebody else had put there is of no
   * use (session fixation). Null where the session has ended meanwhile. `isWhole`: with all that a sign-in asks for.
   */
  async renew(session: SessionRow, passwordVersion: number, isWhole = true): Promise<string | null> {
    const now = this.#now();
    const token = makeToken();
    const isPromoted = await this.#store.promoteSession(session.id, {
      key: keyOf(token),
      stage: 'full',
      provedAt: isWhole ? now : session.provedAt,
      seenAt: now,
      expiresAt: session.createdAt + this.#longestMs,
      passwordVersion,
    });
    return isPromoted ? token : null;
  }

  /** Those that `find` would still find, the last used first. */
  async list(userId: UserId): Promise<SessionRow[]> {
    const now = this.#now();
    const sessions = await this.#store.sessions(userId, now);
    return sessions.filter(({ seenAt }) => now - seenAt <= this.#options.idleMinutes * MINUTE_MS);
  }

  end(userId: UserId, id: number): Promise<boolean> {
    return this.#store.endSession(userId, id);
  }

  endOthers(userId: UserId, except: number | null): Promise<number> {
    return this.#store.endSessions(userId, except);
  }

  removeExpired(): Promise<void> {
    return this.#store.removeExpiredSessions(this.#now());
  }

  get #longestMs(): number {
    return this.#options.longestHours * 60 * MINUTE_MS;
  }
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
