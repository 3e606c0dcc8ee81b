/** Lets pieces of work run one after the other, in the order in which they came. A failure ends its own turn only. */
export class Mutex {
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];

  get isFree(): boolean {
    return !this.#isTaken;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    // Handed over, it stays taken.
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#isTaken = false;
    }
  }
}
