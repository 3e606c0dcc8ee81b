/** How long a turn of the event loop may have worked, in milliseconds, when one more request begins in it. */
const TURN_MS = 5;
/** Requests that begin in one turn: several may be let in before the first of them has used any time. */
const ENTERED_MAX = 4;

/**
 * Lets long work go on step by step, so that short requests never wait for more than one step of it. SQLite answers
 * within the turn that asks, and a socket takes a page at once: without this the loop would not turn before the last page.
 * However many listings, copies and collectors there are, each turn of the loop lets one of them go on, in the order in
 * which they came.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  /** When the first long work of this turn began; null: there was none yet. */
  #startedAt: number | null = null;
  #entered = 0;

  /** Before the first step of what may become long: waits only where others have had their share of this turn. */
  async enter(): Promise<void> {
    const now = performance.now();
    if (this.#startedAt === null) {
      this.#startedAt = now;
      this.#entered = 1;
      setImmediate(this.#turn);
    } else if (this.#waiting.length > 0 || this.#entered >= ENTERED_MAX || now - this.#startedAt >= TURN_MS) {
      await this.#wait();
    } else {
      this.#entered++;
    }
  }

  /** Before each further step: resolves in a later turn of the loop, when it is this work's turn. */
  async next(): Promise<void> {
    if (this.#startedAt === null) {
      this.#startedAt = performance.now();
      setImmediate(this.#turn);
    }
    await this.#wait();
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  readonly #turn = (): void => {
    const goOn = this.#waiting.shift();
    this.#entered = 0;
    this.#startedAt = goOn ? performance.now() : null;
    if (!goOn) return;
    setImmediate(this.#turn);
    goOn();
  };
}

/** Of this process, as it has one event loop. */
export const turns = new Turns();
