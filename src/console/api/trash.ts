import { actorOf, type ConsoleParts } from '../console-parts.js';
import { type PathsAnswer, type TrashEmptiedAnswer, trashContract } from '../contract/files.js';
import { openDrive, readPath, writePath } from '../drive-access.js';
import { bind, ok, type RequestTo } from '../route.js';

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
