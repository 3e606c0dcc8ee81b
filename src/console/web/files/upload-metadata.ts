/** TUS's `Upload-Metadata`: keys with values in base64 of their UTF-8. */
export function metadataHeader(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => (value === '' ? key : `${key} ${base64(value)}`))
    .join(',');
}

/** A value of such a header; null where the key isn't in it. */
export function metadataValue(header: string, key: string): string | null {
  const pair = header.split(',').find((one) => one.trim().split(' ')[0] === key);
  if (pair === undefined) return null;
  const bytes = atob(pair.trim().split(' ')[1] ?? '');
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
