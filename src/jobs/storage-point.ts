import type { StorageHistory } from '../stores/storage-history.js';

/** Rows that are counted at once: some milliseconds. */
const PAGE = 20_000;

/**
 * Remembers how full the storage is, as the day's point (of UTC); `now` in milliseconds since 1970. Rejects with the
 * signal's reason.
 */
export async function noteStorage(history: StorageHistory, now: number, signal?: AbortSignal): Promise<void> {
  const usedBytes = await history.usedBytes();
  let files = 0;
  for (let after: number | null = 0; after !== null; ) {
    signal?.throwIfAborted();
    const page: { readonly files: number; readonly last: number | null } = await history.countFiles(after, PAGE);
    files += page.files;
    after = page.last;
  }
  await history.putPoint({ day: new Date(now).toISOString().slice(0, 10), usedBytes, files });
}
