import type { Membership } from '../stores/account-store.js';
import type { ContentRow, NodeRow, StoreTransaction } from '../stores/metadata-store.js';
import type { Contents, ReceivedContent } from './contents.js';
import { DriveError } from './drive-error.js';
import { checkNewName } from './names.js';
import { checkRoom } from './quota.js';
import { type Found, type Resource, resourceOf } from './resource.js';
import { checkMayAdd, checkMayChange } from './rights.js';
import { Snapshot } from './snapshot.js';

/** Thrown inside a transaction when a collector has taken the upload's bytes: the caller restores them, tries again. */
export class ContentCollectedError extends Error {
  override readonly name = 'ContentCollectedError';
}

/** An open transaction on one principal's drive. Locks and conditions are the caller's to check before. */
export class DriveTransaction extends Snapshot {
  constructor(
    readonly store: StoreTransaction,
    membership: Membership,
    now: number,
    readonly contents: Contents,
  ) {
    super(store, membership, now);
  }

  /** Makes a file or gives it other content. `modified` in milliseconds; now, where the client says nothing. */
  async putFile(
    found: Found,
    content: ReceivedContent,
    modified = this.now,
  ): Promise<{ resource: Resource; isNew: boolean }> {
    const existing = checkPutTarget(found, this.membership);
    await checkRoom(this, spaceOf(found), content.row.size - (existing?.size ?? 0));
    await this.record(content);
    const node = existing
      ? await this.store.replaceContent(existing, content.row, modified)
      : await this.insert(found, content.row, modified);
    return { resource: resourceOf(node, 'node', found.path), isNew: existing === null };
  }

  /** Records a received content, so that it can be named. Throws `ContentCollectedError`: see `Drive.writeContent`. */
  async record(content: ReceivedContent): Promise<void> {
    const state = await this.store.putContent(content.row, this.now);
    if (state === 'condemned' && !(await this.contents.isStored(content.row))) throw new ContentCollectedError();
  }

  /** Makes a file of a recorded content, or a collection (null), at a place that was checked. */
  insert(found: Found, content: Pick<ContentRow, 'id' | 'size'> | null, modified: number): Promise<NodeRow> {
    const parent = found.parent!.node!;
    return this.store.insertNode(
      { driveId: parent.driveId, parentId: parent.id, name: found.name, content, modified, created: this.now },
      this.now,
    );
  }
}

/** The file that a PUT replaces, null for a new one. Throws `DriveError` when it may not be. */
export function checkPutTarget(found: Found, membership: Membership): NodeRow | null {
  const { resource } = found;
  if (!resource) {
    checkMayAdd(membership);
    checkNewPlace(found);
    return null;
  }
  const file = checkOrdinary(resource, 'overwritten');
  if (file.isCollection) throw new DriveError('is-a-collection', 'This is a folder; it takes no content.');
  checkMayFill(file, membership);
  return file;
}

/**
 * Throws `DriveError` unless the content of what is there may be changed. An empty file is what clients make before they
 * lock and fill it (client-requirements R5): nothing is lost with it, so it takes no more than the right to add.
 */
export function checkMayFill({ isCollection, size }: NodeRow, membership: Membership): void {
  if (isCollection || size > 0) checkMayChange(membership);
  else checkMayAdd(membership);
}

/** Throws `DriveError` unless a file or collection can be made at what was found. */
export function checkNewPlace(found: Found): void {
  if (found.space === 'trash') {
    throw new DriveError('forbidden', 'Nothing can be put into the trash. Delete a file to move it there.');
  }
  if (!found.parent)
    throw new DriveError('parent-missing', 'The folder that this should be in does not exist. Make it first.');
  if (!found.parent.isCollection) throw new DriveError('parent-missing', 'A file is no folder: nothing can be in it.');
  checkNewName(found.name);
}

/** The node of a resource that a client may change. Throws `DriveError` for the drive's own folders and the trash. */
export function checkOrdinary(resource: Resource, what: string): NodeRow {
  if (resource.kind === 'node') return resource.node!;
  const reason =
    resource.kind === 'trashed' || resource.kind === 'in-trash'
      ? `What is in the trash can't be ${what}. Move it out of the trash first.`
      : `The drive's own folders can't be ${what}.`;
  throw new DriveError('forbidden', reason);
}

/** Whose quota a place counts against. */
export function spaceOf(found: Found): 'home' | 'common' {
  return found.space === 'common' ? 'common' : 'home';
}
