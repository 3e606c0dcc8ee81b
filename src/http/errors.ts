import type Koa from 'koa';
import { PasswordsBusyError } from '../accounts/passwords.js';
import { DavError, renderErrorBody } from '../dav/dav-error.js';
import { ALLOW } from '../dav/dispatch.js';
import { toDavError } from '../dav/drive-errors.js';
import type { FirnState } from './context.js';
import { ClientGoneError } from './http-body.js';
import { send } from './send.js';

type Context = Koa.ParameterizedContext<FirnState>;

/** The one place where errors end. What nobody expected is logged with its stack and told to nobody (STYLE). */
export async function errors(context: Context, next: Koa.Next): Promise<void> {
  try {
    await next();
  } catch (error) {
    answer(context, error);
  }
}

function answer(context: Context, error: unknown): void {
  const { log, requestId } = context.state;
  const { method, res } = context;
  if (error instanceof ClientGoneError || isAbort(error) || res.destroyed) {
    log.debug({ method }, 'the client went away');
    res.destroy();
    return;
  }
  const known = expected(context, error);
  if (!known) log.error({ err: error, method }, 'a request failed');
  if (res.headersSent) {
    // The rest of the answer can't be told from its end but by closing the connection.
    res.destroy();
    return;
  }
  const shown =
    known ?? new DavError(500, `Something went wrong here. Its number in the server's log is ${requestId}.`);
  const isApi = context.state.mount?.kind === 'api';
  const body = isApi ? JSON.stringify({ error: shown.message, requestId }) : renderErrorBody(shown, requestId);
  send(context, {
    status: shown.status,
    headers: {
      'Content-Type': `application/${isApi ? 'json' : 'xml'}; charset=utf-8`,
      // RFC 9110 §15.5.6: a 405 says what is allowed.
      ...(shown.status === 405 ? { Allow: ALLOW } : {}),
      ...shown.headers,
    },
    body: method === 'HEAD' ? null : body,
  });
}

function expected(context: Context, error: unknown): DavError | null {
  if (error instanceof PasswordsBusyError) {
    return new DavError(503, 'Too many sign-ins at once. Try again in a moment.', { headers: { 'Retry-After': '2' } });
  }
  const { mount } = context.state;
  return toDavError(error, { method: context.method, base: mount?.kind === 'drive' ? mount.base : '', root: [] });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
