import type { AuthenticationResponseJSON } from '@simplewebauthn/browser';
import { api } from '../api.js';

export const hasPasskeys = () => window.isSecureContext && 'PublicKeyCredential' in window;

/** What a passkey says to a challenge of the server. The library comes when it is wanted. */
export async function askPasskey(): Promise<AuthenticationResponseJSON> {
  const optionsJSON = await api('POST /api/session/passkey/options');
  const { startAuthentication } = await import('@simplewebauthn/browser');
  return startAuthentication({ optionsJSON });
}

/** The second step of a sign-in by a passkey. */
export async function provePasskey(): Promise<void> {
  const response = await askPasskey();
  await api('POST /api/session/passkey', { body: { response } });
}
