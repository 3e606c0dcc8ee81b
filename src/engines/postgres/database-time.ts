/** How often it is asked what time it is, in milliseconds. */
const MEASURE_MS = 10_000;
/** Questions of a measurement: the answer that comes fastest is the most exact. */
const TRIPS = 5;

export interface DatabaseTimeOptions {
  /** Asks the database's clock. */
  readonly ask: () => Promise<number>;
  /** Milliseconds that pass whatever the clock is set to. */
  readonly passed?: () => number;
  /** This machine's clock. */
  readonly wall?: () => number;
}

/**
 * The time of the database's machine, which all servers go by: what passes here, from where its clock was when it was last asked. What this
 * machine's clock is set to counts for nothing.
 */
export class DatabaseTime {
  readonly #ask: () => Promise<number>;
  readonly #passed: () => number;
  readonly #wall: () => number;
  /** From what passes here to its clock. */
  #offset: number;
  #timer: NodeJS.Timeout | null = null;

  constructor({ ask, passed = () => performance.now(), wall = Date.now }: DatabaseTimeOptions) {
    this.#ask = ask;
    this.#passed = passed;
    this.#wall = wall;
    this.#offset = wall() - passed();
  }

  /** Milliseconds since 1970, whole. */
  readonly now = (): number => Math.floor(this.#passed() + this.#offset);

  /** How far this machine's clock is ahead. */
  aheadMs(): number {
    return Math.round(this.#wall() - this.now());
  }

  /** Measures now, and from now on. Rejects where the database doesn't answer. */
  async start(): Promise<void> {
    await this.measure();
    // Where it doesn't answer, what passes here goes on being right.
    this.#timer = setInterval(() => void this.measure().catch(() => {}), MEASURE_MS).unref();
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
  }

  async measure(): Promise<void> {
    let shortest = Number.POSITIVE_INFINITY;
    let offset = this.#offset;
    for (let count = 0; count < TRIPS; count++) {
      const asked = this.#passed();
      const time = await this.#ask();
      const trip = this.#passed() - asked;
      if (trip >= shortest) continue;
      shortest = trip;
      // It answered half-way, as far as anybody knows.
      offset = time - (asked + trip / 2);
    }
    this.#offset = offset;
  }
}
