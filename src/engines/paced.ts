/** How long a failure is repeated: soon enough for who waits for the end of it. */
const FAILURE_MS = 1_000;

/** Runs the work at most once in `everyMs`, and not twice at once; in between the answer is that of the last time. */
export function paced(work: () => Promise<void>, everyMs: number): () => Promise<void> {
  let last: { readonly result: Promise<void>; endsAt: number } | null = null;
  return () => {
    if (last && performance.now() < last.endsAt) return last.result;
    const current = { result: work(), endsAt: Number.POSITIVE_INFINITY };
    last = current;
    current.result.then(
      () => {
        current.endsAt = performance.now() + everyMs;
      },
      () => {
        current.endsAt = performance.now() + Math.min(everyMs, FAILURE_MS);
      },
    );
    return current.result;
  };
}
