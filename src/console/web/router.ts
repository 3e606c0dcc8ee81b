import { BASE } from './base.js';
import { Store } from './store.js';

const CONSOLE = `${BASE}/console`;

export interface PageLocation {
  /** Below `/console`, still percent-encoded: `/files/123456/Firn/photos`. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Where the browser is. */
export const place = new Store<PageLocation>(readLocation());

/** The address of a place, for links: `<a href={href('/security')}>`. Clicks on them don't load the page again. */
export function href(path: string): string {
  return `${CONSOLE}${path}`;
}

export function navigate(path: string, options: { readonly replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, '', href(path));
  else history.pushState(null, '', href(path));
  place.set(readLocation());
}

/** Names of a path, each encoded for an address. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** What `encodePath` made; what doesn't decode stays as it is. */
export function decodePath(path: string): string {
  try {
    return path.split('/').map(decodeURIComponent).join('/');
  } catch {
    return path;
  }
}

export function startRouter(): void {
  addEventListener('popstate', () => place.set(readLocation()));
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (link?.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (!link.pathname.startsWith(`${CONSOLE}/`) || link.hash !== '') return;
    event.preventDefault();
    navigate(link.pathname.slice(CONSOLE.length) + link.search);
  });
}

function readLocation(): PageLocation {
  const { pathname, search } = location;
  return { path: pathname.replace(/\/{2,}/g, '/').slice(CONSOLE.length) || '/', query: new URLSearchParams(search) };
}
