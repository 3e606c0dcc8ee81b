import { emptySeenTrash } from '../../drive/trash.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import type { PathsAnswer, RestoreBody, TrashEmptiedAnswer } from '../contract.js';
import { openDrive, readPath, writePath } from '../drive-access.js';
import { type ConsoleRequest, ok, type Route, route } from '../route.js';
import { pathsBody } from './transfers.js';

export const trashRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/drives/:id/trash/restore',
    access: 'user',
    summary: 'Takes deleted files and folders back to where they were, all or none.',
    body: pathsBody,
    run: restore,
  }),
  route({
    method: 'DELETE',
    path: '/api/drives/:id/trash',
    access: 'user',
    summary: "Deletes what lies in the trash for good: one's own, and what members share.",
    run: empty,
  }),
];

async function restore(request: ConsoleRequest<RestoreBody>, parts: ConsoleParts) {
  const drive = await openDrive(request, parts);
  const paths = request.body.paths.map((text) => readPath(drive, text, 'paths'));
  const restored = await drive.restore(paths);
  return ok({ paths: restored.map(writePath) } satisfies PathsAnswer);
}

async function empty(request: ConsoleRequest, parts: ConsoleParts) {
  const drive = await openDrive(request, parts);
  const { driveId, userId } = drive.membership;
  const removed = await emptySeenTrash(drive);
  if (removed > 0) await parts.audit.note('trash-emptied', userId, actorOf(request), { drive: driveId, removed });
  return ok({ removed } satisfies TrashEmptiedAnswer);
}
