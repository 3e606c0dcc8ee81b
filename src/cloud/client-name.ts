import { isUtf8 } from 'node:buffer';

const NAME_LENGTH_MAX = 64;
/** Of the User-Agent that is looked at, so that looking takes no time whatever comes. */
const LOOKED_AT_LENGTH = 256;

/** What an app password is named after: the program, as its User-Agent says, in letters that a list can show. */
export function clientName(userAgent: string | undefined): string {
  const text = readable(userAgent ?? '');
  const desktop = /\(([A-Za-z ]+)\).*\bmirall\/([\d.]+)/.exec(text);
  const app = /\b(Nextcloud|ownCloud)(?:-(android|iOS)|App)(?:\/([\d.]+))?/i.exec(text);
  const known = desktop
    ? `${/nextcloud/i.test(text) ? 'Nextcloud' : 'ownCloud'} desktop ${desktop[2]} on ${desktop[1]}`
    : app && `${app[1]} ${/android/i.test(app[2] ?? '') ? 'Android' : 'iOS'} ${app[3] ?? ''}`;
  const printable = (known ?? text)
    .replace(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, ' ')
    .replace(/ +/g, ' ')
    .trim();
  return [...printable].slice(0, NAME_LENGTH_MAX).join('').trim() || 'An app';
}

/** Nextcloud's iOS app sends the name of the phone, which is UTF-8; Node reads headers as Latin-1. */
function readable(userAgent: string): string {
  const bytes = Buffer.from(userAgent, 'latin1');
  const text = isUtf8(bytes) ? bytes.toString('utf8') : userAgent;
  return text.slice(0, LOOKED_AT_LENGTH);
}
