import type { BlockList } from 'node:net';
import { clientName } from '../accounts/client-name.js';
import { isCsrfToken, type OpenSession } from '../accounts/sessions.js';
import { ROUTES } from '../console/api/all-routes.js';
import { ConsoleError, toConsoleError } from '../console/console-error.js';
import type { ConsoleParts } from '../console/console-parts.js';
import type { AccessLevel } from '../console/contract/declaration.js';
import type { RefusalKind } from '../console/refusal-kind.js';
import { type ConsoleAnswer, type ConsoleRequest, type Route, Routes, readQuery } from '../console/route.js';
import { HttpError } from '../http-error.js';
import type { Answer, Context } from './context.js';
import { isSecure, originOf } from './forwarded.js';
import { goneSignal } from './gone-signal.js';
import { HttpBody } from './http-body.js';
import { send } from './send.js';

export interface ConsoleBridgeParts extends ConsoleParts {
  readonly trustedProxies: BlockList;
}

/** Largest JSON body; forms are some hundred bytes, a list of a thousand paths some ten thousand. */
const JSON_BYTES_MAX = 1024 * 1024;
/** With TLS the name's prefix keeps other hosts and plain pages from setting it (RFC 6265bis §4.1.3). */
const HOST_COOKIE = '__Host-firn-session';
/** Below a path the cookie is for that path, which the other prefix forbids: the host's other programs never see it. */
const PATH_COOKIE = '__Secure-firn-session';
const PLAIN_COOKIE = 'firn-session';

/** `/api/…` but for the changes of drives: the JSON API of the console, for browsers that are signed in. */
export function consoleAnswer(parts: ConsoleBridgeParts): Answer<'console-api'> {
  const routes = new Routes(ROUTES);
  return async (context, { path }) => {
    try {
      await answer(parts, routes, context, path);
    } catch (error) {
      const known = toConsoleError(error) ?? fromHttp(error);
      if (!known || context.res.headersSent) throw error;
      sendError(context, known);
    }
  };
}

async function answer(parts: ConsoleBridgeParts, routes: Routes, context: Context, path: string): Promise<void> {
  const { method, req, state } = context;
  const found = routes.find(method, path);
  if ('methods' in found) {
    if (found.methods.length === 0) throw new ConsoleError(404, 'not-found', 'There is nothing here.');
    const headers = { Allow: ['OPTIONS', ...found.methods].join(', ') };
    throw new ConsoleError(405, 'wrong-method', `${method} can not be done here.`, { headers });
  }
  const secure = isSecure(req, parts.trustedProxies);
  const token = readCookie(req.headers.cookie, cookieName(secure, state.prefix));
  const session = token === null ? null : await parts.sessions.find(token, state.remoteAddress);
  const origin = `${secure ? 'https' : 'http'}://${req.headers.host ?? ''}`;
  checkAccess(found.route.access, session);
  const { publicUrl } = parts;
  const origins = publicUrl === null ? [origin] : [origin, new URL(publicUrl).origin];
  checkOrigin(context, found.route, session, origins);
  const incoming = new HttpBody(req, context.res);
  const request: ConsoleRequest = {
    parameters: found.parameters,
    query: readQuery(found.route, new URLSearchParams(state.search)),
    headers: req.headers,
    body: found.route.body ? await readJson(incoming, req.headers['content-type'], found.route) : undefined,
    incoming,
    signal: goneSignal(req, context.res),
    session,
    remoteAddress: state.remoteAddress,
    client: clientName(req.headers['user-agent']),
    origin,
    prefix: state.prefix,
  };
  reply(context, await found.route.run(request, parts), secure);
}

/** Throws `ConsoleError` 401 or 403 where the session is not enough. */
function checkAccess(access: AccessLevel, session: OpenSession | null): void {
  if (access === 'anyone') return;
  if (!session) throw new ConsoleError(401, 'not-signed-in', 'Sign in first.');
  if (access === 'second-step') return;
  const { user } = session;
  if (session.session.stage !== 'full') throw new ConsoleError(401, 'second-step', 'The second step is still wanted.');
  if (access === 'set-up') return;
  if (user.isSecondFactorRequired && !user.hasSecondFactor) {
    throw new ConsoleError(
      403,
      'second-factor-required',
      'Set up two-factor authentication first: it is required here.',
    );
  }
  if (access === 'user') return;
  if (!user.isAdmin) throw new ConsoleError(403, 'not-administrator', 'Only administrators can do this.');
  if (access === 'fresh-administrator' && !session.isFresh) {
    throw new ConsoleError(403, 'not-fresh', 'Enter your password again for this.');
  }
}

