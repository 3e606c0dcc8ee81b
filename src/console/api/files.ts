import { z } from 'zod';
import type { Drive } from '../../drive/drive.js';
import { DriveError } from '../../drive/drive-error.js';
import { readMembers } from '../../drive/member-page.js';
import { type Resource, readResource } from '../../drive/resource.js';
import { searchNames } from '../../drive/search.js';
import type { ChangePosition } from '../../stores/change-log.js';
import type { NodeId } from '../../stores/values.js';
import { ConsoleError } from '../console-error.js';
import type { ConsoleParts } from '../console-parts.js';
import type { FilesAnswer, FolderBody, PathsAnswer } from '../contract.js';
import { openDrive, readPath, writePath } from '../drive-access.js';
import { describeFile, namesFor } from '../file-facts.js';
import { type ConsoleRequest, made, ok, type Route, route } from '../route.js';

const PAGE = 200;
const PAGE_MAX = 1000;
/** Finds a page of a search. */
const FINDS = 100;
const NAME_LENGTH_MAX = 255;

const folderBody: z.ZodType<FolderBody> = z.strictObject({ path: z.string().min(1) });

export const fileRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/drives/:id/files',
    access: 'user',
    summary: 'A folder and one page of what is in it, by name: path, after, limit.',
    run: list,
  }),
  route({
    method: 'GET',
    path: '/api/drives/:id/search',
    access: 'user',
    summary: 'Files and folders whose name holds a text: name, after. A page may be empty and yet have a next one.',
    run: search,
  }),
  route({
    method: 'POST',
    path: '/api/drives/:id/folders',
    access: 'user',
    summary: 'Makes a folder, and those above it that are missing.',
    body: folderBody,
    run: makeFolder,
  }),
];

async function list(request: ConsoleRequest, parts: ConsoleParts) {
  const { query } = request;
  const drive = await openDrive(request, parts);
  const path = readPath(drive, query.get('path') ?? '');
  const after = query.get('after');
  const limit = readLimit(query.get('limit'));
  const { folder, page } = await drive.read(async (snapshot) => {
    const folder = readResource(await snapshot.find(path));
    return { folder, page: await readMembers(snapshot, folder, after, limit) };
  });
  const isWhole = after === null && page.next === null;
  return ok(await describe(drive, parts, { folder, found: page.members, next: page.next, isWhole }));
}

async function search(request: ConsoleRequest, parts: ConsoleParts) {
  const { query } = request;
  const drive = await openDrive(request, parts);
  const name = query.get('name') ?? '';
  if (name === '' || name.length > NAME_LENGTH_MAX) {
    throw new ConsoleError(400, 'invalid-input', 'Type a part of the name that you look for.', { field: 'name' });
  }
  const after = readPosition(query.get('after'));
  const { folder, found, next } = await searchNames(drive, name, after, FINDS);
  const position = next && `${next.revision}-${next.id}`;
  return ok(await describe(drive, parts, { folder, found, next: position, isWhole: after === null && next === null }));
}

interface Listed {
  readonly folder: Resource;
  readonly found: readonly Resource[];
  readonly next: string | null;
  readonly isWhole: boolean;
}

async function describe(drive: Drive, parts: ConsoleParts, { folder, found, next, isWhole }: Listed) {
  const names = await namesFor([folder, ...found], drive, parts);
  return {
    folder: describeFile(drive, folder, names),
    members: found.map((resource) => describeFile(drive, resource, names)),
    next,
    // Counting a large folder takes as long as listing it.
    total: isWhole ? found.length : null,
  } satisfies FilesAnswer;
}

async function makeFolder(request: ConsoleRequest<FolderBody>, parts: ConsoleParts) {
  const drive = await openDrive(request, parts);
  const path = readPath(drive, request.body.path);
  const folder = await drive.makeFolders(path);
  if (folder.made === 0) {
    throw new DriveError('exists', 'There is a file or folder of that name already. Take another name.');
  }
  return made({ paths: [writePath(folder.resource.path)] } satisfies PathsAnswer);
}

function readLimit(text: string | null): number {
  if (text === null) return PAGE;
  if (/^[1-9]\d{0,5}$/.test(text)) return Math.min(Number(text), PAGE_MAX);
  throw new ConsoleError(400, 'invalid-input', 'The limit must be a number from 1 on.', { field: 'limit' });
}

/** Where a search goes on, as an answer told it. */
function readPosition(text: string | null): ChangePosition | null {
  if (text === null) return null;
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(text);
  if (match) return { revision: Number(match[1]), id: Number(match[2]) as NodeId };
  throw new ConsoleError(400, 'invalid-input', 'There is no such page.', { field: 'after' });
}
