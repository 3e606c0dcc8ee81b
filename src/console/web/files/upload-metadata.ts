/** TUS's `Upload-Metadata`: keys with values in base64 of their UTF-8. */
export function metadataHeader(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => (value === '' ? key : `${key} ${base64(value)}`))
    .join(',');
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
