import { z } from 'zod';
import { type StagedTree, writeCopy } from '../../drive/copy-tree.js';
import { type DriveTransaction, existing } from '../../drive/drive-transaction.js';
import { findFreePlace } from '../../drive/free-place.js';
import { checkLocks } from '../../drive/locks/locks.js';
import { type DrivePath, TRASH_NAME } from '../../drive/names.js';
import { copy, move, type Transferred } from '../../drive/transfer.js';
import { remove } from '../../drive/trash.js';
import { MAKES_ROOM } from '../../stores/drive-store.js';
import type { ConsoleParts } from '../console-parts.js';
import type { DeleteBody, PathsAnswer, TransferBody } from '../contract.js';
import { openDrive, readPath, writePath } from '../drive-access.js';
import { type ConsoleRequest, ok, type Route, route } from '../route.js';

/** Paths that one transaction deletes or restores: all of them, or none. */
const PATHS_MAX = 1000;
/** The pages lock nothing, so every lock is in their way. */
const NO_TOKENS: ReadonlySet<string> = new Set();

const transferBody: z.ZodType<TransferBody> = z.strictObject({
  from: z.string().min(1),
  to: z.string().min(1),
  mayRename: z.boolean().optional(),
});
export const pathsBody: z.ZodType<DeleteBody> = z.strictObject({ paths: z.array(z.string()).min(1).max(PATHS_MAX) });

export const transferRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/drives/:id/move',
    access: 'user',
    summary: 'Moves or renames a file or folder.',
    body: transferBody,
    run: (request, parts) => transfer(request, parts, true),
  }),
  route({
    method: 'POST',
    path: '/api/drives/:id/copy',
    access: 'user',
    summary: 'Copies a file or folder.',
    body: transferBody,
    run: (request, parts) => transfer(request, parts, false),
  }),
  route({
    method: 'POST',
    path: '/api/drives/:id/delete',
    access: 'user',
    summary: 'Moves files and folders into the trash, all or none; what is in the trash goes for good.',
    body: pathsBody,
    run: deleteAll,
  }),
];

async function transfer(request: ConsoleRequest<TransferBody>, parts: ConsoleParts, isMove: boolean) {
  const { body } = request;
  const drive = await openDrive(request, parts);
  const source = readPath(drive, body.from, 'from');
  const target = readPath(drive, body.to, 'to');
  const options = isMove ? MAKES_ROOM : {};
  const work = async (changes: DriveTransaction, staged: StagedTree | null): Promise<Transferred> => {
    const from = await changes.find(source);
    const isFolder = existing(from).isCollection;
    const wanted = await changes.find(target);
    const isSame = isMove && wanted.resource?.node?.id === from.resource!.node?.id;
    const to = body.mayRename && !isSame ? await findFreePlace(changes, wanted, isFolder) : wanted;
    if (isMove) await checkLocks(changes, from, { tokens: NO_TOKENS, changesParent: true, changesBelow: true });
    await checkLocks(changes, to, { tokens: NO_TOKENS, changesParent: true });
    const ends = { from, to, destination: changes, mayOverwrite: false };
    return isMove ? move(changes, ends) : copy(changes, { ...ends, isDeep: true, staged });
  };
  const { resource } = await writeCopy(drive, request.signal, work, options);
  return ok({ paths: [writePath(resource.path)] } satisfies PathsAnswer);
}

async function deleteAll(request: ConsoleRequest<DeleteBody>, parts: ConsoleParts) {
  const drive = await openDrive(request, parts);
  const paths = topmost(request.body.paths.map((text) => readPath(drive, text, 'paths')));
  const trashed = await drive.write(async (changes) => {
    const names: string[] = [];
    for (const path of paths) {
      const found = await changes.find(path);
      await checkLocks(changes, found, { tokens: NO_TOKENS, changesParent: true, changesBelow: true });
      const name = await remove(changes, found);
      if (name !== null) names.push(name);
    }
    return names;
  }, MAKES_ROOM);
  return ok({ paths: trashed.map((name) => writePath([TRASH_NAME, name])) } satisfies PathsAnswer);
}

/** Without those that lie in another one of them, and each once. */
function topmost(paths: readonly DrivePath[]): DrivePath[] {
  const all = new Map(paths.map((path) => [path.join('/'), path]));
  const isBelow = (path: DrivePath) =>
    path.some((_name, depth) => depth > 0 && all.has(path.slice(0, depth).join('/')));
  return [...all.values()].filter((path) => !isBelow(path));
}
