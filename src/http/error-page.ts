import { createHash } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { PALETTE } from '../cloud/login-pages.js';
import { escapeText } from '../dav/xml/serialize-xml.js';
import type { HttpError } from '../http-error.js';

const STYLE = `${PALETTE}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{max-width:30rem;margin:1rem;background:var(--card);border:1px solid var(--line);border-radius:14px;padding:2rem 1.75rem;overflow-wrap:anywhere}
h1{font-size:1rem;margin:0 0 .5rem;color:var(--soft)}
p{margin:0;font-size:1.25rem}
small{display:block;margin-top:1.5rem;color:var(--soft)}
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

/** Whether a person looks at the answer in a browser: those name HTML, programs that speak WebDAV ask for anything. */
export function wantsPage(accept: string | undefined): boolean {
  return /\btext\/html\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(accept ?? '');
}

/** An error as a page. */
export function renderErrorPage(error: HttpError, requestId: string): string {
  const title = escapeText(`${error.status} ${STATUS_CODES[error.status] ?? ''}`.trim());
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style>
<main><h1>${title}</h1><p>${escapeText(error.message)}</p><small>Number of this request: ${escapeText(requestId)}</small></main>
</html>
`;
}
