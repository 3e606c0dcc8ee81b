import type { SessionAnswer, SessionUser } from '../contract.js';
import { Store } from './store.js';

export const SIGNED_OUT: SessionAnswer = { stage: 'signed-out', csrfToken: null, user: null, secondStep: null };

/** Who is signed in; null until the server has said so. */
export const session = new Store<SessionAnswer | null>(null);

/** Asks the server anew. */
export async function refreshSession(): Promise<SessionAnswer> {
  const answer = await fetch('/api/session', { headers: { Accept: 'application/json' } });
  const found = answer.ok ? ((await answer.json()) as SessionAnswer) : SIGNED_OUT;
  session.set(found);
  return found;
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
