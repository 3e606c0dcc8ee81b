import { createHash } from 'node:crypto';
import type { DriveId, UserId } from '../../stores/values.js';

export const IMPORT = 'import';

export type ConflictRule = 'skip' | 'overwrite' | 'keep-both';
export const CONFLICT_RULES: readonly ConflictRule[] = ['skip', 'overwrite', 'keep-both'];

/** What was asked for; kept with the job, so without the password. */
export interface ImportRequest {
  /** Of the folder to take, with a slash at the end. */
  readonly url: string;
  readonly user: string;
  /** A path of the drive; empty: the drive's own folder. */
  readonly to: string;
  readonly conflict: ConflictRule;
}

/** What is shown while it runs, and afterwards. */
export interface ImportProgress {
  readonly folders: number;
  readonly foldersLeft: number;
  /** All that are known so far, with `done`, `unchanged`, `skipped`, `failed` among them. */
  readonly files: number;
  readonly bytes: number;
  readonly done: number;
  readonly doneBytes: number;
  /** Those that need not be waited for any more: of files that ended, however they did, and of what came of others. */
  readonly endedBytes: number;
  readonly unchanged: number;
  readonly skipped: number;
  readonly failed: number;
  readonly gone: number;
  /** Bytes that came since the process took the job up, repetitions too. */
  readonly receivedBytes: number;
  /** Over the last seconds. */
  readonly bytesPerSecond: number;
}

/** A source that can't be imported. The message says what to do. */
export class ImportRequestError extends Error {
  override readonly name = 'ImportRequestError';
  constructor(
    message: string,
    /** What of the request is wrong. */
    readonly field: 'url' | 'user' | 'password' = 'url',
  ) {
    super(message);
  }
}

/** As many as may be open at once were asked for. */
export class TooManyImportsError extends Error {
  override readonly name = 'TooManyImportsError';
}

/** RFC 7617 §2, RFC 7616 §3.4: what no header can carry. Throws `ImportRequestError`. */
export function checkLogin(user: string, password: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const hasControl = (text: string) => /[\0-\x1f\x7f]/.test(text);
  if (hasControl(user)) throw new ImportRequestError('A user name holds no line breaks or control characters.', 'user');
  if (user.includes(':')) throw new ImportRequestError('A user name holds no colon.', 'user');
  if (hasControl(password)) {
    throw new ImportRequestError('A password holds no line breaks or control characters.', 'password');
  }
}

/** Brings address and folder together. Throws `ImportRequestError`. */
export function sourceUrl(address: string, from: string): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new ImportRequestError(`"${address}" is no address; give one like https://cloud.example.org/dav/.`);
  }
  if (!/^https?:$/.test(url.protocol)) throw new ImportRequestError('The address begins with https:// or http://.');
  if (url.username !== '' || url.password !== '') {
    throw new ImportRequestError('Give user and password on their own, not in the address.');
  }
  if (url.search !== '' || url.hash !== '') throw new ImportRequestError('The address has no "?" and no "#".');
  const folders = from.split('/').filter((name) => name !== '');
  if (folders.some((name) => name === '.' || name === '..'))
    throw new ImportRequestError('"." and ".." are no folders.');
  url.pathname = `${url.pathname.replace(/\/*$/, '')}/${folders.map((name) => `${encodeURIComponent(name)}/`).join('')}`;
  return url.href;
}

/** What a run remembers of the source serves the next with the same two folders. */
export function sourceKey({ url, user, to }: ImportRequest, driveId: DriveId, userId: UserId): string {
  return createHash('sha256')
    .update(JSON.stringify([url, user, to, driveId, userId]))
    .digest('hex');
}

/** See `SecretBox`. */
export function passwordPurpose({ url, user }: ImportRequest, driveId: DriveId, userId: UserId): string {
  return `import ${JSON.stringify([url, user, driveId, userId])}`;
}
