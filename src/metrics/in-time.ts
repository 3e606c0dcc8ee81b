import { setTimeout as wait } from 'node:timers/promises';

/** What the work resolves with, if it does in time; else rejects with an `Error` that says so. The work goes on unheard. */
export async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  const stopped = new AbortController();
  const late = wait(milliseconds, undefined, { signal: stopped.signal }).then(() => {
    throw new Error(`the stores did not answer within ${milliseconds} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => {});
    work.catch(() => {});
    stopped.abort();
  }
}
