import type { ContentRow, NodeRow, TrashRow } from '../../stores/metadata-store.js';
import type { BlobId, BlobPlace, ContentKey, Digests, DriveId, NodeId, UserId } from '../../stores/values.js';
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

/** A row of `content` as the database gives it. */
export type ContentRecord = {
  key: number;
  id: string;
  size: number;
  sha1: string | null;
  md5: string | null;
  bytes: Uint8Array | null;
  place: string | null;
};

export function contentOf(row: ContentRecord): ContentRow {
  const { key, id, size, bytes, place } = row;
  return { key: key as ContentKey, id: id as BlobId, size, bytes, place: place as BlobPlace | null, ...digestsOf(row) };
}

export function digestsOf(row: { sha1: string | null; md5: string | null }): Digests {
  if (row.sha1 === null && row.md5 === null) return {};
  return { ...(row.sha1 === null ? {} : { sha1: row.sha1 }), ...(row.md5 === null ? {} : { md5: row.md5 }) };
}
