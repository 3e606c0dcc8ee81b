/** Characters of a User-Agent that are kept and shown. */
const LENGTH_MAX = 200;

/** What a program calls itself, as it is kept; empty where it says nothing. */
export function clientName(userAgent = ''): string {
  return userAgent.slice(0, LENGTH_MAX);
}
