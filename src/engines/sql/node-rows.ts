import type { NodeRow, TrashRow } from '../../stores/metadata-store.js';
import type { BlobId, DriveId, NodeId, UserId } from '../../stores/values.js';
import type { NodeList, NodeRecord } from './node-statements.js';
import type { TrashRecord } from './record-statements.js';

/** From rows as the database gives them to those of the seam. */
export function nodeOf(row: NodeRecord): NodeRow {
  return {
    id: row.id as NodeId,
    driveId: row.drive_id as DriveId,
    parentId: row.parent_id as NodeId | null,
    name: row.name,
    isCollection: row.is_collection === 1,
    blobId: row.content_id as BlobId | null,
    size: row.size,
    descendants: row.descendants,
    modified: row.modified,
    created: row.created,
    revision: row.revision,
    propertyBytes: row.property_bytes,
  };
}

export function nodeOfList(row: readonly [...node: NodeList, ...rest: unknown[]]): NodeRow {
  return {
    id: row[0] as NodeId,
    driveId: row[1] as DriveId,
    parentId: row[2] as NodeId | null,
    name: row[3],
    isCollection: row[4] === 1,
    blobId: row[5] as BlobId | null,
    size: row[6],
    descendants: row[7],
    modified: row[8],
    created: row[9],
    revision: row[10],
    propertyBytes: row[11],
  };
}

export function trashOf(row: TrashRecord): TrashRow {
  return {
    node: nodeOf(row),
    ownerId: row.owner_id as UserId | null,
    originalPath: row.original_path,
    deletedBy: row.deleted_by as UserId | null,
    deletedAt: row.deleted_at,
  };
}
