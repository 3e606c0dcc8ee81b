import type { Membership } from '../stores/account-store.js';
import type { NodeRow } from '../stores/metadata-store.js';
import { DriveError } from './drive-error.js';
import { checkNewName } from './names.js';
import type { Found, Resource } from './resource.js';
import { checkMayAdd, checkMayChange } from './rights.js';

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
