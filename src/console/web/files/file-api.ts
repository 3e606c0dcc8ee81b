import type { DriveEntry } from '../../contract/drives.js';
import type { FilesAnswer, PathsAnswer, TransferBody } from '../../contract/files.js';
import { get, post, remove } from '../api.js';
import { BASE } from '../base.js';
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
  return (after, signal) => get<FilesAnswer>(address(driveId, 'files', { path, after, limit: String(PAGE) }), signal);
}

export function searchPages(driveId: number, name: string): FetchPage {
  return (after, signal) => get<FilesAnswer>(address(driveId, 'search', { name, after }), signal);
}

/** A file's bytes; `isDownload`: to be saved rather than shown. */
export function contentAddress(driveId: number, path: string, isDownload = false): string {
  return BASE + address(driveId, 'content', { path, download: isDownload ? '1' : null });
}

export function zipAddress(driveId: number, paths: readonly string[]): string {
  return `${BASE}/api/drives/${driveId}/zip?${new URLSearchParams(paths.map((path) => ['path', path]))}`;
}

export function uploadAddress(driveId: number): string {
  return `${BASE}/api/drives/${driveId}/uploads`;
}

export function makeFolder(driveId: number, path: string): Promise<PathsAnswer> {
  return post<PathsAnswer>(`/api/drives/${driveId}/folders`, { path });
}

/** Gives where it is now. */
export async function transfer(driveId: number, kind: 'move' | 'copy', body: TransferBody): Promise<string> {
  const { paths } = await post<PathsAnswer>(`/api/drives/${driveId}/${kind}`, body);
  return paths[0] ?? body.to;
}

/** Into the trash, and gives where things are there; what is in the trash goes for good. */
export function deleteAll(driveId: number, paths: readonly string[]): Promise<string[]> {
  return inParts(`/api/drives/${driveId}/delete`, paths);
}

/** Out of the trash, and gives where things are now. */
export function restoreAll(driveId: number, paths: readonly string[]): Promise<string[]> {
  return inParts(`/api/drives/${driveId}/trash/restore`, paths);
}

export function emptyTrash(driveId: number): Promise<void> {
  return remove(`/api/drives/${driveId}/trash`);
}

async function inParts(path: string, paths: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (let at = 0; at < paths.length; at += PATHS_MAX) {
    left.push(...(await post<PathsAnswer>(path, { paths: paths.slice(at, at + PATHS_MAX) })).paths);
  }
  return left;
}

function address(driveId: number, name: string, query: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== null);
  return `/api/drives/${driveId}/${name}?${new URLSearchParams(given)}`;
}
