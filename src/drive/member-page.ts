import type { NodeRow } from '../stores/metadata-store.js';
import { DriveError } from './drive-error.js';
import { COMMON_NAME, type DrivePath, TRASH_NAME } from './names.js';
import { type Resource, resourceOf } from './resource.js';
import type { Snapshot } from './snapshot.js';
import { locate } from './view.js';

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
  const { view, membership } = snapshot;
  const { path } = folder;
  if (!folder.isCollection) throw new DriveError('not-a-collection', `"${folder.name}" is a file, not a folder.`);
  switch (folder.kind) {
    case 'root':
      return { members: await snapshot.rootFolders(), next: null };
    case 'trash': {
      const rows = await view.trash([membership.binId, membership.commonBinId], after, limit + 1);
      return cut(rows, limit, (row) => resourceOf(row.node, 'trashed', [...path, row.node.name], row));
    }
    default: {
      const parentId = folder.node!.id;
      const kind = folder.kind === 'trashed' || folder.kind === 'in-trash' ? 'in-trash' : 'node';
      const position = after === null ? null : { parentId, name: after };
      const rows = await view.children([parentId], position, limit + 1);
      const page = cut(rows, limit, (row: NodeRow) => resourceOf(row, kind, [...path, row.name]));
      if (folder.kind !== 'home' || after !== null) return page;
      return { ...page, members: [await snapshot.common([...path, COMMON_NAME]), ...page.members] };
    }
  }
}

/** One row more than the limit was asked for, to know whether there is a next page. */
function cut<Row>(rows: readonly Row[], limit: number, show: (row: Row) => Resource): MemberPage {
  const members = rows.slice(0, limit).map(show);
  return { members, next: rows.length > limit ? members.at(-1)!.name : null };
}

/** The same place by way of the drive's two folders, where no name has another meaning (PRODUCT D3). */
export function fullPath({ membership }: Pick<Snapshot, 'membership'>, path: DrivePath): DrivePath {
  const place = locate(membership, path);
  switch (place.kind) {
    case 'home':
      return [membership.driveName, ...place.segments];
    case 'common':
      return [membership.driveName, COMMON_NAME, ...place.segments];
    case 'trash':
      return [TRASH_NAME, ...place.segments];
    default:
      return path;
  }
}
