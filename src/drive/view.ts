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

/** What says which members a folder has. */
export type FolderRef = Pick<Resource, 'kind' | 'path' | 'node'>;

export interface FolderMembers {
  /** Folders in it that the drive itself makes (PRODUCT D1, D2), in their order. */
  readonly made: readonly FolderRef[];
  /** Nodes whose children are its members, too. */
  readonly anchors: readonly Anchor[];
}

/** What the members of a folder are read from. */
export function membersOf({ kind, path, node }: FolderRef, membership: Membership): FolderMembers {
  const { driveName, homeId, commonId, binId, commonBinId } = membership;
  const anchor = (id: NodeId, memberKind: ResourceKind, innerKind = memberKind) => ({
    id,
    path,
    memberKind,
    innerKind,
  });
  switch (kind) {
    case 'root': {
      const home: FolderRef = { kind: 'home', path: [driveName], node: null };
      return { made: [home, { kind: 'trash', path: [TRASH_NAME], node: null }], anchors: [] };
    }
    case 'home': {
      const common: FolderRef = { kind: 'common', path: [...path, COMMON_NAME], node: null };
      return { made: [common], anchors: [anchor(homeId, 'node')] };
    }
    case 'common':
      return { made: [], anchors: [anchor(commonId, 'node')] };
    case 'trash':
      return { made: [], anchors: [binId, commonBinId].map((id) => anchor(id, 'trashed', 'in-trash')) };
    case 'trashed':
    case 'in-trash':
      return { made: [], anchors: [anchor(node!.id, 'in-trash')] };
    default:
      return { made: [], anchors: [anchor(node!.id, 'node')] };
  }
}

/** All nodes that make up a folder as a principal sees it. Other members' files hang from none of them. */
export function anchorsOf(folder: FolderRef, membership: Membership): Anchor[] {
  const { made, anchors } = membersOf(folder, membership);
  return [...anchors, ...made.flatMap((inner) => anchorsOf(inner, membership))];
}

/** Paths of the folders in one that the drive itself makes; with `isDeep` of those in them, too. */
export function madePaths(folder: FolderRef, membership: Membership, isDeep: boolean): DrivePath[] {
  const { made } = membersOf(folder, membership);
  return made.flatMap((inner) => [inner.path, ...(isDeep ? madePaths(inner, membership, isDeep) : [])]);
}

/** Where a way down from a drive's root comes to what its member sees; null for what they don't. */
export function entranceOf(
  way: readonly NodeId[],
  { homeId, commonId }: Membership,
): { readonly index: number; readonly kind: 'home' | 'common' } | null {
  const index = way.findIndex((id) => id === homeId || id === commonId);
  return index < 0 ? null : { index, kind: way[index] === commonId ? 'common' : 'home' };
}

/** The same place by way of the drive's two folders, where no name has another meaning (PRODUCT D3). */
export function fullPath({ membership }: { readonly membership: Membership }, path: DrivePath): DrivePath {
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
