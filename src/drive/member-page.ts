import type { NodeRow } from '../stores/metadata-store.js';
import { DriveError } from './drive-error.js';
import { type Resource, readResource, resourceOf } from './resource.js';
import type { Snapshot } from './snapshot.js';
import { membersOf } from './view.js';

export interface MemberPage {
  readonly members: readonly Resource[];
  /** The name after which the next page begins; null: this was the last. */
  readonly next: string | null;
}

/**
 * One page of a folder's members by name (byte order), after the name `after`; a few statements however large the folder
 * is. The shared folder comes before the first page of the drive's folder, beside its `limit` members. Throws `DriveError`
 * `not-a-collection`.
 */
export async function readMembers(
  snapshot: Snapshot,
  folder: Resource,
  after: string | null,
  limit: number,
): Promise<MemberPage> {
  const { view } = snapshot;
  const { path } = folder;
  if (!folder.isCollection) throw new DriveError('not-a-collection', `"${folder.name}" is a file, not a folder.`);
  const { made, anchors } = membersOf(folder, snapshot.membership);
  const shown: Resource[] = [];
  if (after === null) for (const inner of made) shown.push(readResource(await snapshot.find(inner.path)));
  const [anchor] = anchors;
  if (!anchor) return { members: shown, next: null };
  const { id: parentId, memberKind } = anchor;
  if (memberKind === 'trashed') {
    const bins = anchors.map(({ id }) => id);
    const rows = await view.trash(bins, after, limit + 1);
    return cut(rows, limit, (row) => resourceOf(row.node, memberKind, [...path, row.node.name], row));
  }
  const position = after === null ? null : { parentId, name: after };
  const rows = await view.children([parentId], position, limit + 1);
  const page = cut(rows, limit, (row: NodeRow) => resourceOf(row, memberKind, [...path, row.name]));
  return { ...page, members: [...shown, ...page.members] };
}

/** One row more than the limit was asked for, to know whether there is a next page. */
function cut<Row>(rows: readonly Row[], limit: number, show: (row: Row) => Resource): MemberPage {
  const members = rows.slice(0, limit).map(show);
  return { members, next: rows.length > limit ? members.at(-1)!.name : null };
}
