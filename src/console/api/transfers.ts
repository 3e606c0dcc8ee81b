import { TRASH_NAME } from '../../drive/names.js';
import { NO_TOKENS } from '../../drive/permit.js';
import type { ConsoleParts } from '../console-parts.js';
import { type PathsAnswer, transferContract } from '../contract/files.js';
import { openDrive, readPath, writePath } from '../drive-access.js';
import { bind, ok, type RequestTo } from '../route.js';

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
