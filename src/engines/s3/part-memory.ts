/** The memory of all parts that are filled or under way, in bytes: who wants some waits for its turn. */
export class PartMemory {
  readonly #total: number;
  #used = 0;
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = [];

  constructor(total: number) {
    this.#total = total;
  }

  /** Whether more than half is taken. */
  get isShort(): boolean {
    return this.#used > this.#total / 2;
  }

  /** Resolves when the bytes are the caller's, who calls `give` in the end. Rejects with the signal's reason. */
  take(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal?.reason);
        this.#serve();
      };
      const waiter = {
        bytes,
        go: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      this.#waiting.push(waiter);
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#serve();
    });
  }

  give(bytes: number): void {
    this.#used -= bytes;
    this.#serve();
  }

  /** In order. What is larger than all there is goes alone. */
  #serve(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (this.#used > 0 && this.#used + next.bytes > this.#total) return;
      this.#used += next.bytes;
      this.#waiting.shift();
      next.go();
    }
  }
}
