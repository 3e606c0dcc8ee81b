import type { ContentRow, NodeRow, TrashRow } from '../stores/metadata-store.js';
import type { NodeId } from '../stores/values.js';
import { DriveError } from './drive-error.js';
import type { DrivePath } from './names.js';

/**
 * What a principal sees at a path.
 * `root`, `trash`: made up of several nodes. `home`: the drive's folder, the member's personal files and the shared
 * folder together. `common`, `scope`: a node that can't be removed. `node`: any other. `upload`: an upload in parts, or
 * one of its parts, and what of the past is shown beside the trees: in no tree itself. `trashed`: the top of a deleted
 * tree, `in-trash` something inside one.
 */
export type ResourceKind = 'root' | 'home' | 'common' | 'scope' | 'trash' | 'node' | 'upload' | 'trashed' | 'in-trash';

export interface Resource {
  readonly kind: ResourceKind;
  readonly path: DrivePath;
  /** The last segment; at the root the drive's name. */
  readonly name: string;
  readonly isCollection: boolean;
  /** The node itself; null where several make up the resource. */
  readonly node: NodeRow | null;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly created: number;
  /** The last change to it, or to anything below it; 0 for what is no node. */
  readonly revision: number;
  /** Strong, with its quotes: of a file by content, of a collection by the last change at or below it. */
  readonly etag: string;
  /** Of the deleted tree that it is the top of, or is in; null else, and where nobody has looked. */
  readonly trash: TrashRow | null;
  /** Of what is a version of a file (PRODUCT V4). `by`: see `Version.by`. */
  readonly version?: { readonly by: string | null };
}

/** Segments of the path of a deleted tree's top. */
const TRASHED_DEPTH = 2;

/** A resource, or the place where one could be, with what leads there. */
export interface Found {
  readonly path: DrivePath;
  readonly resource: Resource | null;
  /** The resource's parent where that exists; null at the root. */
  readonly parent: Resource | null;
  /** The last segment of the path; empty at the root. */
  readonly name: string;
  /** Nodes above the target, the parent last, whose deep locks cover it. */
  readonly above: readonly NodeRow[];
  /** Whose trash the target goes to when it is deleted; null where it can't be deleted. */
  readonly space: 'home' | 'common' | 'trash' | null;
  /** The path in the drive's folder, whatever alias was used. */
  readonly originalPath: string;
  /** The content of a file, where `find` was asked for it. */
  readonly content: ContentRow | null;
}

/** What was found. Throws `DriveError` `not-found`. */
export function readResource({ resource }: Found): Resource {
  if (!resource) throw new DriveError('not-found', 'There is nothing of that name.');
  return resource;
}

/** Where something deleted was: segments inside the drive's folder, joined by `/`. */
export function originalLocation({ path }: Resource, trash: TrashRow): string {
  return [trash.originalPath, ...path.slice(TRASHED_DEPTH)].join('/');
}

/** RFC 9110 §8.8.3. 128 bits of the hash are enough, and keep listings short. */
export function fileEtag(blobId: string): string {
  return `"${blobId.slice(0, 32)}"`;
}

export function collectionEtag(id: NodeId, revision: number): string {
  return `"${id.toString(36)}-${revision.toString(36)}"`;
}

export function resourceOf(
  node: NodeRow,
  kind: ResourceKind,
  path: DrivePath,
  trash: TrashRow | null = null,
): Resource {
  return {
    kind,
    path,
    name: node.name,
    isCollection: node.isCollection,
    node,
    size: node.size,
    modified: node.modified,
    created: node.created,
    revision: node.revision,
    etag: node.blobId === null ? collectionEtag(node.id, node.revision) : fileEtag(node.blobId),
    trash,
  };
}
