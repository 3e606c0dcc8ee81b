import type { PasskeyVisitor } from '../accounts/passkeys.js';
import { ConsoleError } from './console-error.js';
import { actorOf, type ConsoleParts } from './console-parts.js';
import type { ConsoleRequest } from './route.js';

/** Who asks for something about passkeys, signed in or on the way there. */
export function visitorOf({ session, origin }: ConsoleRequest): PasskeyVisitor {
  const { user, session: row } = session!;
  return { user, sessionId: row.id, origin };
}

/** Throws `ConsoleError` where what the browser signed is not what it was asked to, by a passkey of the user's. */
export async function checkPasskey(
  request: ConsoleRequest,
  { passkeys, audit }: ConsoleParts,
  response: unknown,
): Promise<void> {
  const verdict = await passkeys.verify(visitorOf(request), response);
  if (verdict === 'good') return;
  const details = { by: 'passkey', reason: verdict };
  await audit.noteOnce('sign-in-refused', request.session!.user.id, actorOf(request), details);
  const message =
    verdict === 'copied'
      ? 'This passkey seems to have been copied. Use another way, and remove it.'
      : 'This passkey could not be checked. Try again.';
  throw new ConsoleError(403, 'wrong-passkey', message, { field: 'passkey' });
}
