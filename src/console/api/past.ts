import type { Drive } from '../../drive/drive.js';
import type { TreeUndone } from '../../drive/past/put-back.js';
import type { ChangesUndone } from '../../drive/past/undo.js';
import { NO_TOKENS } from '../../drive/permit.js';
import type { AppPasswordId } from '../../stores/values.js';
import { ConsoleError } from '../console-error.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import { pastContract, type TakenBack } from '../contract/past.js';
import { openDrive, readPath, writePath } from '../drive-access.js';
import { bind, ok, type RequestTo } from '../route.js';
import { isoTime, isoTimeOrNull } from '../times.js';

export const pastRoutes = bind(pastContract, {
  'POST /api/drives/:id/put-back': putBack,
  'POST /api/drives/:id/undo-changes': undoChanges,
});

async function putBack(request: RequestTo<'POST /api/drives/:id/put-back'>, parts: ConsoleParts) {
  const { path, at, isDryRun = false } = request.body;
  const drive = await openDrive(request, parts);
  const [place, moment] = [readPath(drive, path), Date.parse(at)];
  if (isDryRun) return ok(describe(await drive.foreseePutBack(place, moment)));
  const done = await drive.putBack(place, moment, NO_TOKENS);
  await parts.audit.note('put-back', request.session!.user.id, actorOf(request), {
    ...facts(drive, path),
    at: isoTime(moment),
  });
  return ok(describe(done));
}

async function undoChanges(request: RequestTo<'POST /api/drives/:id/undo-changes'>, parts: ConsoleParts) {
  const { path, since, appPasswordId, isDryRun = false } = request.body;
  const drive = await openDrive(request, parts);
  const { user } = request.session!;
  const own = appPasswordId === null ? null : await findOwn(user.email, appPasswordId, parts);
  const by = { userId: user.id, appPasswordId: own?.id ?? null };
  const [place, moment] = [readPath(drive, path), Date.parse(since)];
  if (isDryRun) return ok(describe(await drive.foreseeUndo(place, moment, by)));
  const done = await drive.undoChanges(place, moment, by);
  const details = { ...facts(drive, path), since: isoTime(moment), by: own?.name ?? user.email };
  await parts.audit.note('changes-undone', user.id, actorOf(request), details);
  return ok(describe(done));
}

async function findOwn(email: string, id: number, { accounts }: ConsoleParts) {
  const own = (await accounts.appPasswords(email)).find((row) => row.id === (id as AppPasswordId));
  if (own) return own;
  throw new ConsoleError(404, 'no-such-app-password', 'You have no such app password.');
}

const facts = (drive: Drive, path: string) => ({ drive: drive.membership.driveId, path });

function describe(done: TreeUndone | ChangesUndone): TakenBack {
  const { steps, counts, trash, undoMoment } = done;
  const { kept, keptCount } = 'kept' in done ? done : { kept: [], keptCount: 0 };
  return {
    steps: steps.map(({ what, path, isCollection }) => ({ what, path: writePath(path), isFolder: isCollection })),
    count: Object.values(counts).reduce((sum, each) => sum + each, 0),
    kept: kept.map(({ why, path, isCollection }) => ({ why, path: writePath(path), isFolder: isCollection })),
    keptCount,
    trash: [...trash],
    undoAt: isoTimeOrNull(undoMoment),
  };
}
