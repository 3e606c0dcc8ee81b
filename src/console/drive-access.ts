import { PATH_LENGTH_MAX, PATH_SEGMENTS_MAX } from '../dav/headers/path.js';
import { Drive } from '../drive/drive.js';
import { type DrivePath, normalizePath } from '../drive/names.js';
import { fullPath } from '../drive/view.js';
import { type DriveId, readDriveId } from '../stores/values.js';
import { ConsoleError } from './console-error.js';
import type { ConsoleParts } from './console-parts.js';
import type { ConsoleRequest } from './route.js';

const LONE_SURROGATE = /\p{Surrogate}/u;

/** A request of a route below `/api/drives/:id`. */
export type OfDrive = ConsoleRequest<unknown, unknown, 'id'>;

/** The drive of the route's `:id`, as its user sees it. Throws `ConsoleError` 404, so that IDs can't be probed (PRODUCT A3). */
export async function openDrive(request: OfDrive, parts: ConsoleParts): Promise<Drive> {
  const id = readDriveId(request.parameters.id);
  const drive = id && (await findDrive(request, parts, id));
  if (drive) return drive;
  throw new ConsoleError(404, 'no-such-drive', 'There is no such drive, or you are no member of it.');
}

/** A drive that a body or a record names. Throws as `openDrive`. */
export async function openUserDrive(request: ConsoleRequest, parts: ConsoleParts, driveId: number): Promise<Drive> {
  const drive = await findDrive(request, parts, driveId);
  if (drive) return drive;
  throw new ConsoleError(404, 'no-such-drive', `You have no drive ${driveId}.`);
}

/** Null for one that isn't there, and for one that isn't theirs. */
async function findDrive(
  { session }: ConsoleRequest,
  { metadata, drives }: ConsoleParts,
  driveId: number,
): Promise<Drive | null> {
  const authority = { kind: 'session', userId: session!.user.id, id: session!.session.id } as const;
  const { membership } = await metadata.readOne([], ({ accounts }) =>
    accounts.access(authority, driveId as DriveId, drives.now()),
  );
  return membership && new Drive(membership, authority, drives);
}

/**
 * A path as the pages write it, `/Firn/photos/sea.jpg`, by way of the drive's two folders. Whether names may be given so is
 * the drive's to say. Throws `ConsoleError` 400; `field` says where the path was.
 */
export function readPath(drive: Drive, text: string, field = 'path'): DrivePath {
  const segments = normalizePath(text.split('/').filter((segment) => segment !== ''));
  const isWrong =
    text.length > PATH_LENGTH_MAX ||
    segments.length > PATH_SEGMENTS_MAX ||
    segments.some((segment) => segment === '.' || segment === '..') ||
    text.includes('\0') ||
    LONE_SURROGATE.test(text);
  if (isWrong) throw new ConsoleError(400, 'invalid-input', 'This is not a path of a drive.', { field });
  return fullPath(drive, segments);
}

export function writePath(path: DrivePath): string {
  return `/${path.join('/')}`;
}
