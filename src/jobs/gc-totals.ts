import type { GcReport } from './gc.js';

/** What the server's own runs of the collector found and did, since the start. */
export class GcTotals {
  condemned = 0;
  deleted = 0;
  /** Blobs that the last run came by that looked at each; null before it. */
  stored: { readonly count: number; readonly bytes: number } | null = null;

  /** Counts a run that doesn't look at all blobs. */
  async tallyPart(collect: () => Promise<GcReport>): Promise<void> {
    const { condemned, deleted } = await collect();
    this.condemned += condemned;
    this.deleted += deleted;
  }

  /** Runs the collector, handing it what listens to the blobs it comes by. */
  async tally(collect: (onBlob: (blob: { readonly size: number }) => void) => Promise<GcReport>): Promise<void> {
    let count = 0;
    let bytes = 0;
    await this.tallyPart(() =>
      collect(({ size }) => {
        count++;
        bytes += size;
      }),
    );
    this.stored = { count, bytes };
  }
}
