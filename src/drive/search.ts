import type { ChangePosition, ChangeRow } from '../stores/change-log.js';
import type { NodeId } from '../stores/values.js';
import type { Drive } from './drive.js';
import { type Resource, resourceOf } from './resource.js';
import type { Snapshot } from './snapshot.js';
import { Places } from './sync/tree-positions.js';
import { turns } from './turns.js';
import { anchorsOf } from './view.js';

/** Nodes that one statement looks at: some milliseconds, in which nobody else is served. */
const STEP_NODES = 1000;
/** Nodes that one search looks at before it returns what it has. */
const SEARCH_NODES = 20_000;

export interface SearchPage {
  readonly folder: Resource;
  readonly found: readonly Resource[];
  /** Where the search goes on; null: everything was looked at. */
  readonly next: ChangePosition | null;
}

/**
 * Files and folders in the drive's folder whose name holds `text`, in any case and normalization, those first that were
 * changed longest ago. It goes through the drive in the order of changes, which has an index: nothing is missed that
 * changes meanwhile. Stops at `limit` finds, or when it has looked at so much that others have to wait; `next` leads on.
 */
export async function searchNames(
  drive: Drive,
  text: string,
  after: ChangePosition | null,
  limit: number,
): Promise<SearchPage> {
  const wanted = folded(text);
  const found: Resource[] = [];
  let position = after ?? { revision: 0, id: 0 as NodeId };
  await turns.enter();
  for (let looked = 0; ; ) {
    const step = await drive.read((snapshot) => searchStep(snapshot, wanted, position, limit - found.length));
    found.push(...step.found);
    looked += step.looked;
    if (step.next === null || found.length >= limit || looked >= SEARCH_NODES) {
      return { folder: step.folder, found, next: step.next };
    }
    position = step.next;
    await turns.next();
  }
}

async function searchStep(snapshot: Snapshot, wanted: string, after: ChangePosition, room: number) {
  const { membership, view } = snapshot;
  const folder = await snapshot.home([membership.driveName]);
  const rows = await view.changeLog.changedNodes(membership.driveId, after, STEP_NODES);
  const hits = rows.filter(({ node }) => folded(node.name).includes(wanted));
  const places = new Places(anchorsOf(folder, membership));
  await places.load(
    view,
    hits.map(({ node }) => node.id),
  );
  const found: Resource[] = [];
  for (const row of hits) {
    const place = places.isAnchor(row.node.id) ? null : places.find(row.node.id);
    if (!place) continue;
    found.push(resourceOf(row.node, 'node', place.path));
    if (found.length === room) return { folder, found, looked: rows.length, next: positionOf(row) };
  }
  const next = rows.length < STEP_NODES ? null : positionOf(rows.at(-1)!);
  return { folder, found, looked: rows.length, next };
}

function positionOf({ node, changed }: ChangeRow): ChangePosition {
  return { revision: changed, id: node.id };
}

/** Twice, because the lower case of an NFC text need not be NFC. */
function folded(text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC');
}
