import { DriveError } from './drive-error.js';

/** Segments below the root that a principal sees, decoded, NFC. */
export type DrivePath = readonly string[];

/** The one folder that all members share (PRODUCT D2). */
export const COMMON_NAME = 'Common documents';
/** Where deleted files go (PRODUCT D1). */
export const TRASH_NAME = 'Trash';

/** Names of a path: deeper than any tree that Windows or macOS can open. */
export const DEPTH_MAX = 256;

/** PRODUCT D6; also what the file systems behind Finder and GNOME take. */
const NAME_BYTES_MAX = 255;
const PLAIN = /^[\x20-\x7e]*$/;

/** Brings names into the form in which they are kept and looked up: NFC (PRODUCT D6). */
export function normalizePath(segments: readonly string[]): DrivePath {
  return segments.every((segment) => PLAIN.test(segment)) ? segments : segments.map((name) => name.normalize('NFC'));
}

/**
 * Checks a name that is to be given to a file or collection. Throws `DriveError`, `name-too-long` or `name-invalid`.
 * Names that Windows can't show are fine.
 */
export function checkNewName(name: string): void {
  if (name.length * 3 > NAME_BYTES_MAX && Buffer.byteLength(name) > NAME_BYTES_MAX) {
    throw new DriveError(
      'name-too-long',
      `This name is too long: at most ${NAME_BYTES_MAX} bytes in UTF-8. Shorten it.`,
    );
  }
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new DriveError('name-invalid', 'A name is not empty, is neither "." nor "..", and holds no "/" and no NUL.');
  }
}

/** `photo.jpg` with the number 2 is `photo (2).jpg`; cut where it would get too long. */
export function numberedName(name: string, isCollection: boolean, mark: string): string {
  const dot = isCollection ? -1 : name.lastIndexOf('.');
  const extension = dot > 0 && name.length - dot <= 16 ? name.slice(dot) : '';
  let stem = name.slice(0, name.length - extension.length);
  const room = NAME_BYTES_MAX - Buffer.byteLength(extension) - Buffer.byteLength(mark) - 3;
  while (Buffer.byteLength(stem) > room) stem = [...stem].slice(0, -1).join('');
  return `${stem} (${mark})${extension}`;
}

/** Numbers tried before a moment in time makes a name unique: few enough for one question to the store. */
const NUMBERS_MAX = 30;

/**
 * The name itself, or numbered from 2 where it is taken (PRODUCT D4). `taken` tells which of the names it gets are.
 */
export async function freeName(
  name: string,
  isCollection: boolean,
  now: number,
  taken: (names: readonly string[]) => Promise<Set<string>>,
): Promise<string> {
  const numbers = Array.from({ length: NUMBERS_MAX }, (_, index) => numberedName(name, isCollection, `${index + 2}`));
  const moment = new Date(now).toISOString().slice(0, 23).replace('T', ' ').replaceAll(':', '.');
  const candidates = [name, ...numbers, numberedName(name, isCollection, moment)];
  const occupied = await taken(candidates);
  const free = candidates.find((candidate) => !occupied.has(candidate));
  return free ?? numberedName(name, isCollection, `${moment} ${crypto.randomUUID().slice(0, 8)}`);
}
