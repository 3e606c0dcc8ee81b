import type { AuthenticationResponseJSON, PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/browser';
import type { SessionAnswer } from '../../contract.js';
import { post } from '../api.js';

/** The second step by a passkey. The library comes when it is wanted. */
export async function provePasskey(): Promise<void> {
  const optionsJSON = await post<PublicKeyCredentialRequestOptionsJSON>('/api/session/passkey/options');
  const { startAuthentication } = await import('@simplewebauthn/browser');
  const response: AuthenticationResponseJSON = await startAuthentication({ optionsJSON });
  await post<SessionAnswer>('/api/session/passkey', { response });
}
