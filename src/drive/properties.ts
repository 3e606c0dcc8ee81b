import type { ContentRow, NodeRow, StoreTransaction } from '../stores/metadata-store.js';
import type { Drive } from './drive.js';
import { DriveError } from './drive-error.js';
import type { DriveTransaction } from './drive-transaction.js';
import { checkLocks } from './locks/locks.js';
import type { DrivePath } from './names.js';
import type { Permit } from './permit.js';
import { checkOrdinary, spaceOf } from './place-checks.js';
import { noRoom, roomLeft } from './quota.js';
import { type Found, type Resource, readResource } from './resource.js';
import { checkMayChange } from './rights.js';
import { sizeText } from './size-text.js';

/** Of one node, rows and names included: a listing reads whole nodes. The largest seen are some KiB. */
export const PROPERTIES_BYTES_MAX = 256 * 1024;

/** What is to become of a node's properties. Nothing: both are empty. */
export interface PropertyChanges {
  /** Sets (a string) or removes (null) one dead property each, in their order. */
  readonly dead: Parameters<StoreTransaction['setProperties']>[1];
  /** Milliseconds since 1970. */
  readonly times: Parameters<StoreTransaction['setTimes']>[1];
}

/**
 * PROPPATCH (RFC 4918 §9.2): all of the changes or none. `changesFor` says what to change in view of a file's content (null
 * for a collection), when all else is checked. Returns the resource as it was before.
 */
export function setProperties(
  drive: Drive,
  path: DrivePath,
  changesFor: (content: ContentRow | null) => PropertyChanges,
  { tokens, check }: Permit,
): Promise<Resource> {
  const work = async (transaction: DriveTransaction): Promise<Resource> => {
    const found = await transaction.find(path, { withContent: true });
    const resource = readResource(found);
    checkMayChange(transaction.membership);
    await check?.(transaction, found);
    await checkLocks(transaction, found, { tokens, changesSelf: true });
    const node = checkOrdinary(resource, 'changed');
    await applyChanges(transaction, found, node, changesFor(found.content));
    return resource;
  };
  return drive.write(work, { looks: { paths: [path], withContent: true, room: true } });
}

/** Changes the properties of a node, which is or will be at `found`. Dead ones count in the quotas as bytes of files do. */
export async function applyChanges(
  transaction: DriveTransaction,
  found: Found,
  node: NodeRow,
  { dead, times }: PropertyChanges,
): Promise<void> {
  if (dead.length > 0) await setDead(transaction, found, node, dead);
  if (Object.keys(times).length > 0) await transaction.store.setTimes(node, times);
}

async function setDead(
  transaction: DriveTransaction,
  found: Found,
  node: NodeRow,
  dead: PropertyChanges['dead'],
): Promise<void> {
  const left = await roomLeft(transaction, spaceOf(found));
  const { own, growth } = await transaction.store.setProperties(node, dead);
  if (growth <= 0) return;
  if (growth > left) throw noRoom(left);
  if (own > PROPERTIES_BYTES_MAX) {
    const most = sizeText(PROPERTIES_BYTES_MAX);
    throw new DriveError('drive-full', `The properties of one file or folder may take ${most} in all. Remove some.`);
  }
}
