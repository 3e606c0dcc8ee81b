/** A map that forgets what wasn't looked up for a time, and beyond a size what wasn't looked up longest. */
export class RecentMap<Value> {
  readonly #known = new Map<string, { readonly value: Value; usedAt: number }>();

  constructor(
    readonly sizeMax: number,
    readonly unusedMaxMs: number,
  ) {}

  get size(): number {
    return this.#known.size;
  }

  /** Undefined when it isn't known, or wasn't looked up for too long. Counts as use only with `renew`. */
  get(key: string, now: number, renew: boolean): Value | undefined {
    const known = this.#known.get(key);
    if (!known) return undefined;
    if (now - known.usedAt > this.unusedMaxMs) {
      this.#known.delete(key);
      return undefined;
    }
    if (renew) {
      known.usedAt = now;
      // The map's order is that of use.
      this.#known.delete(key);
      this.#known.set(key, known);
    }
    return known.value;
  }

  set(key: string, value: Value, now: number): void {
    this.#known.delete(key);
    if (this.#known.size >= this.sizeMax) {
      const [oldest] = this.#known.keys();
      this.#known.delete(oldest!);
    }
    this.#known.set(key, { value, usedAt: now });
  }

  delete(key: string): void {
    this.#known.delete(key);
  }
}
