/**
 * Where WebDAV programs reach a drive, each address with a slash at the end, the one to show first (PRODUCT A1). `origin`
 * is the scheme and host by which the browser reached this server; `publicUrl` wins over it. A `*` at the end of
 * `driveHost` stands for a domain that only the operator's DNS knows, so the host form isn't shown then.
 */
export function driveAddresses(
  { driveHost, publicUrl }: { readonly driveHost: string; readonly publicUrl: string | null },
  driveId: number,
  origin: string,
): string[] {
  const base = new URL(publicUrl ?? origin);
  const byPath = new URL(`/dav/${driveId}/`, base).href;
  if (driveHost.endsWith('*')) return [byPath];
  const host = driveHost.replace('{id}', String(driveId)).toLowerCase();
  return [`${base.protocol}//${host}${base.port && `:${base.port}`}/`, byPath];
}
