import type { AuthenticationResponseJSON, PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/browser';
import type { SessionAnswer } from '../../contract/session.js';
import { post } from '../api.js';

export const hasPasskeys = () => window.isSecureContext && 'PublicKeyCredential' in window;

/** What a passkey says to a challenge of the server. The library comes when it is wanted. */
export async function askPasskey(): Promise<AuthenticationResponseJSON> {
  const optionsJSON = await post<PublicKeyCredentialRequestOptionsJSON>('/api/session/passkey/options');
  const { startAuthentication } = await import('@simplewebauthn/browser');
  return startAuthentication({ optionsJSON });
}

/** The second step of a sign-in by a passkey. */
export async function provePasskey(): Promise<void> {
  const response = await askPasskey();
  await post<SessionAnswer>('/api/session/passkey', { response });
}
