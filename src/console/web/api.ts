import type { ErrorAnswer } from '../contract/refusal.js';
import type { SessionAnswer } from '../contract/session.js';
import { BASE } from './base.js';
import { askProof } from './proof.js';
import { csrfHeaders, refreshSession, takeSession } from './session.js';
import { common } from './strings.js';

/** What the server refused, in a sentence for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    /** 0: the server did not answer. */
    readonly status: number,
    readonly kind: string,
    message: string,
    /** The field of the body that is wrong. */
    readonly field: string | null = null,
    readonly requestId: string | null = null,
  ) {
    super(message);
  }
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * Sends a request of the JSON API. Where the server wants a new proof of who is there, it is asked for, and the request
 * goes out again. Throws `ApiError`.
 */
export async function api<T = void>(
  method: Method,
  path: string,
  body?: unknown,
  options: { readonly signal?: AbortSignal } = {},
): Promise<T> {
  try {
    return await once<T>(method, path, body, options.signal);
  } catch (error) {
    if (!(error instanceof ApiError) || !(await mayTryAgain(error))) throw error;
    return once<T>(method, path, body, options.signal);
  }
}

export const get = <T>(path: string, signal?: AbortSignal) => api<T>('GET', path, undefined, signal ? { signal } : {});
export const post = <T = void>(path: string, body: unknown = {}) => api<T>('POST', path, body);
export const put = <T = void>(path: string, body: unknown = {}) => api<T>('PUT', path, body);
export const patch = <T = void>(path: string, body: unknown = {}) => api<T>('PATCH', path, body);
export const remove = <T = void>(path: string, body?: unknown) => api<T>('DELETE', path, body);

/** For an answer that isn't JSON, or that another way of sending has received. */
export async function toApiError(answer: Response): Promise<ApiError> {
  const text = await answer.text().catch(() => '');
  try {
    const { error, requestId } = JSON.parse(text) as ErrorAnswer;
    return new ApiError(
      answer.status,
      error.kind,
      common.refusal(error.kind, error.message),
      error.field ?? null,
      requestId,
    );
  } catch {
    // A proxy's page, or nothing at all.
    return new ApiError(answer.status, 'unknown', common.serverFailed(answer.status), null, null);
  }
}

/** The sentence of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof ApiError ? error.message : common.somethingFailed;
}

async function once<T>(method: Method, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const answer = await fetch(BASE + path, {
    method,
    headers: {
      Accept: 'application/json',
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(method === 'GET' ? {} : csrfHeaders()),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'unreachable', common.serverUnreachable);
  });
  if (!answer.ok) throw await toApiError(answer);
  const text = await answer.text();
  const json = (text === '' ? undefined : JSON.parse(text)) as T;
  if (isSession(json)) await takeSession(json);
  return json;
}

/** The session is another than the page knows. */
const SESSION_CHANGED: readonly string[] = ['not-signed-in', 'second-step', 'second-factor-required'];

/** Whether what stood in the way is out of it. */
async function mayTryAgain({ kind }: ApiError): Promise<boolean> {
  if (kind === 'not-fresh') return askProof();
  // Another tab has signed in or out: the token is a new one. Where the person is another, this never comes back.
  if (kind === 'forged') return (await refreshSession()).stage === 'full';
  if (SESSION_CHANGED.includes(kind)) await refreshSession();
  return false;
}

function isSession(json: unknown): json is SessionAnswer {
  return typeof json === 'object' && json !== null && 'stage' in json && 'csrfToken' in json;
}
