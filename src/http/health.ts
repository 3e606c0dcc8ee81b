import { inTime } from '../metrics/in-time.js';
import { StorageFullError } from '../stores/blob-store.js';
import { StoreFailingError } from '../stores/metadata-store.js';
import type { Context } from './context.js';
import { send } from './send.js';

/** Anyone who probes gives up after a few seconds, and wants to know that it is the stores that don't answer. */
const ANSWER_MS = 2_000;
const HEADERS = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' } as const;

/** Answers `/healthz`: the process answers. */
export async function answerHealth(context: Context): Promise<void> {
  send(context, { status: 200, headers: { ...HEADERS }, body: 'ok\n' });
}

/**
 * Answers `/readyz`: the stores answer too, for reading and for writing. `checkReady` rejects with what keeps the server from
 * working; where it takes longer than `answerMs`, that is the answer.
 */
export function readinessAnswer(checkReady: () => Promise<void>, answerMs = ANSWER_MS) {
  const check = shared(checkReady);
  return async (context: Context): Promise<void> => {
    try {
      await inTime(check(), answerMs);
    } catch (error) {
      if (!(error instanceof NotReadyError)) context.state.log.error({ err: error }, 'not ready');
      return send(context, { status: 503, headers: { ...HEADERS }, body: `not ready${reasonOf(error)}\n` });
    }
    return answerHealth(context);
  };
}

/** Others than this server are to be asked. The message says why, in a few words. */
export class NotReadyError extends Error {
  override readonly name = 'NotReadyError';
}

/** What may be told without credentials: the log tells the rest. */
function reasonOf(error: unknown): string {
  if (error instanceof NotReadyError) return `: ${error.message}`;
  if (error instanceof StorageFullError) return ': the disk is full';
  const { code = '' } = error as NodeJS.ErrnoException;
  if (error instanceof StoreFailingError) return `: the ${error.part} fails`;
  return ['EIO', 'EROFS'].includes(code) ? ': the disk fails' : '';
}

/** Probes that come while one is under way share it: a disk that hangs holds one thread, not all. */
function shared(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= work().finally(() => {
      running = null;
    });
    return running;
  };
}
