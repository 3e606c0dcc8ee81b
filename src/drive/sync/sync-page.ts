import type { ChangeRow, RemovalRow } from '../../stores/change-log.js';
import type { ChildPosition, NodeRow } from '../../stores/metadata-store.js';
import type { NodeId } from '../../stores/values.js';
import type { DrivePath } from '../names.js';
import type { Resource } from '../resource.js';
import type { Snapshot } from '../snapshot.js';
import { SyncDraft } from './sync-draft.js';
import { cursorAt, isWhole, type MovedWalk, type SyncCursor } from './sync-token.js';
import type { TreePosition } from './tree-positions.js';

/** Changes a page, and rows of the change log that are looked at for it: 2,000 take some 20 ms. */
export const SYNC_PAGE_MAX = 2000;

export interface RemovedPath {
  readonly path: DrivePath;
  /** What was there. */
  readonly isCollection: boolean;
}

/** Some of what changed in a folder. A path comes once. */
export interface SyncPage {
  /** With all that was below them. */
  readonly removed: readonly RemovedPath[];
  readonly changed: readonly Resource[];
  /** What is known now. */
  readonly cursor: SyncCursor;
  /** Whether this was all. */
  readonly isComplete: boolean;
}

export interface SyncOptions {
  /** Everything below the folder, each by its own changes; else its members, a collection by those below it, too. */
  readonly isDeep: boolean;
  /** Removed and changed together; at most `SYNC_PAGE_MAX`. */
  readonly limit: number;
}

/**
 * What changed in a folder since a cursor, the removed before the changed. Anyone who applies each page in turn has, after
 * the complete one, what a listing shows. A page may be empty and yet not be all: others changed much. A fixed number of
 * statements. How it works: docs/decisions/0008-what-a-sync-token-says.md.
 */
export async function nextPage(
  snapshot: Snapshot,
  folder: Resource,
  cursor: SyncCursor,
  options: SyncOptions,
): Promise<SyncPage> {
  if (isWhole(cursor) && cursor.removals >= folder.revision) {
    return { removed: [], changed: [], cursor, isComplete: true };
  }
  const draft = new SyncDraft(snapshot, folder, options);
  let progress: Progress = { cursor, isDone: true };
  for (const take of [takeRemovals, takeMoves, takeChanges]) {
    progress = await take(draft, progress.cursor);
    if (!progress.isDone) break;
  }
  return {
    removed: draft.removed,
    changed: await draft.changed(),
    cursor: progress.isDone ? cursorAt(folder.revision) : progress.cursor,
    isComplete: progress.isDone,
  };
}

/** How far a part has come, and whether the next part may begin on this page. */
interface Progress {
  readonly cursor: SyncCursor;
  readonly isDone: boolean;
}

/**
 * First part: names that were unbound. A page that says of a path that it is gone, although something is there again,
 * ends with this part: anyone who knew what was below mustn't keep it, and what is there now comes after that.
 */
async function takeRemovals(draft: SyncDraft, cursor: SyncCursor): Promise<Progress> {
  const { view, membership } = draft.snapshot;
  const rows = await view.changeLog.removals(membership.driveId, cursor.removals, SYNC_PAGE_MAX);
  await draft.places.load(
    view,
    rows.map(({ parentId }) => parentId),
  );
  const bound = await boundNow(draft, rows);
  let removals = cursor.removals;
  let isReplaced = false;
  for (const row of rows) {
    if (draft.room <= 0) return { cursor: { ...cursor, removals }, isDone: false };
    if (takeRemoval(draft, row, bound)) isReplaced = true;
    removals = row.revision;
  }
  const isAll = rows.length < SYNC_PAGE_MAX;
  if (isAll) removals = Math.max(removals, draft.folder.revision);
  return { cursor: { ...cursor, removals }, isDone: isAll && !isReplaced };
}

/** Tells whether a path is reported although something is there. */
function takeRemoval(draft: SyncDraft, row: RemovalRow, bound: ReadonlyMap<string, boolean>): boolean {
  const { isDeep } = draft.options;
  const place = placeOfRemoval(draft, row);
  if (!place) return false;
  if (!isDeep && !draft.isFolder(place)) {
    draft.touch(place);
    return false;
  }
  const path = [...place.path, row.name];
  const isCollectionNow = bound.get(JSON.stringify(path));
  // A file in place of a file is that path's change. What was below a collection nobody else would tell.
  const isSame = row.isCollection === isCollectionNow && !(row.isCollection && isDeep);
  if (isSame) return false;
  draft.remove(path, row.isCollection);
  return isCollectionNow !== undefined;
}

/** Null for what isn't in the folder, or came to where it is after it lost the name: then it came without it. */
function placeOfRemoval(draft: SyncDraft, { parentId, revision }: RemovalRow): TreePosition | null {
  const place = draft.places.find(parentId);
  return place && place.moved < revision ? place : null;
}

/** Of the removed paths those where something is, and whether it is a collection. */
async function boundNow(draft: SyncDraft, rows: readonly RemovalRow[]): Promise<ReadonlyMap<string, boolean>> {
  const wanted = rows.flatMap((row): ChildPosition[] => {
    const place = placeOfRemoval(draft, row);
    if (!place) return [];
    // The trash is two nodes: what left the one may be in the other.
    const parents = place.top === null ? draft.anchors.map(({ id }) => id) : [row.parentId];
    return parents.map((parentId) => ({ parentId, name: row.name }));
  });
  const found = wanted.length === 0 ? [] : await draft.snapshot.view.changeLog.bound(wanted);
  return new Map(
    found.map(({ parentId, name, isCollection }) => {
      const { path } = draft.places.find(parentId)!;
      return [JSON.stringify([...path, name]), isCollection];
    }),
  );
}

