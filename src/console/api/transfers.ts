import { z } from 'zod';
import { TRASH_NAME } from '../../drive/names.js';
import { NO_TOKENS } from '../../drive/permit.js';
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

async function deleteAll(request: ConsoleRequest<DeleteBody>, parts: ConsoleParts) {
  const drive = await openDrive(request, parts);
  const paths = request.body.paths.map((text) => readPath(drive, text, 'paths'));
  const trashed = await drive.remove(paths, NO_TOKENS);
  return ok({ paths: trashed.map((name) => writePath([TRASH_NAME, name])) } satisfies PathsAnswer);
}
