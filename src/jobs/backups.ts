import { mkdir } from 'node:fs/promises';
import type { BackupPlace } from '../stores/backup-place.js';
import type { BlobRef } from '../stores/blob-store.js';
import type { BlobSource } from './backup.js';
import { type FoundBackup, findBackups, openBlob } from './backup-set.js';
import type { RepairSource } from './damages.js';
import { type BackupMeans, type BackupReport, findBackup, makeBackup } from './make-backup.js';
import { type RehearsalMeans, type RehearsalReport, rehearse, repairSource, takeDatabase } from './rehearsal.js';

export interface BackupsParts extends Omit<BackupMeans, 'place' | 'signal'>, Omit<RehearsalMeans, 'place' | 'signal'> {
  readonly openPlace: () => Promise<BackupPlace>;
}

/** The backups at the place that the configuration names. It is opened for each call. */
export class Backups {
  readonly #parts: BackupsParts;

  constructor(parts: BackupsParts) {
    this.#parts = parts;
  }

  /** See `makeBackup`. */
  make(signal?: AbortSignal): Promise<BackupReport> {
    return this.#at((place) => makeBackup({ ...this.#parts, place, ...(signal && { signal }) }));
  }

  /** See `rehearse`. */
  rehearse(name: string | null = null, signal?: AbortSignal): Promise<RehearsalReport> {
    return this.#at((place) => rehearse({ ...this.#parts, place, ...(signal && { signal }) }, name));
  }

  /** Also those that were broken off, the oldest first. */
  list(): Promise<FoundBackup[]> {
    return this.#at(findBackups);
  }

  /** Calls `work` with what has the right bytes of damaged contents. */
  asSource<T>(work: (source: RepairSource) => Promise<T>): Promise<T> {
    return this.#at(async (place) => {
      const source = repairSource({ ...this.#parts, place });
      try {
        return await work(source);
      } finally {
        await source.close();
      }
    });
  }

  async #at<T>(work: (place: BackupPlace) => Promise<T>): Promise<T> {
    await mkdir(this.#parts.workFolder, { recursive: true, mode: 0o700 });
    const place = await this.#parts.openPlace();
    try {
      return await work(place);
    } finally {
      place.close();
    }
  }
}

/** Takes the database of a backup to `file` for a restoration, and opens its blobs. Throws a sentence for people. */
export async function openForRestore(
  place: BackupPlace,
  name: string | null,
  file: string,
): Promise<{ readonly name: string; readonly blobs: BlobSource; readonly problems: readonly string[] }> {
  const record = await findBackup(place, name);
  if (!record) throw new Error(name === null ? `There is no backup in ${place.title}.` : `There is no backup ${name}.`);
  const problem = await takeDatabase(place, record, file);
  if (problem !== null) throw new Error(`Nothing was restored: ${problem}. "firn backup list" shows others.`);
  return { name: record.name, blobs: { open: (blob: BlobRef) => openBlob(place, blob) }, problems: record.problems };
}
