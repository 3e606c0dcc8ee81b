import type { ReceivedContent } from '../../drive/contents.js';
import type { Drive } from '../../drive/drive.js';
import type { DriveTransaction } from '../../drive/drive-transaction.js';
import { checkLocks } from '../../drive/locks/locks.js';
import { type DrivePath, freeName } from '../../drive/names.js';
import { spaceOf } from '../../drive/place-checks.js';
import { roomOf } from '../../drive/quota.js';
import type { Found } from '../../drive/resource.js';
import type { Snapshot } from '../../drive/snapshot.js';
import type { FileEnd, FileRow } from '../../stores/import-store.js';
import type { BlobId } from '../../stores/values.js';
import type { ConflictRule } from './import-request.js';

type Plan = 'write' | 'keep-both' | FileEnd;

/** What is to be done about what is at the target, if anything. */
export function planOf(found: Found, file: FileRow, rule: ConflictRule): Plan {
  const { resource } = found;
  if (!resource) return 'write';
  if (resource.isCollection || !resource.node) return { state: 'skipped', reason: 'folder-there', blob: null };
  const { blobId } = resource.node;
  if (blobId !== null && blobId === file.blob) return 'write';
  const isSame = file.modified !== null && seconds(resource.modified) === seconds(file.modified);
  // As rclone has it: who copied the tree before, by whatever way, need not copy it again.
  if (isSame && resource.size === file.size) return { state: 'done', reason: null, blob: blobId };
  if (rule === 'skip') return { state: 'skipped', reason: 'exists', blob: null };
  return rule === 'overwrite' ? 'write' : 'keep-both';
}

/** The bytes that may come. Throws `DriveError` where it is clear already that they don't fit. */
export async function roomFor(snapshot: Snapshot, drive: Drive, found: Found, file: FileRow): Promise<number> {
  if (file.size !== null) drive.checkSize(file.size);
  const { left } = await roomOf(snapshot, spaceOf(found));
  return left + (found.resource?.size ?? 0);
}

/**
 * Gives the content its name as an upload does, looking again at what is there. Throws `DriveError`; the content is given
 * up in any case.
 */
export function storeFile(
  drive: Drive,
  content: ReceivedContent,
  { file, path, rule }: { readonly file: FileRow; readonly path: DrivePath; readonly rule: ConflictRule },
): Promise<FileEnd> {
  const done: FileEnd = { state: 'done', reason: null, blob: content.row.id };
  return drive.writeContent(content, async (changes) => {
    let found = await changes.find(path);
    if (found.resource?.node?.blobId === content.row.id && file.blob !== content.row.id) return done;
    const plan = planOf(found, file, rule);
    if (typeof plan === 'object') return plan;
    if (plan === 'keep-both') {
      const place = await free(changes, path, content.row.id);
      if (!place) return done;
      found = place;
    }
    await checkLocks(changes, found, {
      tokens: new Set(),
      changesSelf: found.resource !== null,
      changesParent: found.resource === null,
    });
    await changes.putFile(found, content, file.modified ?? undefined);
    return done;
  });
}

/** Null: the content lies under such a name already, as after a crash. */
async function free(changes: DriveTransaction, path: DrivePath, id: BlobId): Promise<Found | null> {
  const folder = path.slice(0, -1);
  let isThere = false;
  const name = await freeName(path.at(-1)!, false, changes.now, async (names) => {
    const taken = new Set<string>();
    for (const candidate of names) {
      const { resource } = await changes.find([...folder, candidate]);
      if (!resource) continue;
      taken.add(candidate);
      isThere ||= resource.node?.blobId === id;
    }
    return taken;
  });
  return isThere ? null : changes.find([...folder, name]);
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
