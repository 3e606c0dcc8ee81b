const NAME_LENGTH_MAX = 64;

/** What an app password is named after: the program, as its User-Agent says, in letters that a list can show. */
export function clientName(userAgent: string | undefined): string {
  const text = userAgent ?? '';
  const desktop = /\(([A-Za-z ]+)\).*\bmirall\/([\d.]+)/.exec(text);
  const app = /\b(Nextcloud|ownCloud)-(android|iOS)(?:\/([\d.]+))?/i.exec(text);
  const known = desktop
    ? `${/nextcloud/i.test(text) ? 'Nextcloud' : 'ownCloud'} desktop ${desktop[2]} on ${desktop[1]}`
    : app && `${app[1]} ${app[2]} ${app[3] ?? ''}`;
  const printable = (known ?? text)
    .replace(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, ' ')
    .replace(/ +/g, ' ')
    .trim();
  return printable.slice(0, NAME_LENGTH_MAX).trim() || 'An app';
}
