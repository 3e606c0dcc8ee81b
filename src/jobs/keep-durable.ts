import type { Logger } from 'pino';
import type { Durability } from '../stores/durability.js';

/** How often it is noted how far the storage has come, and the reserve is looked after. */
const KEEP_MS = 60_000;

/** What a server does for its storage each minute, beside all jobs: first a while after the start, which is to be quick. */
export function keepDurable(durability: Durability, now: () => number, log: Logger): { stop(): Promise<void> } {
  let isFailing = false;
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
      isFailing = false;
    } catch (error) {
      // Once: a disk that is full may have the log as well.
      if (!isFailing)
        log.warn({ err: error }, 'how far the storage is, or a reserve for a full disk, could not be noted');
      isFailing = true;
    }
  };
  const keep = async () => {
    await durability.note(now());
    await durability.keepReserve();
  };
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = attempt(keep);
  }, KEEP_MS).unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
      await attempt(() => durability.note(now()));
    },
  };
}
