import type { Drive } from '../../drive/drive.js';
import { DriveError } from '../../drive/drive-error.js';
import { readMembers } from '../../drive/member-page.js';
import { TRASH_NAME } from '../../drive/names.js';
import { NO_TOKENS } from '../../drive/permit.js';
import { type Resource, readResource } from '../../drive/resource.js';
import { searchNames } from '../../drive/search.js';
import type { ChangePosition } from '../../stores/change-log.js';
import type { NodeId } from '../../stores/values.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import {
  type FilesAnswer,
  fileContract,
  type PathsAnswer,
  type TrashEmptiedAnswer,
  transferContract,
  trashContract,
} from '../contract/files.js';
import { openDrive, readPath, writePath } from '../drive-access.js';
import { describeFile, namesFor } from '../file-facts.js';
import { bind, made, ok, type RequestTo } from '../route.js';

const PAGE = 200;
const PAGE_MAX = 1000;
/** Finds a page of a search. */
const FINDS = 100;

export const fileRoutes = bind(fileContract, {
  'GET /api/drives/:id/files': list,
  'GET /api/drives/:id/search': search,
  'POST /api/drives/:id/folders': makeFolder,
});

async function list(request: RequestTo<'GET /api/drives/:id/files'>, parts: ConsoleParts) {
  const { after = null, limit = PAGE } = request.query;
  const drive = await openDrive(request, parts);
  const path = readPath(drive, request.query.path);
  const { folder, page } = await drive.read(async (snapshot) => {
    const folder = readResource(await snapshot.find(path));
    return { folder, page: await readMembers(snapshot, folder, after, Math.min(limit, PAGE_MAX)) };
  });
  const isWhole = after === null && page.next === null;
  return ok(await describe(drive, parts, { folder, found: page.members, next: page.next, isWhole }));
}

async function search(request: RequestTo<'GET /api/drives/:id/search'>, parts: ConsoleParts) {
  const { name, after: position } = request.query;
  const drive = await openDrive(request, parts);
  const after = position === undefined ? null : readPosition(position);
  const { folder, found, next } = await searchNames(drive, name, after, FINDS);
  const isWhole = after === null && next === null;
  return ok(await describe(drive, parts, { folder, found, next: next && writePosition(next), isWhole }));
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

async function makeFolder(request: RequestTo<'POST /api/drives/:id/folders'>, parts: ConsoleParts) {
  const drive = await openDrive(request, parts);
  const path = readPath(drive, request.body.path);
  const folder = await drive.makeFolders(path);
  if (folder.made === 0) {
    throw new DriveError('exists', 'There is a file or folder of that name already. Take another name.');
  }
  return made({ paths: [writePath(folder.resource.path)] } satisfies PathsAnswer);
}

/** Where a search goes on, as `writePosition` told it. */
function readPosition(text: string): ChangePosition {
  const [revision, id] = text.split('-').map(Number);
  return { revision: revision!, id: id as NodeId };
}

function writePosition({ revision, id }: ChangePosition): string {
  return `${revision}-${id}`;
}

export const transferRoutes = bind(transferContract, {
  'POST /api/drives/:id/move': (request, parts) => transfer(request, parts, true),
  'POST /api/drives/:id/copy': (request, parts) => transfer(request, parts, false),
  'POST /api/drives/:id/delete': deleteAll,
});

async function transfer(request: RequestTo<'POST /api/drives/:id/move'>, parts: ConsoleParts, isMove: boolean) {
  const { body, signal } = request;
  const drive = await openDrive(request, parts);
  const from = readPath(drive, body.from, 'from');
  const to = { drive, path: readPath(drive, body.to, 'to') };
  const wish = { permit: NO_TOKENS, mayOverwrite: false, mayRename: body.mayRename ?? false };
  const { resource } = await (isMove
    ? drive.move(from, to, wish)
    : drive.copy(from, to, { ...wish, isDeep: true, signal }));
  return ok({ paths: [writePath(resource.path)] } satisfies PathsAnswer);
}

async function deleteAll(request: RequestTo<'POST /api/drives/:id/delete'>, parts: ConsoleParts) {
  const drive = await openDrive(request, parts);
  const paths = request.body.paths.map((text) => readPath(drive, text, 'paths'));
  const trashed = await drive.remove(paths, NO_TOKENS);
  return ok({ paths: trashed.map((name) => writePath([TRASH_NAME, name])) } satisfies PathsAnswer);
}

export const trashRoutes = bind(trashContract, {
  'POST /api/drives/:id/trash/restore': restore,
  'DELETE /api/drives/:id/trash': empty,
});

async function restore(request: RequestTo<'POST /api/drives/:id/trash/restore'>, parts: ConsoleParts) {
  const drive = await openDrive(request, parts);
  const paths = request.body.paths.map((text) => readPath(drive, text, 'paths'));
  const restored = await drive.restore(paths);
  return ok({ paths: restored.map(writePath) } satisfies PathsAnswer);
}

async function empty(request: RequestTo<'DELETE /api/drives/:id/trash'>, parts: ConsoleParts) {
  const drive = await openDrive(request, parts);
  const { driveId, userId } = drive.membership;
  const removed = await drive.emptyTrash();
  if (removed > 0) await parts.audit.note('trash-emptied', userId, actorOf(request), { drive: driveId, removed });
  return ok({ removed } satisfies TrashEmptiedAnswer);
}
