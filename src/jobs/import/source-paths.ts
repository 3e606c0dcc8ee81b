/** The path of a listed href, in the form that the URL parser gives it, and still encoded. Null for what is none. */
function pathOfHref(href: string, folder: URL): string | null {
  // Servers that don't encode these mean names: a listing has neither queries nor fragments.
  const plain = href.replaceAll('?', '%3F').replaceAll('#', '%23');
  const absolute = /^https?:\/\/[^/]*(\/.*)?$/i.exec(plain);
  const path = absolute ? (absolute[1] ?? '/') : plain.startsWith('/') ? plain : `${folder.pathname}${plain}`;
  try {
    return new URL(`${folder.origin}${path.replace(/^\/+/, '/')}`).pathname;
  } catch {
    return null;
  }
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

/** A name as people see it: percent-encoded UTF-8, or Latin-1 from servers that know no better. */
export function decodeName(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    const bytes = segment.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return new TextDecoder('windows-1252').decode(Buffer.from(bytes, 'latin1'));
  }
}

/** Whether the href is that of the folder itself. */
export function isSame(href: string, folder: URL): boolean {
  const path = pathOfHref(href, folder);
  if (path === null) return false;
  const [segments, own] = [segmentsOf(path), segmentsOf(folder.pathname)];
  return segments.length === own.length && own.every((segment, index) => isSameName(segment, segments[index]!));
}

/** The name, still encoded, of what lies directly in the folder. Null for the folder itself and what lies elsewhere. */
export function memberName(href: string, folder: URL): string | null {
  const path = pathOfHref(href, folder);
  if (path === null) return null;
  const segments = segmentsOf(path);
  const above = segmentsOf(folder.pathname);
  if (segments.length !== above.length + 1) return null;
  const isInside = above.every((segment, index) => isSameName(segment, segments[index]!));
  return isInside ? segments.at(-1)! : null;
}

/** However they are encoded. */
function isSameName(one: string, other: string): boolean {
  return decodeName(one).normalize('NFC') === decodeName(other).normalize('NFC');
}
