import type { ByteRange } from '../../stores/values.js';

export type RangeRequest =
  | { readonly kind: 'all' }
  | { readonly kind: 'unsatisfiable' }
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[] };

/** More parts than any client asks for; each costs an open file and a boundary (RFC 9110 §17.15). */
export const RANGES_MAX = 16;
/** As asked for, before overlapping ones become one. */
const RANGE_SPECS_MAX = 128;
const RANGE_LENGTH_MAX = 4096;

const ALL: RangeRequest = { kind: 'all' };
const RANGE_SPEC = /^(\d*)-(\d*)$/;

/**
 * Reads `Range` (RFC 9110 §14.2) for a content of `size` bytes. Both ends of a range are inclusive. A header that is missing,
 * malformed, in another unit than bytes, or asks for a silly number of parts is ignored: `all`. Overlapping and touching
 * ranges become one; the others keep the order of the request. An empty content answers `all` to every range, since
 * some clients send `bytes=0-` always and take a 416 for a failure (golang/go#47021).
 */
export function parseRange(value: string | undefined, size: number): RangeRequest {
  if (value === undefined || value.length > RANGE_LENGTH_MAX || size === 0) return ALL;
  const specs = /^\s*bytes\s*=(.*)$/is.exec(value)?.[1]?.split(',');
  if (specs === undefined || specs.length > RANGE_SPECS_MAX) return ALL;
  const ranges: ByteRange[] = [];
  let isAnySpec = false;
  for (const text of specs) {
    const spec = text.trim();
    // RFC 9110 §5.6.1.2: a list may have empty elements.
    if (spec === '') continue;
    const range = resolveSpec(spec, size);
    if (range === 'malformed') return ALL;
    isAnySpec = true;
    if (range !== 'unsatisfiable') ranges.push(range);
  }
  if (!isAnySpec) return ALL;
  if (ranges.length === 0) return { kind: 'unsatisfiable' };
  const merged = coalesce(ranges);
  return merged.length > RANGES_MAX ? ALL : { kind: 'ranges', ranges: merged };
}

/** Numbers beyond 2^53 lose digits, which is all the same: they lie beyond every size. */
function resolveSpec(spec: string, size: number): ByteRange | 'malformed' | 'unsatisfiable' {
  const [, first = '', last = ''] = RANGE_SPEC.exec(spec) ?? [];
  if (first === '' && last === '') return 'malformed';
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return 'malformed';
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}

function coalesce(ranges: readonly ByteRange[]): ByteRange[] {
  const sorted = ranges.map((range, order) => ({ ...range, order })).sort((a, b) => a.start - b.start);
  const merged: { start: number; end: number; order: number }[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last === undefined || range.start > last.end + 1) {
      merged.push(range);
    } else {
      last.end = Math.max(last.end, range.end);
      last.order = Math.min(last.order, range.order);
    }
  }
  return merged.sort((a, b) => a.order - b.order).map(({ start, end }) => ({ start, end }));
}

/** The value of `Content-Range` (RFC 9110 §14.4): of a part, or with null that of a 416. */
export function contentRange(range: ByteRange | null, size: number): string {
  return range === null ? `bytes */${size}` : `bytes ${range.start}-${range.end}/${size}`;
}
