import type { NodeRow } from '../stores/metadata-store.js';
import { DriveError } from './drive-error.js';
import type { DriveTransaction } from './drive-transaction.js';
import { DEPTH_MAX } from './names.js';
import type { Found } from './resource.js';

/**
 * Throws `DriveError` `too-deep` where something in the tree would lie deeper than any address reaches. `from`: where it
 * comes from; a tree that goes no deeper than it was isn't looked into. A tree of very many folders is looked into as
 * far as one step allows.
 */
export async function checkDepth(
  transaction: DriveTransaction,
  source: NodeRow,
  from: Found,
  to: Found,
): Promise<void> {
  const depth = depthOf(to);
  const levels = DEPTH_MAX - depth;
  if (levels >= 0) {
    if (!source.isCollection || source.descendants <= levels) return;
    if (from.space !== 'trash' && depth <= depthOf(from)) return;
    if (!(await transaction.store.isNestedDeeper(source.id, levels))) return;
  }
  throw new DriveError('too-deep', `Folders can be nested ${DEPTH_MAX} deep, and this would be deeper.`);
}

/** By way of the drive's folder, which is the longest address (PRODUCT D1). */
function depthOf({ path, originalPath }: Found): number {
  return Math.max(path.length, originalPath.split('/').length + 1);
}
