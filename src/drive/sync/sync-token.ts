import { createHash } from 'node:crypto';
import type { Membership } from '../../stores/account-store.js';
import type { ChangePosition } from '../../stores/change-log.js';
import {
  type ChildPosition,
  MAKES_ROOM,
  type MetadataStore,
  type StoreTransaction,
} from '../../stores/metadata-store.js';
import type { NodeId } from '../../stores/values.js';
import { workOffDue } from '../due-drives.js';
import type { Resource } from '../resource.js';
import type { Snapshot } from '../snapshot.js';

/** How far somebody who follows the changes of a folder has come. */
export interface SyncCursor {
  /** Of the names that were unbound, those up to this revision are known. */
  readonly removals: number;
  /** Of the collections that were moved, those up to this revision are known with all that is in them; 0: nothing is. */
  readonly moves: number;
  /** A walk under way through what is in the collections moved after `moves`, up to `until`. */
  readonly walk: MovedWalk | null;
  /** Of the other changes, those up to here are known. */
  readonly changes: ChangePosition;
}

export interface MovedWalk {
  readonly until: number;
  /** The last member that is known, in the order of parents, then names. */
  readonly position: ChildPosition;
}

/** After all changes of one revision. */
const LAST_ID = Number.MAX_SAFE_INTEGER as NodeId;
/** Removals that one transaction forgets. */
const FORGET_TOGETHER = 1000;
const PREFIX = 'urn:firn:sync:';
const NUMBER = '(\\d{1,15})';
const COMPLETE = new RegExp(`^${NUMBER}$`);
const PARTIAL = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}\\.(\\d{0,15})(?:\\.${NUMBER}\\.${NUMBER}\\.([\\w-]{0,400}))?$`,
);

/** Everything up to a revision is known. */
export function cursorAt(revision: number): SyncCursor {
  return { removals: revision, moves: revision, walk: null, changes: { revision, id: LAST_ID } };
}

/** Nothing is known of the folder yet. */
export function cursorAtStart(folder: Resource): SyncCursor {
  return { ...cursorAt(folder.revision), moves: 0 };
}

export function isWhole({ removals, moves, walk, changes }: SyncCursor): boolean {
  return walk === null && moves === removals && changes.revision === removals && changes.id === LAST_ID;
}

/** Whether a resource is a folder whose changes can be followed. */
export function mayFollow({ isCollection, node, kind }: Resource): boolean {
  return isCollection && (node !== null || kind === 'root' || kind === 'trash');
}

/** The token of a folder as it is now, an opaque URI (RFC 6578 §4): another one when anything at or below it changes. */
export function syncToken(folder: Resource, membership: Membership, cursor = cursorAt(folder.revision)): string {
  return `${PREFIX}${membership.driveId}:${keyOf(folder, membership)}:${format(cursor)}`;
}

/**
 * What a token says; null when it is none that this folder, as this principal sees it, has ever had, or one of which too
 * much was forgotten: a backup from before it was restored, or removals since are older than those that are kept.
 */
export async function findCursor(snapshot: Snapshot, folder: Resource, token: string): Promise<SyncCursor | null> {
  const { membership, view } = snapshot;
  const prefix = `${PREFIX}${membership.driveId}:${keyOf(folder, membership)}:`;
  const cursor = token.startsWith(prefix) ? parse(token.slice(prefix.length)) : null;
  if (!cursor) return null;
  const { last, forgotten, isLost } = await view.changeLog.horizon(membership.driveId, cursor.removals);
  if (isLost || newestIn(cursor) > last) return null;
  const isStale = cursor.removals < forgotten && cursor.removals < folder.revision;
  return isStale ? null : cursor;
}

/**
 * Forgets names that were unbound before a time on any drive, in short transactions: tokens from before then are valid no
 * more. Rejects with the signal's reason.
 */
export async function forgetRemovals(
  metadata: MetadataStore,
  removedBefore: number,
  signal?: AbortSignal,
): Promise<void> {
  await workOffDue(metadata, { what: 'removals', before: removedBefore, signal }, async (driveId) => {
    const prune = ({ changeLog }: StoreTransaction) => changeLog.prune(driveId, removedBefore, FORGET_TOGETHER);
    return (await metadata.write([driveId], prune, MAKES_ROOM)) === FORGET_TOGETHER;
  });
}

function newestIn({ removals, moves, walk, changes }: SyncCursor): number {
  return Math.max(removals, moves, walk?.until ?? 0, changes.revision);
}

/**
 * Which folder a token is of. At its address another one may be one day, and of that one's members the token says nothing.
 * The root is a member's own, and its members' addresses hold the drive's name.
 */
function keyOf(folder: Resource, { rootId, homeId, binId, driveName }: Membership): string {
  switch (folder.kind) {
    case 'root':
      return `${rootId}-${homeId}-${createHash('sha256').update(driveName).digest('hex').slice(0, 8)}`;
    case 'trash':
      return String(binId);
    default:
      return String(folder.node!.id);
  }
}

function format(cursor: SyncCursor): string {
  const { removals, moves, walk, changes } = cursor;
  if (isWhole(cursor)) return String(removals);
  const id = changes.id === LAST_ID ? '' : changes.id;
  const start = `${removals}.${moves}.${changes.revision}.${id}`;
  if (!walk) return start;
  const { parentId, name } = walk.position;
  return `${start}.${walk.until}.${parentId}.${Buffer.from(name).toString('base64url')}`;
}

function parse(text: string): SyncCursor | null {
  const complete = COMPLETE.exec(text);
  if (complete) return cursorAt(Number(complete[1]));
  const partial = PARTIAL.exec(text);
  if (!partial) return null;
  const [, removals, moves, revision, id, until, parentId, name = ''] = partial;
  return {
    removals: Number(removals),
    moves: Number(moves),
    walk:
      until === undefined
        ? null
        : {
            until: Number(until),
            position: { parentId: Number(parentId) as NodeId, name: Buffer.from(name, 'base64url').toString() },
          },
    changes: { revision: Number(revision), id: id === '' ? LAST_ID : (Number(id) as NodeId) },
  };
}
