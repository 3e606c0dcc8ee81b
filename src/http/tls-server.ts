import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { Logger } from 'pino';

/** How often the files are looked at, in milliseconds; renewals are known days ahead. */
const WATCH_MS = 10_000;
/** Keys of one connection alone, and ciphers that prove what they carry; all clients of the last ten years have one. */
const PROTECTION = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
} as const;

/** HTTPS whose certificate is read again when its files change (PRODUCT A5). Throws when they can't be read. */
export function makeTlsServer(
  options: ServerOptions & { readonly certificate: string; readonly key: string },
  log: Logger,
): Server {
  const { certificate, key, ...rest } = options;
  const read = () => ({ cert: readFileSync(certificate), key: readFileSync(key), ...PROTECTION });
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
