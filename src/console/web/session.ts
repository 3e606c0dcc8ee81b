import type { SessionAnswer, SessionUser } from '../contract/session.js';
import { addressOf } from './calls.js';
import { forget, keep, kept } from './i18n.js';
import { href } from './router.js';
import { Store } from './store.js';

export const SIGNED_OUT: SessionAnswer = { stage: 'signed-out', csrfToken: null, user: null, secondStep: null };

/** Who is signed in; null until the server has said so, and while the page is left. */
export const session = new Store<SessionAnswer | null>(null);

/** Work of who is signed in that goes on whatever page is looked at. */
export interface Belonging {
  /** Whether a sign-out stops something. */
  readonly isUnderWay: () => boolean;
  /** Stops it, and takes away what of it is on the server. */
  readonly giveUp: () => Promise<void>;
  /** Stops it at once, without a word to the server. */
  readonly drop: () => void;
}

const belongings = new Set<Belonging>();
export function addBelonging(one: Belonging): void {
  belongings.add(one);
}

/** The browser's other tabs: none of them shows a person who is gone. */
const tabs = new BroadcastChannel('firn-session');
let isLeaving = false;

/** Asks the server who is there. */
export async function refreshSession(): Promise<SessionAnswer> {
  const answer = await fetch(addressOf('GET /api/session'), { headers: { Accept: 'application/json' } });
  // A proxy in front of a server that is away says nothing of who is there.
  return takeSession(answer.ok ? ((await answer.json()) as SessionAnswer) : (session.value ?? SIGNED_OUT));
}

/**
 * What the server says of who is there. A page belongs to one person: where that is another now, or nobody, it is loaded
 * again, so that nothing in its memory is there for the next one; then this never comes back.
 */
export async function takeSession(found: SessionAnswer): Promise<SessionAnswer> {
  const known = session.value;
  const isOther = known !== null && personOf(known) !== personOf(found);
  if (isLeaving || (isOther && known.stage === 'full')) return leavePage(() => location.reload());
  session.set(found);
  if (isOther) tabs.postMessage('changed');
  return found;
}

/** Keeps the page true to the browser's session, whatever other tabs do. */
export function followSession(): void {
  const look = () => void refreshSession().catch(() => {});
  tabs.addEventListener('message', look);
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && look());
  // The browser's history kept the page as it was; somebody else may be there now.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
}

export function isWorkUnderWay(): boolean {
  return [...belongings].some((one) => one.isUnderWay());
}

/** Ends the session by `end`, and the page with all that belongs to the person. */
export async function endSession(end: () => Promise<void>): Promise<void> {
  await Promise.all([...belongings].map((one) => one.giveUp()));
  await end();
  forget(KEPT_AS);
  await leavePage(() => location.replace(href('/')));
}

/** For pages that are shown only to who is signed in. */
export function currentUser(): SessionUser {
  const user = session.value?.user;
  if (!user) throw new Error('nobody is signed in');
  return user;
}

/** What a request that changes something has to carry. */
export function csrfHeaders(): Record<string, string> {
  const token = session.value?.csrfToken;
  return token ? { 'X-CSRF-Token': token } : {};
}

const KEPT_AS = 'firn-person';

/** What this browser keeps for who is signed in: until the sign-out, and from everybody else. */
export function keptForPerson(name: string): string | null {
  return readKept()[name] ?? null;
}

export function keepForPerson(name: string, value: string): void {
  const { email } = currentUser();
  keep(KEPT_AS, JSON.stringify({ email, values: { ...readKept(), [name]: value } }));
}

function readKept(): Readonly<Record<string, string>> {
  try {
    const found = JSON.parse(kept(KEPT_AS) ?? '{}') as { email?: string; values?: Record<string, string> };
    return found.email === session.value?.user?.email ? (found.values ?? {}) : {};
  } catch {
    return {};
  }
}

function leavePage(go: () => void): Promise<never> {
  if (!isLeaving) {
    isLeaving = true;
    for (const one of belongings) one.drop();
    session.set(null);
    tabs.postMessage('changed');
    go();
  }
  return new Promise<never>(() => {});
}

function personOf({ stage, user }: SessionAnswer): string {
  return stage === 'full' ? `${stage} ${user?.email}` : stage;
}
