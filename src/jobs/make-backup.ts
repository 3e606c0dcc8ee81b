import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupPlace, MetadataSnapshot, StoredBytes } from '../stores/backup-place.js';
import type { BlobIndex } from '../stores/blob-index.js';
import { BlobMissingError, type BlobRef, type BlobStore } from '../stores/blob-store.js';
import { StoreFailingError } from '../stores/metadata-store.js';
import { StorageFormatError } from '../stores/storage-errors.js';
import type { BlobId } from '../stores/values.js';
import { whileNothingIsSwept } from './backup.js';
import {
  type BackupRecord,
  BLOBS,
  blobsOf,
  compared,
  type FoundBackup,
  findBackups,
  listedBlobs,
  type Manifest,
  nameOfBackup,
  nameOfBlob,
  partsOf,
  toLines,
} from './backup-set.js';

/** Contents that are copied at once: small ones wait for the disk or the network, not for each other. */
const LANES = 4;
/** Names that are deleted at once. */
const DELETED_TOGETHER = 500;
/** Files that a sentence about a content names. */
const FILES_NAMED = 5;
/** Sentences that a manifest has. */
const PROBLEMS_KEPT = 100;
/** A backup without a manifest that began so long ago doesn't go on any more, in milliseconds. */
const BROKEN_OFF_MS = 48 * 3_600_000;

