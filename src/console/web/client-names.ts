const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg\//, 'Edge'],
  [/\bFirefox\//, 'Firefox'],
  [/\bOPR\//, 'Opera'],
  [/\b(?:Headless)?Chrom(?:e|ium)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/** `Firefox, Linux` for a browser's User-Agent; of a program's what stands first: `rclone/v1.60.1`. */
export function clientName(client: string): string {
  const find = (list: readonly [RegExp, string][]) => list.find(([pattern]) => pattern.test(client))?.[1];
  const browser = client.startsWith('Mozilla/') ? find(BROWSERS) : undefined;
  const names = browser ? [browser, find(SYSTEMS)] : [client.split(' ')[0]];
  return names.filter(Boolean).join(', ');
}
