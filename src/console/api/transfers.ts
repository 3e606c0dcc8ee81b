import { z } from 'zod';
import { type StagedTree, writeCopy } from '../../drive/copy-tree.js';
import { type DriveTransaction, existing } from '../../drive/drive-transaction.js';
import { findFreePlace } from '../../drive/free-place.js';
import { checkLocks } from '../../drive/locks/locks.js';
import { TRASH_NAME } from '../../drive/names.js';
import { NO_TOKENS } from '../../drive/permit.js';
import { copy, move, type Transferred } from '../../drive/transfer.js';
import { MAKES_ROOM } from '../../stores/metadata-store.js';
import type { ConsoleParts } from '../console-parts.js';
import type { DeleteBody, PathsAnswer, TransferBody } from '../contract.js';
import { openDrive, readPath, writePath } from '../drive-access.js';
import { type ConsoleRequest, ok, type Route, route } from '../route.js';

/** Paths that one transaction deletes or restores: all of them, or none. */
const PATHS_MAX = 1000;

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
    if (isMove) await checkLocks(changes, from, { ...NO_TOKENS, changesParent: true, changesBelow: true });
    await checkLocks(changes, to, { ...NO_TOKENS, changesParent: true });
    const ends = { from, to, destination: changes, mayOverwrite: false };
    return isMove ? move(changes, ends) : copy(changes, { ...ends, isDeep: true, staged });
  };
  const { resource } = await writeCopy(drive, request.signal, work, options);
  return ok({ paths: [writePath(resource.path)] } satisfies PathsAnswer);
}

async function deleteAll(request: ConsoleRequest<DeleteBody>, parts: ConsoleParts) {
  const drive = await openDrive(request, parts);
  const paths = request.body.paths.map((text) => readPath(drive, text, 'paths'));
  const trashed = await drive.remove(paths, NO_TOKENS);
  return ok({ paths: trashed.map((name) => writePath([TRASH_NAME, name])) } satisfies PathsAnswer);
}
