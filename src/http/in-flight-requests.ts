import type { RequestListener } from 'node:http';

type Handler = (...of: Parameters<RequestListener>) => Promise<unknown>;

/**
 * Counts the requests that are being worked on, also those whose connection is gone already: what they use must stay
 * open until they end.
 */
export class InFlightRequests {
  #count = 0;
  #wake = () => {};

  /** `handle` must not reject. */
  counting(handle: Handler): RequestListener {
    const end = () => {
      this.#count--;
      if (this.#count === 0) this.#wake();
    };
    return (req, res) => {
      this.#count++;
      void handle(req, res).then(end);
    };
  }

  /** Waits until all have ended, `maxMs` milliseconds at most. Gives how many have not. */
  async settle(maxMs: number): Promise<number> {
    if (this.#count > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, maxMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#count;
  }
}
