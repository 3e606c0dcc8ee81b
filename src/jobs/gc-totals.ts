import type { GcReport } from './gc.js';

/** What the server's own runs of the collector found and did, since the start. */
export class GcTotals {
  condemned = 0;
  deleted = 0;
  /** Blobs that the last whole run came by; null before it. It has to look at each anyway. */
  stored: { readonly count: number; readonly bytes: number } | null = null;

  /** Runs the collector, handing it what listens to the blobs it comes by. */
  async tally(collect: (onBlob: (blob: { readonly size: number }) => void) => Promise<GcReport>): Promise<void> {
    let count = 0;
    let bytes = 0;
    const { condemned, deleted } = await collect(({ size }) => {
      count++;
      bytes += size;
    });
    this.condemned += condemned;
    this.deleted += deleted;
    this.stored = { count, bytes };
  }
}
