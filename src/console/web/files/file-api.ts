import type { DriveEntry } from '../../contract/drives.js';
import type { PathsAnswer, TransferBody } from '../../contract/files.js';
import type { TakenBack } from '../../contract/past.js';
import type { VersionsAnswer } from '../../contract/versions.js';
import { api } from '../api.js';
import { addressOf } from '../calls.js';
import type { FetchPage } from './listing.js';

/** What one page holds at most. */
const PAGE = 1000;
/** Paths that one request deletes or restores. */
const PATHS_MAX = 1000;

export const TRASH = '/Trash';

/** The folder with a drive's files; the root above it holds this and the trash. */
export function homeOf(drive: DriveEntry): string {
  return `/${drive.name}`;
}

export function folderPages(driveId: number, path: string): FetchPage {
  return (after, signal) =>
    api('GET /api/drives/:id/files', {
      parameters: { id: driveId },
      query: { path, limit: String(PAGE), ...(after === null ? {} : { after }) },
      signal,
    });
}

export function searchPages(driveId: number, name: string): FetchPage {
  return (after, signal) =>
    api('GET /api/drives/:id/search', {
      parameters: { id: driveId },
      query: { name, ...(after === null ? {} : { after }) },
      signal,
    });
}

/** A file's bytes; `isDownload`: to be saved rather than shown. */
export function contentAddress(driveId: number, path: string, isDownload = false): string {
  const query = { path, ...(isDownload ? { download: '1' } : {}) };
  return addressOf('GET /api/drives/:id/content', { parameters: { id: driveId }, query });
}

/** The bytes of a version; of the present one, where there is no number, the file's. */
export function versionAddress(driveId: number, path: string, version: number | null): string {
  if (version === null) return contentAddress(driveId, path, true);
  const query = { path, version: String(version) };
  return addressOf('GET /api/drives/:id/files/versions/content', { parameters: { id: driveId }, query });
}

export function versionPage(driveId: number, path: string, before: number | null): Promise<VersionsAnswer> {
  const query = { path, ...(before === null ? {} : { before: String(before) }) };
  return api('GET /api/drives/:id/files/versions', { parameters: { id: driveId }, query });
}

export async function restoreVersion(driveId: number, path: string, version: number): Promise<void> {
  await api('POST /api/drives/:id/restore-version', { parameters: { id: driveId }, body: { path, version } });
}

/** A folder as it was at a moment, in ISO 8601; `isDryRun`: what that would change. */
export function putBack(driveId: number, path: string, at: string, isDryRun: boolean): Promise<TakenBack> {
  return api('POST /api/drives/:id/put-back', { parameters: { id: driveId }, body: { path, at, isDryRun } });
}

export function zipAddress(driveId: number, paths: readonly string[]): string {
  return addressOf('GET /api/drives/:id/zip', { parameters: { id: driveId }, query: { path: paths } });
}

export function uploadAddress(driveId: number): string {
  return addressOf('POST /api/drives/:id/uploads', { parameters: { id: driveId } });
}

export function makeFolder(driveId: number, path: string): Promise<PathsAnswer> {
  return api('POST /api/drives/:id/folders', { parameters: { id: driveId }, body: { path } });
}

/** Returns where it is now. */
export async function transfer(driveId: number, kind: 'move' | 'copy', body: TransferBody): Promise<string> {
  const name = kind === 'move' ? 'POST /api/drives/:id/move' : 'POST /api/drives/:id/copy';
  const { paths } = await api(name, { parameters: { id: driveId }, body });
  return paths[0] ?? body.to;
}

/** Into the trash. Returns where things are there; what is in the trash goes for good. */
export function deleteAll(driveId: number, paths: readonly string[]): Promise<string[]> {
  return inParts('POST /api/drives/:id/delete', driveId, paths);
}

/** Out of the trash. Returns where things are now. */
export function restoreAll(driveId: number, paths: readonly string[]): Promise<string[]> {
  return inParts('POST /api/drives/:id/trash/restore', driveId, paths);
}

export async function emptyTrash(driveId: number): Promise<void> {
  await api('DELETE /api/drives/:id/trash', { parameters: { id: driveId } });
}

async function inParts(
  name: 'POST /api/drives/:id/delete' | 'POST /api/drives/:id/trash/restore',
  driveId: number,
  paths: readonly string[],
): Promise<string[]> {
  const left: string[] = [];
  for (let at = 0; at < paths.length; at += PATHS_MAX) {
    const body = { paths: paths.slice(at, at + PATHS_MAX) };
    left.push(...(await api(name, { parameters: { id: driveId }, body })).paths);
  }
  return left;
}