/**
 * Second part: collections that came by a move, with all that is in them, whose own changes may be old; and anyone who
 * knows nothing yet gets everything like this. Where only members count, a moved one is a change like others.
 */
async function takeMoves(draft: SyncDraft, cursor: SyncCursor): Promise<Progress> {
  const { moves, removals: until } = cursor;
  const isStart = moves === 0;
  const isNeeded = isStart || (draft.options.isDeep && (cursor.walk !== null || moves < until));
  if (!isNeeded) return { cursor, isDone: true };
  if (draft.room <= 0) return { cursor, isDone: false };
  const { tops, walk } = isStart ? await startFromAnchors(draft, cursor) : await startFromMoved(draft, cursor);
  const position = await walkMembers(draft, tops, walk.position);
  if (position) return { cursor: { ...cursor, walk: { ...walk, position } }, isDone: false };
  return { cursor: { ...cursor, moves: walk.until, walk: null }, isDone: walk.until >= until };
}

interface StartedWalk {
  /** The collections whose members are to be reported. */
  readonly tops: readonly NodeId[];
  readonly walk: MovedWalk;
}

/** Before all members: no node has the number 0. */
const BEFORE_ALL: ChildPosition = { parentId: 0 as NodeId, name: '' };

async function startFromMoved(draft: SyncDraft, { moves, removals, walk }: SyncCursor): Promise<StartedWalk> {
  const { view, membership } = draft.snapshot;
  const until = walk?.until ?? removals;
  const rows = await view.changeLog.movedCollections(membership.driveId, moves, until, SYNC_PAGE_MAX);
  await draft.places.load(
    view,
    rows.map(({ node }) => node.id),
  );
  const inside = rows.filter(({ node }) => !draft.places.isAnchor(node.id) && draft.places.find(node.id));
  const idOf = ({ node }: ChangeRow) => node.id;
  if (walk) return { tops: inside.map(idOf), walk };
  const told = inside.slice(0, draft.room);
  for (const { node } of told) report(draft, node);
  const isAll = told.length === inside.length && rows.length < SYNC_PAGE_MAX;
  const last = told.length === inside.length ? rows.at(-1) : told.at(-1);
  return { tops: told.map(idOf), walk: { until: isAll ? until : last!.moved, position: BEFORE_ALL } };
}

/** The folders that the drive itself makes come before all members; the position is then how many of them are known. */
async function startFromAnchors(draft: SyncDraft, { removals, walk }: SyncCursor): Promise<StartedWalk> {
  const tops = draft.anchors.filter((anchor) => draft.options.isDeep || draft.isFolder(anchor)).map(({ id }) => id);
  const { until, position } = walk ?? { until: removals, position: BEFORE_ALL };
  if (position.parentId !== BEFORE_ALL.parentId) return { tops, walk: { until, position } };
  const known = Number(position.name) || 0;
  const made = draft.madeFolders().slice(known, known + draft.room);
  for (const path of made) draft.reportMade(path);
  return { tops, walk: { until, position: { ...BEFORE_ALL, name: `${known + made.length}` } } };
}

/** Reports the members of collections, with everything below in a deep page. Gives how far it came; null: to the end. */
async function walkMembers(
  draft: SyncDraft,
  tops: readonly NodeId[],
  after: ChildPosition,
): Promise<ChildPosition | null> {
  const { view } = draft.snapshot;
  const limit = draft.room;
  if (limit <= 0) return after;
  if (tops.length === 0) return null;
  const rows = draft.options.isDeep
    ? await view.changeLog.membersBelow(tops, after, limit)
    : await view.children(tops, after, limit);
  await draft.places.load(
    view,
    rows.map(({ parentId }) => parentId!),
  );
  for (const row of rows) report(draft, row);
  const last = rows.at(-1);
  return last && rows.length === limit ? { parentId: last.parentId!, name: last.name } : null;
}

function report(draft: SyncDraft, node: NodeRow): void {
  draft.report(node, draft.places.find(node.parentId!)!);
}

/** Third part: everything else that was made, changed or moved. */
async function takeChanges(draft: SyncDraft, cursor: SyncCursor): Promise<Progress> {
  const { view, membership } = draft.snapshot;
  // A little more than the page takes, because some are others' or told already.
  const limit = Math.min(SYNC_PAGE_MAX, draft.room * 2 + 100);
  const rows = await view.changeLog.changedNodes(membership.driveId, cursor.changes, limit);
  await draft.places.load(
    view,
    rows.flatMap(({ node }) => (node.parentId === null ? [] : [node.parentId])),
  );
  let { changes } = cursor;
  for (const row of rows) {
    if (draft.room <= 0) return { cursor: { ...cursor, changes }, isDone: false };
    takeChange(draft, row);
    changes = { revision: row.changed, id: row.node.id };
  }
  return { cursor: { ...cursor, changes }, isDone: rows.length < limit };
}

function takeChange(draft: SyncDraft, { node, changed, moved }: ChangeRow): void {
  const place = node.parentId === null ? null : draft.places.find(node.parentId);
  if (!place || draft.places.isAnchor(node.id)) return;
  if (!draft.options.isDeep) {
    if (draft.isFolder(place)) draft.report(node, place);
    else draft.touch(place);
    return;
  }
  const isToldByMove = place.moved >= changed || (node.isCollection && moved === changed);
  if (!isToldByMove) draft.report(node, place);
}
