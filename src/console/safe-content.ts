import { contentTypeOf } from '../dav/content-type.js';
import { encodeSegment } from '../dav/headers/path.js';

/**
 * What keeps an uploaded page from running with the console's rights, however a browser comes to show it. Only our own
 * pages may show it in a frame.
 */
const POLICY =
  "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'; frame-ancestors 'self'";
const PLAIN_TEXT = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';
const SHOWN = /^(?:image|audio|video)\//;
const SVG = 'image/svg+xml';
/** Types that bring scripts along, or may. */
const ACTIVE =
  /^(?:text\/(?!plain|csv)|multipart\/|message\/|application\/(?:xml|xhtml|javascript|ecmascript)|.*\+xml$)/;
/** What is shown as text: its source is what it is about. */
const READABLE = /^(?:text\/|application\/(?:json|xml|javascript|yaml|toml|sql)$)/;

/** The headers by which a file's bytes are given to a browser that is signed in to the console. */
export function safeHeaders(name: string, isDownload: boolean): Record<string, string> {
  const type = contentTypeOf(name);
  const [contentType, isAttachment] = presentationOf(type, isDownload);
  return {
    'Content-Type': contentType,
    'Content-Disposition': contentDisposition(name, isAttachment ? 'attachment' : 'inline'),
    'Content-Security-Policy': POLICY,
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  };
}

/** The type to say, and whether the browser is to save it. */
function presentationOf(type: string, isDownload: boolean): readonly [type: string, isAttachment: boolean] {
  if (isDownload) return [ACTIVE.test(type) ? BYTES : type, true];
  // A picture in a page shows it, without its scripts; a window of its own saves it.
  if (type === SVG) return [type, true];
  if (SHOWN.test(type) || type === 'application/pdf') return [type, false];
  // A page's source can be read, as text.
  if (READABLE.test(type)) return [PLAIN_TEXT, false];
  return [ACTIVE.test(type) ? BYTES : type, true];
}

/** RFC 6266: the name in UTF-8, and for old programs one in plain ASCII. Nothing in it can end the header. */
export function contentDisposition(name: string, kind: 'attachment' | 'inline'): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeSegment(name).replace(
    /['()*!]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
