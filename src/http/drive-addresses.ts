/**
 * Where WebDAV programs reach a drive, each address with a slash at the end, the one to show first (PRODUCT A1). `address`
 * is that by which the browser reached this server, without a slash at its end; `publicUrl` wins over it. A `*` at the end of
 * `driveHost` stands for a domain that only the operator's DNS knows, so the host form isn't shown then.
 */
export function driveAddresses(
  { driveHost, publicUrl }: { readonly driveHost: string; readonly publicUrl: string | null },
  driveId: number,
  address: string,
): string[] {
  const base = new URL(publicUrl ?? address);
  const byPath = `${base.origin}${base.pathname.replace(/\/+$/, '')}/dav/${driveId}/`;
  if (driveHost.endsWith('*')) return [byPath];
  const host = driveHost.replace('{id}', String(driveId)).toLowerCase();
  return [`${base.protocol}//${host}${base.port && `:${base.port}`}/`, byPath];
}
