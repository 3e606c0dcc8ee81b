import { HttpError } from '../http-error.js';
import { toHttpError } from './drive-errors.js';
import { TUS_OPTIONS } from './headers/tus.js';
import { deleteResource } from './methods/delete.js';
import { get } from './methods/get.js';
import { lock, unlock } from './methods/lock.js';
import { mkcol } from './methods/mkcol.js';
import { patch } from './methods/patch.js';
import { post } from './methods/post.js';
import { propfind } from './methods/propfind.js';
import { proppatch } from './methods/proppatch.js';
import { put } from './methods/put.js';
import { report } from './methods/report.js';
import { copy, move } from './methods/transfer.js';
import type { DavMethod, DavRequest, DavResponse } from './request.js';

const METHODS = new Map<string, DavMethod>([
  ['GET', get],
  ['HEAD', get],
  ['PUT', put],
  ['POST', post],
  ['DELETE', deleteResource],
  ['MKCOL', mkcol],
  ['COPY', copy],
  ['MOVE', move],
  ['PROPFIND', propfind],
  ['PROPPATCH', proppatch],
  ['REPORT', report],
  ['LOCK', lock],
  ['UNLOCK', unlock],
]);

/**
 * Who sees PATCH announced takes it for one that changes bytes, and chooses it for uploads (client-requirements 2.9).
 */
const UNANNOUNCED = new Map<string, DavMethod>([['PATCH', patch]]);

export const ALLOW = ['OPTIONS', ...METHODS.keys()].join(', ');

/** The answer to OPTIONS anywhere, without credentials (PRODUCT A4, RFC 4918 §10.1, §18). */
export const OPTIONS_HEADERS: Readonly<Record<string, string>> = {
  Allow: ALLOW,
  DAV: '1, 2, 3',
  'MS-Author-Via': 'DAV',
  'Accept-Ranges': 'bytes',
  ...TUS_OPTIONS,
};

/** Carries a request out. Rejects with `HttpError`, or with whatever nobody expected. */
export async function dispatch(request: DavRequest): Promise<DavResponse> {
  const method = METHODS.get(request.method) ?? UNANNOUNCED.get(request.method);
  if (!method) {
    // RFC 9110 §9.1: 405 is for what can be done elsewhere, as PATCH with uploads in parts.
    const status = request.method === 'PATCH' ? 405 : 501;
    throw new HttpError(status, `${request.method} is not something that can be done here.`);
  }
  return withHttpErrors(request, () => method(request));
}

/** What the drive and its stores refuse becomes a `HttpError` that speaks in the request's own addresses. */
export async function withHttpErrors(request: DavRequest, work: () => Promise<DavResponse>): Promise<DavResponse> {
  try {
    return await work();
  } catch (error) {
    throw toHttpError(error, request) ?? error;
  }
}
