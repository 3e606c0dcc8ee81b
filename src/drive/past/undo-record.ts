import type { NodeRow } from '../../stores/metadata-store.js';
import type { EndedState } from '../../stores/past.js';
import type { AppPasswordId, DriveId, NodeId, UserId } from '../../stores/values.js';
import { inPages, type ReadPage } from './tree-walk.js';

/** States that one page reads. */
const PAGE = 400;

/** Whose changes are undone: those by one app password, or those by a user with their own password, a session or a passkey. */
export interface ChangesOf {
  readonly userId: UserId;
  readonly appPasswordId: AppPasswordId | null;
}

/** What somebody did to a node since a moment. */
export interface NodeRecord {
  /** As it was before the last changes, which are all theirs; null: they made it. */
  before: EndedState | null;
  /** Whether others have changed it after them. */
  isTakenOver: boolean;
  /** Whether something lay where this is about. */
  isInside: boolean;
}

interface Known extends NodeRecord {
  /** Whether the last change was theirs. */
  isTheirs: boolean;
  /** Whether they have changed it at all. */
  isTouched: boolean;
}

/** Goes through what ended on a drive since a moment, in its order, and finds what one credential did to which node, there or with one that is in `tree` now. */
export async function recordOf(
  read: ReadPage,
  driveId: DriveId,
  since: number,
  by: ChangesOf,
  isInside: (state: EndedState) => boolean,
  tree: ReadonlyMap<NodeId, NodeRow>,
): Promise<Map<NodeId, NodeRecord>> {
  const records = new Map<NodeId, Known>();
  for (let after: EndedState | null = null; ; ) {
    const from: EndedState | null = after;
    const page: EndedState[] = await read(({ view }) => view.past.endedSince(driveId, since, from, PAGE));
    for (const state of page) note(records, state, since, by, isInside);
    if (page.length < PAGE) break;
    after = page.at(-1)!;
  }
  for (const [id, { isTouched, isInside: isHere }] of records)
    if (!isTouched || !(isHere || tree.has(id))) records.delete(id);
  return records;
}

function note(
  records: Map<NodeId, Known>,
  state: EndedState,
  since: number,
  { userId, appPasswordId }: ChangesOf,
  isInside: (state: EndedState) => boolean,
): void {
  const { id } = state.node;
  const isMade = state.fromAt > since && !records.has(id);
  const madeByThem = isMade && state.madeBy === userId && state.madeWith === appPasswordId;
  const known = records.get(id) ?? {
    before: null,
    isTakenOver: false,
    isInside: false,
    isTheirs: madeByThem,
    isTouched: madeByThem,
  };
  records.set(id, known);
  const isTheirs = state.endedBy === userId && state.endedWith === appPasswordId;
  if (isTheirs && !known.isTheirs) known.before = state;
  known.isTheirs = isTheirs;
  known.isTouched ||= isTheirs;
  known.isTakenOver = known.isTouched && !isTheirs;
  // Whose turn it was to change it, where it lay.
  if (isTheirs || madeByThem) known.isInside ||= isInside(state);
}

/** Nodes of a tree that somebody made since a moment, and that nobody has changed since. */
export async function madeBy(
  read: ReadPage,
  tree: ReadonlyMap<NodeId, NodeRow>,
  records: ReadonlyMap<NodeId, NodeRecord>,
  since: number,
  { userId, appPasswordId }: ChangesOf,
): Promise<NodeId[]> {
  const wanted = [...tree.keys()].filter((id) => !records.has(id));
  const author = { at: since, userId, appPasswordId };
  return inPages(read, wanted, ({ view }, ids) => view.past.begunSince(ids, author));
}
