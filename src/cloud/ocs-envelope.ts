import { escapeText } from '../dav/xml/serialize-xml.js';
import type { CloudAnswer, CloudRequest } from './request.js';

/** Values of an OCS answer. */
export type OcsData = string | number | boolean | null | readonly OcsData[] | { readonly [name: string]: OcsData };

export interface OcsResult {
  /** As HTTP has them: 200, 403, 404 … */
  readonly status: number;
  readonly message?: string;
  readonly data?: OcsData;
  /** Beside those of the envelope. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Version 1 says "not found" of a query it doesn't know in a number of its own. */
const V1_STATUS = new Map([
  [200, 100],
  [401, 997],
  [404, 998],
]);
/** What programs act on before they look into an envelope: sign in, wait. */
const V1_HTTP_STATUSES: ReadonlySet<number> = new Set([401, 429, 503]);

/**
 * The envelope of ownCloud's and Nextcloud's OCS interface, JSON or XML as the client asks. Version 1 answers HTTP 200
 * to nearly everything, and says the truth inside; version 2 says it in both places.
 */
export function ocsAnswer(request: CloudRequest, result: OcsResult): CloudAnswer {
  const isFirst = request.path.startsWith('/ocs/v1.php');
  const isOk = result.status < 300;
  const meta = {
    status: isOk ? 'ok' : 'failure',
    statuscode: isFirst ? (V1_STATUS.get(result.status) ?? result.status) : result.status,
    message: result.message ?? (isOk ? 'OK' : ''),
  };
  const data = result.data ?? [];
  const isJson = wantsJson(request);
  const ocs = { ocs: { meta, data } };
  return {
    status: isFirst && !V1_HTTP_STATUSES.has(result.status) ? 200 : result.status,
    headers: {
      'Content-Type': isJson ? 'application/json; charset=utf-8' : 'application/xml; charset=utf-8',
      'Cache-Control': 'no-store',
      ...result.headers,
    },
    body: isJson ? JSON.stringify(ocs) : `<?xml version="1.0"?>\n${element('ocs', ocs.ocs)}\n`,
  };
}

function wantsJson({ query, headers }: CloudRequest): boolean {
  const format = query.get('format');
  return format === null ? /\bapplication\/json\b/.test(headers.accept ?? '') : format === 'json';
}

/** A list's members are called `element`; true is 1 and false is empty, as PHP writes them. */
function element(name: string, value: OcsData): string {
  if (value === null || value === false) return `<${name}/>`;
  if (value === true) return `<${name}>1</${name}>`;
  if (typeof value !== 'object') return `<${name}>${escapeText(String(value))}</${name}>`;
  const members: [string, OcsData][] = Array.isArray(value)
    ? value.map((member) => ['element', member])
    : Object.entries(value);
  return `<${name}>${members.map(([inner, member]) => element(inner, member)).join('')}</${name}>`;
}
