import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { BootedServer } from './boot-server.js';

/** As much of `fetch` as the suites need. */
export type Fetch = (
  url: string | URL,
  options?: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array },
) => Promise<Response>;

/** Node's own fetch; for a server with TLS a client that trusts the throw-away authority alone. */
export function fetchFrom({ ca }: Pick<BootedServer, 'ca'>): Fetch {
  if (ca === null) return fetch;
  const certificate = readFileSync(ca.caFile);
  return (url, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const outgoing = request(url, { method, headers: { ...length, ...headers }, ca: certificate });
      outgoing.on('error', reject);
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const status = incoming.statusCode!;
          const values = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
          const content = status === 204 || status === 304 ? null : Buffer.concat(chunks);
          resolve(new Response(content, { status, headers: Object.fromEntries(values) as Record<string, string> }));
        });
      });
      outgoing.end(body);
    });
}