/**
 * Against cross-site request forgery: what changes something comes from our own pages, which are at one of `origins`. Throws
 * `ConsoleError` 403.
 */
function checkOrigin(
  context: Context,
  { method }: Route,
  session: OpenSession | null,
  origins: readonly string[],
): void {
  if (method === 'GET' || method === 'HEAD') return;
  const { headers } = context.req;
  const isElsewhere = headers['sec-fetch-site'] === 'cross-site';
  const isForeign = isElsewhere || (headers.origin !== undefined && !origins.includes(headers.origin));
  if (isForeign && !isElsewhere && headers.origin === originOf(context.req)) {
    const message =
      "A proxy that Firn does not know is in front of it. Its administrator has to add the proxy's address to the setting trustedProxies.";
    throw new ConsoleError(403, 'untrusted-proxy', message);
  }
  const hasToken = session === null || isCsrfToken(session, String(headers['x-csrf-token'] ?? ''));
  if (isForeign || !hasToken) {
    throw new ConsoleError(403, 'forged', 'This request did not come from the console. Load the page again.');
  }
}

async function readJson(body: HttpBody, contentType: string | undefined, { body: schema }: Route): Promise<unknown> {
  if (!/^application\/json\b/i.test(contentType ?? '')) {
    throw new ConsoleError(415, 'not-json', 'The body must be application/json.');
  }
  const bytes = await body.readAtMost(JSON_BYTES_MAX);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes ?? []).toString('utf8'));
  } catch (cause) {
    throw new ConsoleError(400, 'invalid-input', 'The body can not be read as JSON.', { cause });
  }
  const parsed = schema!.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  const where = field === '' ? 'The body' : `"${field}"`;
  throw new ConsoleError(400, 'invalid-input', `${where} is wrong: ${issue?.message}`, field === '' ? {} : { field });
}

function reply(context: Context, answer: ConsoleAnswer, secure: boolean): void {
  const { status, headers = {}, sessionToken } = answer;
  const text = 'json' in answer ? JSON.stringify(answer.json) : null;
  send(context, {
    status,
    headers: {
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...(text === null ? {} : { 'Content-Type': 'application/json; charset=utf-8' }),
      ...(sessionToken === undefined ? {} : { 'Set-Cookie': cookieOf(sessionToken, secure, context.state.prefix) }),
      ...headers,
    },
    body: ('body' in answer ? answer.body : text) ?? null,
  });
}

function sendError(context: Context, { status, kind, message, field, headers }: ConsoleError): void {
  const { requestId } = context.state;
  send(context, {
    status,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    },
    body: JSON.stringify({ error: { kind, message, ...(field === null ? {} : { field }) }, requestId }),
  });
}

/** What the protocol refuses of a request whatever the door: its body, its conditions. The drive's refusals have kinds of their own. */
function fromHttp(error: unknown): ConsoleError | null {
  if (!(error instanceof HttpError)) return null;
  const kind = KINDS[error.status] ?? 'refused';
  return new ConsoleError(error.status, kind, error.message, { cause: error, headers: error.headers });
}

const KINDS: Readonly<Record<number, RefusalKind>> = { 404: 'not-found', 412: 'changed', 413: 'too-large' };

function cookieName(secure: boolean, prefix: string): string {
  if (!secure) return PLAIN_COOKIE;
  return prefix === '' ? HOST_COOKIE : PATH_COOKIE;
}

function cookieOf(token: string | null, secure: boolean, prefix: string): string {
  const name = cookieName(secure, prefix);
  const kept = token === null ? `${name}=; Max-Age=0` : `${name}=${token}`;
  return `${kept}; Path=${prefix}/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}

function readCookie(header: string | undefined, name: string): string | null {
  for (const pair of (header ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim() || null;
  }
  return null;
}
