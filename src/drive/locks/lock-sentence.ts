import type { HeldLock } from '../../stores/metadata-store.js';
import type { UserId } from '../../stores/values.js';
import type { DrivePath } from '../names.js';

/** A lock with the path of its root, as the principal sees it (empty where it lies above what they see). */
export interface PlacedLock {
  readonly lock: HeldLock;
  readonly path: DrivePath;
  /** Of the lock's root. */
  readonly isCollection: boolean;
}

/** Names in one sentence; more are "others". */
const NAMES_MAX = 3;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Says to `reader`, who wanted to change what is at `path`, who has locked it and until when: "Locked by Ana until 14:05
 * UTC." The client's time zone isn't known, so the zone is said.
 */
export function lockSentence(locks: readonly PlacedLock[], path: DrivePath, reader: UserId, now: number): string {
  const until = Math.max(...locks.map(({ lock }) => lock.expiresAt));
  const isOwn = locks.every(({ lock }) => lock.userId === reader);
  const what = `${subjectOf(locks, path)} by ${holders(locks, reader)} until ${momentOf(until, now)}.`;
  return `${what} ${isOwn ? 'Close it there' : 'Ask them to close it'}, or try again after that.`;
}

function subjectOf(locks: readonly PlacedLock[], path: DrivePath): string {
  const [first, ...others] = [...new Map(locks.map((placed) => [placed.path.join('/'), placed.path])).values()];
  if (others.length > 0) return 'Some of this is locked';
  if (first!.length === path.length) return 'Locked';
  const name = first!.at(-1);
  if (first!.length > path.length) return `"${name}" in it is locked`;
  return name === undefined ? 'A folder above it is locked' : `The folder "${name}" is locked`;
}

/** `you, from another program,` / `Ana` / `Ana and Ben` / `Ana, Ben, Cleo and others`. */
function holders(locks: readonly PlacedLock[], reader: UserId): string {
  const names = [
    ...new Set(locks.map(({ lock }) => (lock.userId === reader ? 'you, from another program,' : lock.userName))),
  ];
  const shown = names.length > NAMES_MAX ? [...names.slice(0, NAMES_MAX), 'others'] : names;
  return shown.length === 1 ? shown[0]! : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** To the minute, and no minute too early; the date only where the time alone could be of another day. */
function momentOf(time: number, now: number): string {
  const text = new Date(Math.ceil(time / MINUTE_MS) * MINUTE_MS).toISOString();
  const clock = `${text.slice(11, 16)} UTC`;
  return time - now < DAY_MS - MINUTE_MS ? clock : `${text.slice(0, 10)} ${clock}`;
}
