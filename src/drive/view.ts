import type { Membership } from '../stores/account-store.js';
import type { NodeId } from '../stores/values.js';
import { COMMON_NAME, type DrivePath, TRASH_NAME } from './names.js';
import type { Resource, ResourceKind } from './resource.js';

/**
 * Which tree a path of a principal leads into, and where in it. This is the one place that knows of the root with its
 * two folders, of aliases, and of folder-scoped app passwords (PRODUCT D1–D3, S2).
 */
export type ViewPlace =
  /** The root with its two folders. */
  | { readonly kind: 'root' }
  /** The member's personal files; `segments` empty: the drive's own folder. */
  | TreePlace<'home'>
  /** The shared folder. */
  | TreePlace<'common'>
  /** The folder that an app password is limited to. */
  | TreePlace<'scope'>
  /** The trash folder itself (`segments` empty), or something in it. */
  | { readonly kind: 'trash'; readonly segments: DrivePath };

export interface TreePlace<Kind extends string> {
  readonly kind: Kind;
  /** The node where `segments` start. */
  readonly anchorId: NodeId;
  readonly segments: DrivePath;
}

/** Finds the place of a path. Pure: whether anything is there is the store's to say. */
export function locate(membership: Membership, path: DrivePath): ViewPlace {
  if (membership.scopeId !== null) return { kind: 'scope', anchorId: membership.scopeId, segments: path };
  const [first, second] = path;
  if (first === undefined) return { kind: 'root' };
  if (first === TRASH_NAME) return { kind: 'trash', segments: path.slice(1) };
  if (first === COMMON_NAME) return { kind: 'common', anchorId: membership.commonId, segments: path.slice(1) };
  if (first !== membership.driveName) return { kind: 'home', anchorId: membership.homeId, segments: path };
  if (second === COMMON_NAME) return { kind: 'common', anchorId: membership.commonId, segments: path.slice(2) };
  return { kind: 'home', anchorId: membership.homeId, segments: path.slice(1) };
}

/** The path, in the drive's folder, under which a deleted file was known (PRODUCT D4). */
export function originalPath(kind: 'home' | 'common', segments: DrivePath): string {
  return (kind === 'common' ? [COMMON_NAME, ...segments] : segments).join('/');
}

/** A node from which a folder's members hang, directly or in a folder that several nodes make up. */
export interface Anchor {
  readonly id: NodeId;
  readonly path: DrivePath;
  /** What its own members are. */
  readonly memberKind: ResourceKind;
  /** What is in those. */
  readonly innerKind: ResourceKind;
}

/** The nodes that make up a folder as a principal sees it. Other members' files hang from none of them. */
export function anchorsOf(folder: Resource, membership: Membership): Anchor[] {
  const { driveName, homeId, commonId, binId, commonBinId } = membership;
  const { path } = folder;
  const plain = (id: NodeId, at: DrivePath): Anchor => ({ id, path: at, memberKind: 'node', innerKind: 'node' });
  const bin = (id: NodeId, at: DrivePath): Anchor => ({ id, path: at, memberKind: 'trashed', innerKind: 'in-trash' });
  const home = (at: DrivePath) => [plain(homeId, at), plain(commonId, [...at, COMMON_NAME])];
  const trash = (at: DrivePath) => [bin(binId, at), bin(commonBinId, at)];
  switch (folder.kind) {
    case 'root':
      return [...home([driveName]), ...trash([TRASH_NAME])];
    case 'home':
      return home(path);
    case 'trash':
      return trash(path);
    case 'trashed':
    case 'in-trash':
      return [{ id: folder.node!.id, path, memberKind: 'in-trash', innerKind: 'in-trash' }];
    default:
      return [plain(folder.node!.id, path)];
  }
}
