import { openScope, scopePath } from '../../drive/folders.js';
import type { AppPasswordRow } from '../../stores/account-store.js';
import { ConsoleError, inField } from '../console-error.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import {
  type AppPasswordEntry,
  type AppPasswordMade,
  type AppPasswordsAnswer,
  appPasswordContract,
} from '../contract/app-passwords.js';
import { openUserDrive } from '../drive-access.js';
import { bind, type ConsoleRequest, done, made, ok, type RequestTo } from '../route.js';
import { isoTime, isoTimeOrNull } from '../times.js';
import { checkFresh } from './security.js';

const DAY_MS = 86_400_000;

export const appPasswordRoutes = bind(appPasswordContract, {
  'GET /api/app-passwords': async (request, parts) => {
    await parts.authenticator.flush();
    const rows = await parts.accounts.appPasswords(request.session!.user.email);
    return ok({ appPasswords: await describeAll(rows, request, parts) } satisfies AppPasswordsAnswer);
  },
  'POST /api/app-passwords': makeOne,
  'DELETE /api/app-passwords/:id': async (request, parts) => {
    const id = Number(request.parameters.id);
    const own = await parts.accounts.appPasswords(request.session!.user.email);
    if (!own.some((row) => row.id === id && row.revokedAt === null)) {
      throw new ConsoleError(404, 'no-such-app-password', 'This app password was revoked already.');
    }
    await parts.accounts.as(actorOf(request)).revokeAppPassword(request.session!.user.email, id);
    return done();
  },
  'DELETE /api/app-passwords': async (request, parts) => {
    await parts.accounts.as(actorOf(request)).revokeAppPasswords(request.session!.user.email);
    return done();
  },
});

async function makeOne(request: RequestTo<'POST /api/app-passwords'>, parts: ConsoleParts) {
  // Who has only found the browser open adds no way in that outlasts the session.
  checkFresh(request);
  const { name, driveId, folder, allowance = 'full', expiresAt } = request.body;
  const drive = driveId === null ? null : await openUserDrive(request, parts, driveId);
  if (typeof folder === 'string' && !drive) {
    throw new ConsoleError(400, 'invalid-input', 'A folder is on some drive; choose one.', { field: 'driveId' });
  }
  const scopeId = drive && typeof folder === 'string' ? (await openScope(drive, folder)).id : null;
  const { row, secret } = await inField({ 'invalid-name': 'name', 'invalid-number': 'expiresAt' }, () =>
    parts.accounts.as(actorOf(request)).createAppPassword({
      email: request.session!.user.email,
      name,
      driveId,
      scopeId,
      allowance,
      expiresAt: expiresAt == null ? null : toTime(expiresAt),
    }),
  );
  const [appPassword] = await describeAll([row], request, parts);
  return made({ appPassword: appPassword!, secret } satisfies AppPasswordMade);
}

/** A day means up to its end. */
function toTime(text: string): number {
  return Date.parse(text) + (text.includes('T') ? 0 : DAY_MS);
}

async function describeAll(
  rows: readonly AppPasswordRow[],
  request: ConsoleRequest,
  parts: ConsoleParts,
): Promise<AppPasswordEntry[]> {
  const drives = new Map((await parts.accounts.drivesOf(request.session!.user.id)).map((drive) => [drive.id, drive]));
  const entries: AppPasswordEntry[] = [];
  for (const row of rows) {
    const { id, name, driveId, scopeId, allowance } = row;
    const drive = driveId === null ? undefined : drives.get(driveId);
    const folder = drive && scopeId !== null ? await folderOf(drive.id, scopeId, request, parts) : null;
    entries.push({
      id,
      name,
      // A drive that was left is shown by its number alone.
      drive: driveId === null ? null : { id: driveId, name: drive?.name ?? '' },
      folder,
      isFolderGone: scopeId !== null && folder === null,
      allowance,
      createdAt: isoTime(row.createdAt),
      expiresAt: isoTimeOrNull(row.expiresAt),
      lastUsedAt: isoTimeOrNull(row.lastUsedAt),
      lastClient: row.lastClient,
      state: stateOf(row, parts.now()),
    });
  }
  return entries;
}

function stateOf({ revokedAt, expiresAt }: AppPasswordRow, now: number): AppPasswordEntry['state'] {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'valid';
}

async function folderOf(
  driveId: number,
  scopeId: NonNullable<AppPasswordRow['scopeId']>,
  request: ConsoleRequest,
  parts: ConsoleParts,
): Promise<string | null> {
  return scopePath(await openUserDrive(request, parts, driveId), scopeId);
}