export interface BackupMeans {
  readonly place: BackupPlace;
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  /** See `MetadataEngine.copyTo`. */
  readonly copyTo: (file: string) => Promise<MetadataSnapshot>;
  readonly markOfSecretKey: () => Promise<string | null>;
  readonly storageId: () => Promise<string>;
  /** A folder in which a copy of the database has room for a while. */
  readonly workFolder: string;
  /** How many whole backups stay. */
  readonly keep: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

export interface BackupReport {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly endedAt: number;
  readonly copied: number;
  readonly copiedBytes: number;
  readonly contents: number;
  readonly contentBytes: number;
  /** The first sentences of `problemCount`: what the backup lacks, by name. */
  readonly problems: readonly string[];
  readonly problemCount: number;
  /** Backups that went because newer ones are whole. */
  readonly expired: readonly string[];
  /** Whether the credentials may delete: else old backups are the affair of who keeps the place. */
  readonly mayDelete: boolean;
}

/**
 * Makes a backup: the database as of one moment, then the blobs that the place lacks, each compared with its hash, while collectors wait;
 * then all that it names is looked for once more. What can't be copied is named, and the rest is whole. Older backups go only where so many
 * newer ones are whole. Throws `BackupStalledError`; rejects where the place or the database fails, and then nothing is gone.
 */
export async function makeBackup(means: BackupMeans): Promise<BackupReport> {
  const { place, blobIndex, now } = means;
  const storageId = await means.storageId();
  await checkIsOwn(place, storageId);
  const at = now();
  const name = nameOfBackup(at);
  await place.put(partsOf(name).begun, toChunk('A backup goes on, or was broken off.\n'));
  const made = await whileNothingIsSwept({ blobIndex, now }, (extend) => fill(means, name, extend));
  const manifest: Manifest = {
    format: 1,
    storageId,
    at: new Date(at).toISOString(),
    endedAt: new Date(now()).toISOString(),
    ...made.manifest,
  };
  await place.put(partsOf(name).manifest, toChunk(`${JSON.stringify(manifest, null, 2)}\n`));
  const gone = await expire(means);
  const { problems, problemCount, counts } = manifest;
  const { contents, contentBytes } = counts;
  const { copied, copiedBytes } = made;
  return { name, at, endedAt: now(), copied, copiedBytes, contents, contentBytes, problems, problemCount, ...gone };
}

/** Backups of another storage would count as this one's, and go. */
async function checkIsOwn(place: BackupPlace, storageId: string): Promise<void> {
  const foreign = (await findBackups(place)).find(({ record }) => record && record.storageId !== storageId);
  if (!foreign) return;
  throw new StorageFormatError(
    `${place.title} has backups of another storage (${foreign.name}): name a place of its own.`,
  );
}

type Filled = Pick<BackupReport, 'copied' | 'copiedBytes'> & {
  readonly manifest: Omit<Manifest, 'format' | 'storageId' | 'at' | 'endedAt'>;
};

async function fill(means: BackupMeans, name: string, extend: () => Promise<void>): Promise<Filled> {
  const { place, workFolder } = means;
  const folder = await mkdtemp(join(workFolder, 'backup-'));
  const file = join(folder, 'firn.db');
  try {
    const snapshot = await means.copyTo(file);
    try {
      const counts = await snapshot.counts();
      const copying = new Copying(means);
      await copying.all(() => blobsOf(snapshot.blobIndex));
      await extend();
      const list = await place.put(partsOf(name).list, toLines(blobsOf(snapshot.blobIndex)));
      await snapshot.settle();
      const database = await putFile(place, partsOf(name).database, file);
      const { copied, copiedBytes, problems } = copying;
      const told = { problems: problems.slice(0, PROBLEMS_KEPT), problemCount: problems.length };
      const keyMark = await means.markOfSecretKey();
      return { copied, copiedBytes, manifest: { database, list, counts, keyMark, ...told } };
    } finally {
      await snapshot.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class OtherBytesError extends Error {}

/** Brings blobs to the place. */
class Copying {
  readonly #means: BackupMeans;
  copied = 0;
  copiedBytes = 0;
  readonly problems: string[] = [];
  readonly #failed = new Set<BlobId>();

  constructor(means: BackupMeans) {
    this.#means = means;
  }

  /** What is lacking a second time is lost at the place, or can't be read here. */
  async all(named: () => AsyncGenerator<BlobRef, void, undefined>): Promise<void> {
    await this.#lacking(named(), (blob) => this.#copy(blob));
    await this.#lacking(named(), async (blob) => {
      if (!this.#failed.has(blob.id)) await this.#tell(blob, 'was copied, and is not in the backup');
    });
  }

  async #lacking(named: AsyncGenerator<BlobRef, void, undefined>, take: (blob: BlobRef) => Promise<void>) {
    const found = compared(named, this.#means.place);
    const lane = async () => {
      for await (const { blob, storedSize } of found) {
        this.#means.signal?.throwIfAborted();
        if (storedSize !== blob.size) await take(blob);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }

  async #copy(blob: BlobRef): Promise<void> {
    const { place, blobs } = this.#means;
    const { id, size } = blob;
    const reading: { failure: unknown } = { failure: null };
    const source = async function* () {
      try {
        yield* await blobs.open(blob);
      } catch (error) {
        reading.failure = error;
        throw error;
      }
    };
    const verify = (stored: StoredBytes) => {
      if (stored.hash !== id || stored.size !== size) throw new OtherBytesError();
    };
    try {
      await place.put(nameOfBlob(id), source(), verify);
      this.copied++;
      this.copiedBytes += size;
    } catch (error) {
      if (error instanceof OtherBytesError) return this.#tell(blob, 'is damaged');
      const { failure } = reading;
      if (failure === null) throw error;
      // Nothing is known of the bytes: the next backup has them, or tells.
      if (failure instanceof StoreFailingError) throw failure;
      if (failure instanceof BlobMissingError) return this.#tell(blob, 'has no bytes');
      return this.#tell(blob, `can't be read: ${(failure as Error).message}`);
    }
  }

  async #tell({ id }: BlobRef, what: string): Promise<void> {
    this.#failed.add(id);
    const { blobIndex } = this.#means;
    const content = await blobIndex.find(id);
    const files = content ? await blobIndex.paths(content, FILES_NAMED) : [];
    this.problems.push(`content ${id} ${what}; it belongs to ${files.join(', ') || 'a file that is gone by now'}`);
  }
}

/** Removes older backups for which so many newer ones are whole, and the blobs that no other backup names. */
async function expire(means: BackupMeans): Promise<Pick<BackupReport, 'expired' | 'mayDelete'>> {
  const { place, keep, now } = means;
  const found = await findBackups(place);
  const gone = expired(found, keep, now());
  if (gone.length === 0) return { expired: [], mayDelete: true };
  for (const { name, names } of gone) {
    const { manifest } = partsOf(name);
    // Without it the rest is of a backup that was broken off.
    const rest = names.filter((each) => each !== manifest);
    for (const part of [[manifest], rest]) if (!(await place.delete(part))) return { expired: [], mayDelete: false };
  }
  const kept = found.filter((each) => !gone.includes(each));
  const isAnyUnderWay = kept.some(({ record }) => record === null);
  const mayDelete = isAnyUnderWay || (await removeUnnamed(means, kept));
  return { expired: gone.map(({ name }) => name), mayDelete };
}

/** Which go: whole ones beyond the newest `keep`, and of the others those that a whole one is newer than, or that are more than `keep`. */
export function expired(found: readonly FoundBackup[], keep: number, now: number): FoundBackup[] {
  const isWhole = ({ record }: FoundBackup) => record?.problemCount === 0;
  const whole = found.filter(isWhole);
  const newest = whole.at(-1)?.name;
  // Where nothing newer is proved nothing goes.
  if (newest === undefined) return [];
  const [keptWhole, lacking] = [whole.slice(-keep), found.filter(({ record }) => record && record.problemCount > 0)];
  const keptLacking = lacking.filter(({ name }) => name > newest).slice(-keep);
  const brokenOff = nameOfBackup(now - BROKEN_OFF_MS);
  return found.filter((each) => {
    if (each.record === null) return each.name < newest && each.name < brokenOff;
    return !keptWhole.includes(each) && !keptLacking.includes(each);
  });
}

async function removeUnnamed({ place, signal }: BackupMeans, kept: readonly FoundBackup[]): Promise<boolean> {
  const lists = kept.map(({ name }) => listedBlobs(place, name));
  const heads = await Promise.all(lists.map((list) => list.next()));
  let doomed: string[] = [];
  for await (const { name } of place.list(BLOBS)) {
    signal?.throwIfAborted();
    let isNamed = false;
    for (const [index, list] of lists.entries()) {
      while (!heads[index]!.done && nameOfBlob(heads[index]!.value.id) < name) heads[index] = await list.next();
      if (!heads[index]!.done && nameOfBlob(heads[index]!.value.id) === name) isNamed = true;
    }
    if (!isNamed) doomed.push(name);
    if (doomed.length < DELETED_TOGETHER) continue;
    if (!(await place.delete(doomed))) return false;
    doomed = [];
  }
  return doomed.length === 0 || place.delete(doomed);
}

/** The newest whole backup at a place, or the one of that name; null where there is none. */
export async function findBackup(place: BackupPlace, name: string | null): Promise<BackupRecord | null> {
  const records = (await findBackups(place)).flatMap(({ record }) => record ?? []);
  if (name !== null) return records.find((record) => record.name === name) ?? null;
  return records.filter(({ problemCount }) => problemCount === 0).at(-1) ?? records.at(-1) ?? null;
}

function putFile(place: BackupPlace, name: string, file: string): Promise<StoredBytes> {
  return place.put(name, createReadStream(file, { highWaterMark: 256 * 1024 }));
}

async function* toChunk(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text);
}
