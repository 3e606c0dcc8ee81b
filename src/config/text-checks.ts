import { isIP } from 'node:net';

/** Whether texts in the configuration have the form that they need. */

/** What comes after the host is a plain path, or nothing. */
export function isPublicUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { pathname, search, hash, username } = new URL(text);
  const path = pathname.replace(/\/+$/, '');
  return search + hash + username === '' && (path === '' || /^(?:\/[A-Za-z0-9._~-]+){1,16}$/.test(path));
}

/** Without a path: names follow the host. */
export function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname, search, hash, username } = new URL(text);
  return /^https?:$/.test(protocol) && pathname === '/' && search + hash + username === '';
}

export function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

export function isMailServer(text: string): boolean {
  try {
    const { protocol, hostname, username, password, pathname, search } = new URL(text);
    decodeURIComponent(username + password);
    return /^smtps?:$/.test(protocol) && hostname !== '' && pathname.length <= 1 && search === '';
  } catch {
    return false; // No URL at all, or a password whose % signs are not written %25.
  }
}

/** What RFC 6750 lets a bearer token consist of, and long enough not to be guessed. */
export function isMetricsToken(text: string): boolean {
  return /^[\w.~+/=-]{16,}$/.test(text);
}

export function isOrigin(text: string): boolean {
  // Apps in web views have origins of their own schemes: app://obsidian.md, capacitor://localhost.
  return text === '*' || /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.:[\]-]+$/i.test(text);
}
