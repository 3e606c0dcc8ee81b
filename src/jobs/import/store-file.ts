import type { Incoming } from '../../drive/contents.js';
import type { Drive } from '../../drive/drive.js';
import { findFreePlace } from '../../drive/free-place.js';
import { type DrivePath, freeName } from '../../drive/names.js';
import { NO_TOKENS } from '../../drive/permit.js';
import type { Found } from '../../drive/resource.js';
import { mayAdd } from '../../drive/rights.js';
import type { Snapshot } from '../../drive/snapshot.js';
import type { FileEnd, FileRow } from '../../stores/import-store.js';
import type { BlobId } from '../../stores/values.js';
import { JobFailedError } from '../job-runner.js';
import { NO_WRITER, passing } from './failure-reasons.js';
import { expectedDigests } from './fetch-file.js';
import type { ConflictRule } from './import-request.js';

export interface FileToStore {
  readonly file: FileRow;
  readonly path: DrivePath;
  readonly rule: ConflictRule;
  readonly incoming: Incoming;
  /** Called when the bytes are durable, before they have a name. */
  readonly onReceived: (blob: BlobId) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Thrown where nothing is to be written. */
class SettledError extends Error {
  override readonly name = 'SettledError';

  constructor(readonly end: FileEnd) {
    super('there is nothing to write');
  }
}

/**
 * Writes a file of the source as an upload does, unless what is at its target says otherwise: that is asked before a byte
 * is, and again at the end. Throws `DriveError`, and `RetryableError` for what may be well at the next try.
 */
export async function storeFile(drive: Drive, wanted: FileToStore): Promise<FileEnd> {
  const { file, path, incoming, onReceived, signal } = wanted;
  try {
    const { resource } = await drive.writeFile(path, incoming, {
      permit: NO_TOKENS,
      choose: (snapshot, found, content) => choosePlace(snapshot, found, wanted, content?.id ?? null),
      modified: file.modified,
      expected: { size: file.size, digests: expectedDigests(file.checksum), kept: [] },
      isHeldBack: true,
      onReceived: ({ id }) => onReceived(id),
      signal,
    });
    return done(resource.node!.blobId);
  } catch (error) {
    if (error instanceof SettledError) return error.end;
    throw passing(error);
  }
}

/** `came`: the bytes that have come; null before. */
async function choosePlace(
  snapshot: Snapshot,
  found: Found,
  { file, rule }: FileToStore,
  came: BlobId | null,
): Promise<Found> {
  if (came === null && !mayAdd(snapshot.membership)) throw new JobFailedError(NO_WRITER);
  if (came !== null && found.resource?.node?.blobId === came && file.blob !== came) throw new SettledError(done(came));
  const plan = planOf(found, file, rule);
  if (typeof plan === 'object') throw new SettledError(plan);
  if (plan === 'write') return found;
  return came === null ? findFreePlace(snapshot, found, false) : findPlaceBeside(snapshot, found, came);
}

/** What is to be done about what is at the target, if anything. */
function planOf({ resource }: Found, file: FileRow, rule: ConflictRule): 'write' | 'keep-both' | FileEnd {
  if (!resource) return 'write';
  if (resource.isCollection || !resource.node) return { state: 'skipped', reason: 'folder-there', blob: null };
  const { blobId } = resource.node;
  if (blobId !== null && blobId === file.blob) return 'write';
  const isSame = file.modified !== null && seconds(resource.modified) === seconds(file.modified);
  // As rclone has it: who copied the tree before, by whatever way, need not copy it again.
  if (isSame && resource.size === file.size) return done(blobId);
  if (rule === 'skip') return { state: 'skipped', reason: 'exists', blob: null };
  return rule === 'overwrite' ? 'write' : 'keep-both';
}

/** Throws `SettledError` where the content lies under such a name already, as after a crash. */
async function findPlaceBeside(snapshot: Snapshot, { path, name }: Found, came: BlobId): Promise<Found> {
  const folder = path.slice(0, -1);
  const free = await freeName(name, false, snapshot.now, async (names) => {
    const taken = new Set<string>();
    for (const candidate of names) {
      const { resource } = await snapshot.find([...folder, candidate]);
      if (resource?.node?.blobId === came) throw new SettledError(done(came));
      if (resource) taken.add(candidate);
    }
    return taken;
  });
  return snapshot.find([...folder, free]);
}

function done(blob: BlobId | null): FileEnd {
  return { state: 'done', reason: null, blob };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
