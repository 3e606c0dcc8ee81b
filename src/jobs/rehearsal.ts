import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupPlace, MetadataCounts, MetadataSnapshot } from '../stores/backup-place.js';
import type { BlobRef, BlobStore } from '../stores/blob-store.js';
import { type BackupRecord, nameOfBlob, openBlob, partsOf } from './backup-set.js';
import type { RepairSource } from './damages.js';
import { checkEverything } from './fsck.js';
import { findBackup } from './make-backup.js';

/** Sentences that are kept of what is wrong. */
const PROBLEMS_KEPT = 100;

export interface RehearsalMeans {
  readonly place: BackupPlace;
  /** A folder in which a copy of the database has room for a while. */
  readonly workFolder: string;
  /** See `openCopy` of the engines. */
  readonly openCopy: (file: string) => MetadataSnapshot;
  /** What tells which key is in the copy of `secret.key` that is kept apart; null: nobody named one. */
  readonly markOfKeyCopy: () => Promise<string | null>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

export interface RehearsalReport {
  /** Null where there is no backup. */
  readonly name: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly endedAt: number;
  readonly counts: MetadataCounts | null;
  readonly problems: readonly string[];
  readonly problemCount: number;
}

/**
 * Does with the newest whole backup what a restoration does, and nothing but the backup and the copy of the key at hand: takes its database
 * to a temporary place, checks it as `firn fsck` does, reads each content from the backup and compares it with its hash, and compares what is
 * there with what was there when it was made. `named`: another backup. Rejects with the signal's reason.
 */
export async function rehearse(means: RehearsalMeans, named: string | null = null): Promise<RehearsalReport> {
  const { place, workFolder, now } = means;
  const at = now();
  const record = await findBackup(place, named);
  if (!record) {
    const problem = named === null ? `there is no backup in ${place.title}` : `there is no backup ${named}`;
    return { name: named, at, endedAt: at, counts: null, problems: [problem], problemCount: 1 };
  }
  const folder = await mkdtemp(join(workFolder, 'rehearsal-'));
  const problems: string[] = [...record.problems];
  let counts: MetadataCounts | null = null;
  try {
    const file = join(folder, 'firn.db');
    const problem = await takeDatabase(place, record, file);
    if (problem !== null) problems.push(problem);
    else counts = await checkCopy(means, record, file, problems);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const told = { problems: problems.slice(0, PROBLEMS_KEPT), problemCount: problems.length };
  return { name: record.name, at, endedAt: now(), counts, ...told };
}

/** Returns what is wrong, null where nothing is. */
export async function takeDatabase(place: BackupPlace, record: BackupRecord, file: string): Promise<string | null> {
  const source = await place.open(partsOf(record.name).database);
  if (!source) return `the database of the backup ${record.name} is missing`;
  const hash = await writeTo(file, source);
  return hash === record.database.hash ? null : `the database of the backup ${record.name} is damaged`;
}

/** Null where there is nothing of that name. */
async function hashOf(place: BackupPlace, name: string): Promise<string | null> {
  const source = await place.open(name);
  if (!source) return null;
  const hash = createHash('sha256');
  for await (const chunk of source) hash.update(chunk);
  return hash.digest('hex');
}

/** Returns the SHA-256 of what was written, in hex. */
async function writeTo(file: string, source: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(file, 'wx', 0o600);
  try {
    for await (const chunk of source) {
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

async function checkCopy(
  { place, openCopy, markOfKeyCopy, now, signal }: RehearsalMeans,
  record: BackupRecord,
  file: string,
  problems: string[],
): Promise<MetadataCounts> {
  let copy: MetadataSnapshot | null = null;
  try {
    copy = openCopy(file);
    const counts = await copy.counts();
    for (const [what, count] of Object.entries(record.counts)) {
      const there = counts[what as keyof MetadataCounts];
      if (there !== count) problems.push(`the backup had ${count} ${what}, and ${there} are there`);
    }
    const checked = {
      blobs: readOnly(place, signal),
      blobIndex: copy.blobIndex,
      metadata: copy.check,
      durability: { losses: async () => [], forgetLosses: async () => {} },
      repair: false,
      now: now(),
    };
    for await (const { severity, message } of checkEverything(checked)) {
      signal?.throwIfAborted();
      if (severity === 'error') problems.push(message);
    }
    // By it old blobs go: one that it lacks would go although this backup names it.
    if ((await hashOf(place, partsOf(record.name).list)) !== record.list.hash) {
      problems.push(`the list of the backup ${record.name} is missing or damaged`);
    }
    signal?.throwIfAborted();
    const problem = keyProblem(record, counts, await markOfKeyCopy());
    if (problem !== null) problems.push(problem);
    return counts;
  } catch (error) {
    signal?.throwIfAborted();
    problems.push(`the backup can't be read: ${(error as Error).message}`);
    return record.counts;
  } finally {
    await copy?.close();
  }
}

function keyProblem({ keyMark }: BackupRecord, { secrets }: MetadataCounts, copied: string | null): string | null {
  if (copied !== null && keyMark !== null && copied !== keyMark) {
    return 'the copy of secret.key that "backup.secretKeyCopy" names is not of the key that this backup needs';
  }
  if (copied !== null || secrets === 0) return null;
  return (
    `${secrets} secrets in the backup (second factors, running imports) need secret.key, which no backup has: keep a copy of it apart, ` +
    'and name it as "backup.secretKeyCopy"'
  );
}

/** The blobs of a backup as a storage's: what other backups name is no leftover of this one. */
function readOnly(place: BackupPlace, signal: AbortSignal | undefined): BlobStore {
  const nothing = () => Promise.reject(new Error('a backup is only read'));
  return {
    open: async (blob: BlobRef) => {
      signal?.throwIfAborted();
      return openBlob(place, blob);
    },
    list: async function* () {},
    stat: async () => null,
    put: nothing,
    setAside: nothing,
    deleteAll: nothing,
  } as unknown as BlobStore;
}

/** Where the right bytes of a damaged content may be: the blobs of all backups, and the small contents in the newest database. */
export function repairSource(means: RehearsalMeans): RepairSource & { readonly close: () => Promise<void> } {
  const { place, workFolder, openCopy } = means;
  let opened: Promise<{ readonly copy: MetadataSnapshot; readonly folder: string } | null> | null = null;
  const openNewest = async () => {
    const record = await findBackup(place, null);
    const folder = await mkdtemp(join(workFolder, 'repair-'));
    const file = join(folder, 'firn.db');
    // A folder that holds one copy has its database beside the blobs.
    const source = await place.open(record ? partsOf(record.name).database : 'firn.db');
    if (source) {
      await writeTo(file, source);
      return { copy: openCopy(file), folder };
    }
    await rm(folder, { recursive: true, force: true });
    return null;
  };
  return {
    name: `the backup in ${place.title}`,
    open: async (blob) => {
      const bytes = await place.open(nameOfBlob(blob.id));
      if (bytes) return bytes;
      opened ??= openNewest();
      const small = await (await opened)?.copy.contentOf(blob.id);
      return small ? chunkOf(small) : null;
    },
    close: async () => {
      const found = await opened;
      await found?.copy.close();
      if (found) await rm(found.folder, { recursive: true, force: true });
    },
  };
}

async function* chunkOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
