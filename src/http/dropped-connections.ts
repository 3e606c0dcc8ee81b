import type { Server } from 'node:net';
import type { Logger } from 'pino';

/** How often the log tells of it, in milliseconds. */
const TOLD_MS = 60_000;

/** Tells the log of connections beyond `maxConnections`, which Node ends without a word. */
export function tellDropped(server: Server, log: Logger, passed = () => performance.now()): void {
  let dropped = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  server.on('drop', () => {
    dropped++;
    if (passed() - toldAt < TOLD_MS) return;
    toldAt = passed();
    log.warn({ dropped, connectionsMax: server.maxConnections }, 'all connections are taken; others are ended at once');
    dropped = 0;
  });
}
