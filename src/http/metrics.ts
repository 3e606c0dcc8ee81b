import { createHash, timingSafeEqual } from 'node:crypto';
import { type BlockList, isIPv6 } from 'node:net';
import { HttpError } from '../http-error.js';
import type { Metrics } from '../metrics/metrics.js';
import type { RequestCounts } from '../metrics/request-counts.js';
import type { Context } from './context.js';
import { isTrusted } from './forwarded.js';
import { send } from './send.js';

/** What a proxy on the way leaves in a request. */
const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'];

export interface MetricsParts {
  readonly requests: RequestCounts;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  /** Null: none is asked for. */
  readonly token: string | null;
  /** Who may read them; null: anybody, with the token. */
  readonly addresses: BlockList | null;
}

/** Answers `/metrics`, for those who may read it: by address, by token, or by both. Throws `HttpError` 401, 403 and 405. */
export async function answerMetrics(parts: MetricsParts, trustedProxies: BlockList, context: Context): Promise<void> {
  if (parts.addresses && !isFrom(parts.addresses, context, trustedProxies)) {
    throw new HttpError(
      403,
      'Metrics are not for your address: the setting metricsAddresses names those they are for.',
    );
  }
  if (parts.token !== null && !isBearer(parts.token, context.req.headers.authorization)) {
    const headers = { 'WWW-Authenticate': 'Bearer realm="metrics"' };
    throw new HttpError(401, 'Metrics need the token of the settings, as "Authorization: Bearer …".', { headers });
  }
  if (context.method !== 'GET' && context.method !== 'HEAD') {
    throw new HttpError(405, 'Metrics can only be read.', { headers: { Allow: 'OPTIONS, GET, HEAD' } });
  }
  const headers = { 'Content-Type': parts.metrics.contentType, 'Cache-Control': 'no-store' };
  send(context, { status: 200, headers, body: await parts.metrics.text() });
}

/**
 * A proxy on this machine that isn't named in `trustedProxies` looks like loopback; what it passes on comes from anywhere.
 */
function isFrom(addresses: BlockList, { req, state }: Context, trustedProxies: BlockList): boolean {
  const isForwarded = PROXY_HEADERS.some((name) => req.headers[name] !== undefined);
  const isKnown =
    req.headers['x-forwarded-for'] !== undefined && isTrusted(req.socket.remoteAddress ?? '', trustedProxies);
  if (isForwarded && !isKnown) return false;
  const address = state.remoteAddress.replace(/^::ffff:(?=\d+\.)/i, '');
  return addresses.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Takes as long for a wrong token as for the right one. */
function isBearer(token: string, header: string | undefined): boolean {
  const sent = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1] ?? '';
  return timingSafeEqual(sha256(sent), sha256(token));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
