import type Koa from 'koa';
import { PasswordsBusyError } from '../accounts/passwords.js';
import { ALLOW } from '../dav/dispatch.js';
import { isOutOfFiles, passwordsBusy, toHttpError } from '../dav/drive-errors.js';
import { renderErrorBody } from '../dav/error-body.js';
import { msdavextError } from '../dav/headers/msdavext-error.js';
import { HttpError } from '../http-error.js';
import type { Context } from './context.js';
import { PAGE_HEADERS, renderErrorPage, wantsPage } from './error-page.js';
import { ClientGoneError } from './http-body.js';
import { send } from './send.js';

const JSON_HEADERS = { 'Content-Type': 'application/json; charset=utf-8' };
const XML_HEADERS = { 'Content-Type': 'application/xml; charset=utf-8' };

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
  if (!known || known.status === 500) log.error({ err: error, method }, 'a request failed');
  else if (isOutOfFiles(error)) log.warn({ err: error, method }, 'no file descriptor is left');
  if (res.headersSent) {
    // The rest of the answer can't be told from its end but by closing the connection.
    res.destroy();
    return;
  }
  const shown =
    known ?? new HttpError(500, `Something went wrong here. Its number in the server's log is ${requestId}.`);
  const { headers, body } = formOf(context, shown);
  const extended = msdavextError(context.req.headers, shown.status, shown.message);
  send(context, {
    status: shown.status,
    headers: {
      ...headers,
      // RFC 9110 §15.5.6: a 405 says what is allowed.
      ...(shown.status === 405 ? { Allow: allowedBeside(method) } : {}),
      // What somebody came in by may also end in the middle of their request.
      ...(shown.status === 401 ? context.state.challenge : {}),
      ...(extended === null ? {} : { 'X-MSDAVEXT_ERROR': extended }),
      ...shown.headers,
    },
    body: method === 'HEAD' ? null : body,
  });
}

/** The methods but the one that was just refused. */
function allowedBeside(method: string): string {
  return ALLOW.split(', ')
    .filter((allowed) => allowed !== method)
    .join(', ');
}

/** JSON for programs of ours, a page for people, XML for WebDAV programs. */
function formOf({ method, req, state }: Context, error: HttpError): { headers: Record<string, string>; body: string } {
  const { requestId, mount } = state;
  if (mount?.kind === 'api')
    return { headers: JSON_HEADERS, body: JSON.stringify({ error: error.message, requestId }) };
  if (method === 'GET' && wantsPage(req.headers.accept))
    return { headers: PAGE_HEADERS, body: renderErrorPage(error, requestId) };
  return { headers: XML_HEADERS, body: renderErrorBody(error, requestId) };
}

function expected(context: Context, error: unknown): HttpError | null {
  if (error instanceof PasswordsBusyError) return passwordsBusy();
  const { mount } = context.state;
  return toHttpError(error, {
    method: context.method,
    base: mount?.kind === 'drive' ? mount.base : '',
    root: [],
    path: [],
    spelling: '',
  });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
