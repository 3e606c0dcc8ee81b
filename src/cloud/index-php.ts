import type { LoginFlows } from './login-flows.js';
import { type CloudAnswer, type CloudRequest, json } from './request.js';

/**
 * `/index.php/…`: signing in; and what isn't here fails softly, for programs that ask for everything
 * (client-requirements 2.12).
 */
export async function indexPhp(request: CloudRequest, flows: LoginFlows): Promise<CloudAnswer> {
  // Nextcloud's Android app looks whether it is on-line.
  if (request.path === '/index.php/204') return { status: 204, headers: {}, body: null };
  return (await flows.answer(request)) ?? json(404, { message: 'There is nothing here.' });
}
