import type { IncomingHttpHeaders } from 'node:http';
import { HttpError } from '../../http-error.js';
import { readWhole } from '../../stores/values.js';

/** A header's value, that of several lines joined as RFC 9110 §5.3 has it; undefined without one. `name` in lower case. */
export function headerValue(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** A header that is a number of bytes; null without one. Throws `HttpError` 400 for anything else. */
export function byteCountIn(headers: IncomingHttpHeaders, name: string): number | null {
  const text = headerValue(headers, name)?.trim();
  if (text === undefined) return null;
  return readWhole(text) ?? refuse(name);
}

/** The same, where there has to be one. */
export function requiredByteCountIn(headers: IncomingHttpHeaders, name: string): number {
  return byteCountIn(headers, name) ?? refuse(name);
}

function refuse(name: string): never {
  throw new HttpError(400, `The ${name} header must be a number of bytes.`);
}
