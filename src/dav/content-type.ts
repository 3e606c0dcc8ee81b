import { lookup } from 'mime-types';

const DEFAULT = 'application/octet-stream';
/** By extension; names have few of them, and the library takes longer than a map. Bounded against made-up ones. */
const known = new Map<string, string>();
const KNOWN_MAX = 2000;

/** The media type that a file's name tells, without charset: Firn doesn't look into files. */
export function contentTypeOf(name: string): string {
  const dot = name.lastIndexOf('.');
  if (dot < 0 || name.length - dot > 16) return DEFAULT;
  const extension = name.slice(dot);
  let type = known.get(extension);
  if (type === undefined) {
    type = lookup(extension) || DEFAULT;
    if (known.size < KNOWN_MAX) known.set(extension, type);
  }
  return type;
}
