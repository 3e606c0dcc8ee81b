import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { Logger } from 'pino';

/** How often the files are looked at, in milliseconds; renewals are known days ahead. */
const WATCH_MS = 10_000;

/** HTTPS whose certificate is read again when its files change (PRODUCT A5). Throws when they can't be read. */
export function makeTlsServer(
  options: ServerOptions & { readonly certificate: string; readonly key: string },
  log: Logger,
): Server {
  const { certificate, key, ...rest } = options;
  const read = () => ({ cert: readFileSync(certificate), key: readFileSync(key), minVersion: 'TLSv1.2' as const });
  const server = createServer({ ...rest, ...read() });
  const reload = () => {
    try {
      server.setSecureContext(read());
      log.info('the TLS certificate was read again');
    } catch (error) {
      log.error({ err: error }, 'the new TLS certificate is not usable; the old one stays');
    }
  };
  for (const file of [certificate, key]) watchFile(file, { interval: WATCH_MS, persistent: false }, reload);
  server.on('close', () => {
    for (const file of [certificate, key]) unwatchFile(file, reload);
  });
  return server;
}
