import type { ChildPosition, NodeRow, PropertyRow, StoreView } from '../../stores/metadata-store.js';
import type { NodeId } from '../../stores/values.js';
import { DriveError } from '../drive-error.js';
import type { Snapshot } from '../snapshot.js';

/** Reads a page of what a plan needs: each from a snapshot of its own, or all in the transaction that carries it out. */
export type ReadPage = <T>(work: (snapshot: Snapshot) => Promise<T>) => Promise<T>;

/** Nodes that a plan keeps in memory: some 300 bytes each. */
const PLANNED_MAX = 300_000;
const PAGE = 400;
/** Folders whose members one statement lists. */
const FOLDERS_TOGETHER = 200;
/** Nodes whose dead properties one page reads: those of each may have 256 KiB. */
export const PROPERTIES_TOGETHER = 20;

/** Throws `DriveError` where a plan would need more memory than it may have. */
function checkPlanned(count: number): void {
  if (count <= PLANNED_MAX) return;
  const most = PLANNED_MAX.toLocaleString('en');
  throw new DriveError(
    'tree-too-large',
    `This takes at most ${most} files and folders at once. Do it folder by folder.`,
  );
}

/**
 * Reads all that is below some folders, a folder before its members. `membersOf`: about how many a folder has; those that have many
 * are read alone, as a page of several folders is sorted from all that is in them. Rejects with `DriveError` `tree-too-large`.
 */
export async function walkTree(
  read: ReadPage,
  tops: readonly NodeId[],
  viewOf: (snapshot: Snapshot) => StoreView,
  found: Map<NodeId, NodeRow>,
  membersOf: (folder: NodeId) => number,
): Promise<void> {
  const folders = [...tops];
  while (folders.length > 0) {
    let [count, members] = [1, membersOf(folders[0]!)];
    for (; count < Math.min(FOLDERS_TOGETHER, folders.length); count++) {
      members += membersOf(folders[count]!);
      if (members >= PAGE) break;
    }
    const batch = folders.splice(0, count);
    for (let after: ChildPosition | null = null; ; ) {
      const from: ChildPosition | null = after;
      const rows: NodeRow[] = await read((snapshot) => viewOf(snapshot).children(batch, from, PAGE));
      for (const row of rows) {
        found.set(row.id, row);
        if (row.isCollection) folders.push(row.id);
      }
      checkPlanned(found.size);
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) break;
      after = { parentId: last.parentId!, name: last.name };
    }
  }
}

/** Asks about many nodes, a page at a time. */
export async function inPages<T, Result>(
  read: ReadPage,
  all: readonly T[],
  ask: (snapshot: Snapshot, some: readonly T[]) => Promise<readonly Result[]>,
  size = PAGE,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < all.length; start += size) {
    const some = all.slice(start, start + size);
    results.push(...(await read((snapshot) => ask(snapshot, some))));
  }
  return results;
}

/** The dead properties of nodes, each with those of its own. */
export async function propertiesOf(
  read: ReadPage,
  ids: readonly NodeId[],
  viewOf: (snapshot: Snapshot) => StoreView,
): Promise<Map<NodeId, PropertyRow[]>> {
  const rows = await inPages(read, ids, (snapshot, some) => viewOf(snapshot).properties(some), PROPERTIES_TOGETHER);
  return groupByNode(rows);
}

export function groupByNode(rows: readonly PropertyRow[]): Map<NodeId, PropertyRow[]> {
  const byNode = new Map<NodeId, PropertyRow[]>();
  for (const row of rows) {
    const own = byNode.get(row.nodeId);
    if (own) own.push(row);
    else byNode.set(row.nodeId, [row]);
  }
  return byNode;
}
