import { BlobTooLargeError } from '../stores/blob-store.js';

/**
 * Passes each chunk of `source` to `take` and waits for it; returns the number of bytes. Rejects with the signal's
 * reason when it is aborted, also while the source hangs; with `BlobTooLargeError` before the chunk that passes
 * `sizeMax` bytes is taken; with the error of the source or of `take`. However it ends, the source is told to stop.
 */
export async function takeSource(
  source: AsyncIterable<Uint8Array>,
  options: { readonly sizeMax?: number; readonly signal?: AbortSignal },
  take: (chunk: Uint8Array) => Promise<void> | void,
): Promise<number> {
  const { sizeMax = Number.POSITIVE_INFINITY, signal } = options;
  signal?.throwIfAborted();
  const chunks = source[Symbol.asyncIterator]();
  const wait = new AbortableWait(signal);
  let size = 0;
  try {
    for (;;) {
      const next = await wait.for(chunks.next());
      if (next.done) return size;
      size += next.value.byteLength;
      if (size > sizeMax) throw new BlobTooLargeError(sizeMax);
      await take(next.value);
      signal?.throwIfAborted();
    }
  } catch (error) {
    void stop(chunks);
    throw signal?.aborted ? signal.reason : error;
  } finally {
    wait.end();
  }
}

/** Not waited for: a source that hangs in `next` doesn't answer `return` either. */
async function stop(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    await chunks.return?.();
  } catch {
    // The upload has failed already, with the error that counts.
  }
}

/** `Promise.race` against the signal, without leaving a reaction behind for each chunk of a long upload. */
class AbortableWait {
  readonly #signal: AbortSignal | undefined;
  #reject: (reason: unknown) => void = () => undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener('abort', this.#abort);
  }

  for<T>(promise: Promise<T>): Promise<T> {
    if (!this.#signal) return promise;
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      promise.then(resolve, reject);
    });
  }

  end(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => this.#reject(this.#signal?.reason);
}
