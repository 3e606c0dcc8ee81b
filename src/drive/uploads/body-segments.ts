/** A body cut into pieces as it comes. One piece is taken after the other. */
export class BodySegments {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #keepsBroken: boolean;
  #rest: Uint8Array | null = null;
  #failure: { readonly error: unknown } | null = null;

  /** With `keepsBroken` a body that breaks off just ends; `check` then throws what broke it. */
  constructor(chunks: AsyncIterable<Uint8Array>, options: { readonly keepsBroken: boolean }) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#keepsBroken = options.keepsBroken;
  }

  /** The next bytes, at most so many. */
  async *take(bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = bytes; left > 0; ) {
      const chunk = this.#rest ?? (await this.#next());
      this.#rest = null;
      if (chunk === null) return;
      const piece = chunk.length > left ? chunk.subarray(0, left) : chunk;
      if (piece.length < chunk.length) this.#rest = chunk.subarray(left);
      left -= piece.length;
      yield piece;
    }
  }

  /** Throws what broke the body off. */
  check(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Asks for no more. Not waited for: a body that hangs doesn't answer. */
  end(): void {
    this.#chunks.return?.().catch(() => undefined);
  }

  async #next(): Promise<Uint8Array | null> {
    try {
      const next = await this.#chunks.next();
      return next.done ? null : next.value;
    } catch (error) {
      if (!this.#keepsBroken) throw error;
      this.#failure = { error };
      return null;
    }
  }
}
