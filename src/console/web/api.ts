import type { ErrorAnswer } from '../contract/refusal.js';
import type { SessionAnswer } from '../contract/session.js';
import { type AnswerTo, type AnyWish, addressOf, type Call, type Wishes } from './calls.js';
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

/**
 * Sends a request of the JSON API. Where the server wants a new proof of who is there, it is asked for, and the request
 * goes out again. Throws `ApiError`.
 */
export async function api<Name extends Call>(name: Name, ...wishes: Wishes<Name>): Promise<AnswerTo<Name>> {
  return once(name, ...wishes).catch(async (error: unknown) => {
    if (error instanceof ApiError && (await mayTryAgain(error))) return once(name, ...wishes);
    throw error;
  });
}

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
    return new ApiError(answer.status, 'unknown', common.serverFailed(answer.status));
  }
}

/** The sentence of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof ApiError ? error.message : common.somethingFailed;
}

async function once<Name extends Call>(name: Name, ...wishes: Wishes<Name>): Promise<AnswerTo<Name>> {
  const { body, signal }: AnyWish = wishes[0] ?? {};
  const [method] = name.split(' ');
  const answer = await fetch(addressOf(name, ...wishes), {
    method,
    headers: {
      Accept: 'application/json',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(method !== 'GET' && csrfHeaders()),
    },
    body: JSON.stringify(body),
    signal,
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'unreachable', common.serverUnreachable);
  });
  if (!answer.ok) throw await toApiError(answer);
  const text = await answer.text();
  const json = text ? JSON.parse(text) : undefined;
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
