import type { ContentRow } from '../stores/metadata-store.js';
import type { Expectations, Incoming, ReceivedContent } from './contents.js';
import type { Drive } from './drive.js';
import type { DriveTransaction } from './drive-transaction.js';
import { checkLocks } from './locks/locks.js';
import { takeUpLocks } from './locks/vacated-locks.js';
import type { DrivePath } from './names.js';
import type { Permit } from './permit.js';
import { checkPutTarget, spaceOf } from './place-checks.js';
import { noRoom, roomLeft } from './quota.js';
import type { Found, Resource } from './resource.js';
import type { Snapshot } from './snapshot.js';

/** A file that is to be made or given other content. */
export interface FileWish {
  readonly permit: Permit;
  /** Milliseconds since 1970; null or absent: now. */
  readonly modified?: number | null;
  /** The same of its making; without it a new file is made now, and another keeps its time. */
  readonly created?: number | null;
  /**
   * Chooses the place in view of what was found, or throws to write nothing. Runs before each check; `content` is null until
   * the bytes have come.
   */
  readonly choose?: (snapshot: Snapshot, found: Found, content: ContentRow | null) => Promise<Found>;
}

export interface BodyWish extends FileWish {
  readonly expected: Expectations;
  /** Whether the bytes come only when they are asked for: then even a few are not asked for in vain. */
  readonly isHeldBack?: boolean;
  /** Called when the bytes are durable, before they have a name. */
  readonly onReceived?: (content: ContentRow) => Promise<void>;
  readonly signal?: AbortSignal;
}

export interface Written {
  readonly resource: Resource;
  readonly isNew: boolean;
}

/**
 * Makes a file, or gives it other content: checks, takes the bytes, checks again in the transaction that names them
 * (PRODUCT U4). Throws `DriveError`, and what the permit's check throws; nothing is changed then.
 */
export async function writeFile(drive: Drive, path: DrivePath, incoming: Incoming, wish: BodyWish): Promise<Written> {
  const { expected, isHeldBack, onReceived, signal } = wish;
  const size = incoming.size ?? expected.size;
  // A small body is here already: the check at the commit comes soon enough.
  const isHere = drive.isSmall(incoming.size) && !isHeldBack;
  const room = isHere ? Infinity : await drive.read((snapshot) => checkBeforeBody(drive, snapshot, path, wish, size));
  const content = await drive.receive(incoming, expected, room, signal);
  try {
    await onReceived?.(content.row);
  } catch (error) {
    await content.release('surplus');
    throw error;
  }
  return nameContent(drive, path, content, wish);
}

/** Returns how many bytes may come. Throws as `writeFile`. `size` null: unknown yet. */
export async function checkBeforeBody(
  drive: Drive,
  snapshot: Snapshot,
  path: DrivePath,
  wish: FileWish,
  size: number | null,
): Promise<number> {
  const found = await findPlace(snapshot, path, wish);
  if (size !== null) drive.checkSize(size);
  await checkWritable(snapshot, found, wish.permit);
  const left = await roomLeft(snapshot, spaceOf(found));
  const replaced = found.resource?.size ?? 0;
  if (size !== null && size - replaced > left) throw noRoom(left);
  return left + replaced;
}

/**
 * Names a received content, in one transaction that does `besides` first, which changes no tree. The content is given up in any case. Throws as
 * `writeFile`.
 */
export function nameContent(
  drive: Drive,
  path: DrivePath,
  content: ReceivedContent,
  wish: FileWish,
  besides: (transaction: DriveTransaction) => Promise<void> = async () => {},
): Promise<Written> {
  const { permit, modified, created } = wish;
  const work = async (transaction: DriveTransaction): Promise<Written> => {
    await besides(transaction);
    const found = await findPlace(transaction, path, wish, content.row);
    await checkWritable(transaction, found, permit);
    const written = await transaction.putFile(found, content, modified ?? undefined);
    const node = written.resource.node!;
    await takeUpLocks(transaction, found, node, permit.tokens);
    if (created != null) await transaction.store.setTimes(node, { created });
    return written;
  };
  return drive.writeContent(content, work, { paths: [path], room: true });
}

async function findPlace(
  snapshot: Snapshot,
  path: DrivePath,
  { choose }: FileWish,
  content: ContentRow | null = null,
): Promise<Found> {
  const found = await snapshot.find(path);
  return choose ? choose(snapshot, found, content) : found;
}

/** All that is to be checked of a file to be written but for the quota. */
export async function checkWritable(snapshot: Snapshot, found: Found, { tokens, check }: Permit): Promise<void> {
  await check?.(snapshot, found);
  const isThere = found.resource !== null;
  await checkLocks(snapshot, found, { tokens, changesSelf: isThere, changesParent: !isThere });
  checkPutTarget(found, snapshot.membership);
}
