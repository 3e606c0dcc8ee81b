import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { BackupPlace, StoredName } from '../stores/backup-place.js';
import type { BlobIndex, NamedPosition } from '../stores/blob-index.js';
import { BlobMissingError, type BlobRef } from '../stores/blob-store.js';
import type { BlobId } from '../stores/values.js';

/** Contents of one question to the database. */
const PAGE = 200;
/** A manifest is small; what is larger is none. */
const MANIFEST_BYTES_MAX = 1024 * 1024;

const count = z.number().int().nonnegative();
const manifestSchema = z.object({
  format: z.literal(1),
  /** Of the storage that it is of. */
  storageId: z.string(),
  /** When it began: its database is as of then. ISO 8601. */
  at: z.string(),
  endedAt: z.string(),
  database: z.object({ hash: z.string(), size: count }),
  /** The file that lists its contents. */
  list: z.object({ hash: z.string(), size: count }),
  counts: z.object({
    users: count,
    drives: count,
    nodes: count,
    contents: count,
    contentBytes: count,
    secrets: count,
  }),
  /** What tells which `secret.key` it needs. */
  keyMark: z.string().nullable(),
  /** Contents that it lacks, a sentence each; the first of `problemCount`. */
  problems: z.array(z.string()),
  problemCount: count,
});

/** What a backup says of itself. It is written last: a backup without one isn't finished. */
export type Manifest = z.infer<typeof manifestSchema>;

export interface BackupRecord extends Manifest {
  /** Of its folder, from its time. */
  readonly name: string;
}

/** A content whose bytes are a blob. */
export type ListedBlob = Pick<BlobRef, 'id' | 'size'>;

export const BLOBS = 'blobs/';
const BACKUPS = 'backups/';

export const nameOfBlob = (id: BlobId): string => `${BLOBS}${id.slice(0, 2)}/${id}`;
export const nameOfBackup = (at: number): string => new Date(at).toISOString().replace(/[:.]/g, '-');

export const partsOf = (name: string) => ({
  begun: `${BACKUPS}${name}/begun`,
  database: `${BACKUPS}${name}/firn.db`,
  list: `${BACKUPS}${name}/contents`,
  manifest: `${BACKUPS}${name}/backup.json`,
});

/** Backups with what lies in their folders. */
export interface FoundBackup {
  readonly name: string;
  readonly names: readonly string[];
  /** Null: it was broken off, goes on, or its manifest is damaged. */
  readonly record: BackupRecord | null;
}

/** All backups at a place, the oldest first. */
export async function findBackups(place: BackupPlace): Promise<FoundBackup[]> {
  const byName = new Map<string, string[]>();
  for await (const { name } of place.list(BACKUPS)) {
    const [folder = ''] = name.slice(BACKUPS.length).split('/');
    byName.set(folder, [...(byName.get(folder) ?? []), name]);
  }
  const found: FoundBackup[] = [];
  for (const [name, names] of byName) found.push({ name, names, record: await readRecord(place, name) });
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readRecord(place: BackupPlace, name: string): Promise<BackupRecord | null> {
  const source = await place.open(partsOf(name).manifest);
  if (!source) return null;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > MANIFEST_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  try {
    return { name, ...manifestSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8'))) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

/** The contents of a database whose bytes are blobs, by id. */
export async function* blobsOf(blobIndex: Pick<BlobIndex, 'named'>): AsyncGenerator<BlobRef, void, undefined> {
  for (let after: NamedPosition | null = null; ; ) {
    const page: Awaited<ReturnType<BlobIndex['named']>> = await blobIndex.named(after, PAGE);
    for (const { id, size, place, bytes } of page) if (bytes === null) yield { id, size, place };
    if (page.length < PAGE) return;
    after = page.at(-1)!.position;
  }
}

/** The list of a backup: a line for each blob that it names, its hash and its size, by hash. */
export async function* toLines(blobs: AsyncIterable<ListedBlob>): AsyncGenerator<Uint8Array, void, undefined> {
  let lines = '';
  for await (const { id, size } of blobs) {
    lines += `${id} ${size}\n`;
    if (lines.length < 64 * 1024) continue;
    yield Buffer.from(lines);
    lines = '';
  }
  if (lines !== '') yield Buffer.from(lines);
}

/** The blobs that a backup names, by hash. Throws where its list is not there or is damaged. */
export async function* listedBlobs(place: BackupPlace, name: string): AsyncGenerator<ListedBlob, void, undefined> {
  const source = await place.open(partsOf(name).list);
  if (!source) throw new Error(`the list of the backup ${name} is missing`);
  for await (const line of createInterface({ input: Readable.from(source), crlfDelay: Number.POSITIVE_INFINITY })) {
    const [, id, size] = /^([0-9a-f]{64}) (\d+)$/.exec(line) ?? [];
    if (!id) throw new Error(`the list of the backup ${name} is damaged`);
    yield { id: id as BlobId, size: Number(size) };
  }
}

/** Goes through what is wanted and what is stored, both by hash: each that is wanted with the size that is stored of it, or null. */
export async function* compared<Blob extends ListedBlob>(
  wanted: AsyncIterable<Blob>,
  place: BackupPlace,
): AsyncGenerator<{ readonly blob: Blob; readonly storedSize: number | null }, void, undefined> {
  const stored = place.list(BLOBS)[Symbol.asyncIterator]();
  let next = await stored.next();
  try {
    for await (const blob of wanted) {
      const name = nameOfBlob(blob.id);
      while (!next.done && next.value.name < name) next = await stored.next();
      const isThere: boolean = !next.done && next.value.name === name;
      yield { blob, storedSize: isThere ? (next.value as StoredName).size : null };
    }
  } finally {
    await stored.return?.();
  }
}

/** Opens the bytes of a backup's blob. Rejects with `BlobMissingError` where there are none. */
export async function openBlob(place: BackupPlace, { id }: Pick<BlobRef, 'id'>): Promise<AsyncIterable<Uint8Array>> {
  const source = await place.open(nameOfBlob(id));
  if (!source) throw new BlobMissingError(id);
  return source;
}
