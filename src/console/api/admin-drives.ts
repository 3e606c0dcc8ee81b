import { allVerifiedAt } from '../../jobs/scrub.js';
import type { DriveRow } from '../../stores/account-store.js';
import { readWhole } from '../../stores/values.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import {
  type AdminDriveEntry,
  type AdminDrivesAnswer,
  adminDriveContract,
  type MemberEntry,
} from '../contract/admin-drives.js';
import { bind, type ConsoleRequest, done, made, ok, type RequestTo } from '../route.js';
import { isoTimeOrNull } from '../times.js';

export const adminDriveRoutes = bind(adminDriveContract, {
  'GET /api/admin/drives': async (_request, parts) => {
    const rows: DriveRow[] = [];
    for await (const drive of parts.accounts.drives()) rows.push(drive);
    const answer: AdminDrivesAnswer = { drives: await describeAll(rows, parts) };
    return ok(answer);
  },
  'POST /api/admin/drives': async (request, parts) => {
    const drive = await parts.accounts.as(actorOf(request)).createDrive({ id: null, ...request.body });
    return made(await describe(drive, parts));
  },
  'PATCH /api/admin/drives/:id': changeDrive,
  'PUT /api/admin/drives/:id/members/:email': putMember,
  'DELETE /api/admin/drives/:id/members/:email': async (request, { accounts }) => {
    await accounts.as(actorOf(request)).removeMember(idOf(request), request.parameters.email);
    return done();
  },
});

async function changeDrive(request: RequestTo<'PATCH /api/admin/drives/:id'>, parts: ConsoleParts) {
  const { name, quotaBytes, uploadMaxBytes } = request.body;
  await parts.accounts.as(actorOf(request)).changeDrive(idOf(request), {
    ...(name === undefined ? {} : { name }),
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
    ...(uploadMaxBytes === undefined ? {} : { uploadMaxBytes }),
  });
  return ok(await describe(await parts.accounts.readDrive(idOf(request)), parts));
}

async function putMember(request: RequestTo<'PUT /api/admin/drives/:id/members/:email'>, { accounts }: ConsoleParts) {
  const { email, name } = await accounts.readUser(request.parameters.email);
  const { role, quotaBytes } = await accounts.as(actorOf(request)).putMember(idOf(request), email, request.body);
  const answer: MemberEntry = { email, name, role, quotaBytes };
  return ok(answer);
}

/** What is no number is no drive's. */
function idOf({ parameters }: ConsoleRequest<unknown, unknown, 'id'>): number {
  return readWhole(parameters.id) ?? 0;
}

async function describe(drive: DriveRow, parts: ConsoleParts): Promise<AdminDriveEntry> {
  return (await describeAll([drive], parts))[0]!;
}

async function describeAll(drives: readonly DriveRow[], parts: ConsoleParts): Promise<AdminDriveEntry[]> {
  const ids = drives.map(({ id }) => id);
  const used = await parts.drives.metadata.read(ids, async (view) => {
    const bytes: number[] = [];
    for (const { rootId, commonId, commonBinId } of drives) {
      bytes.push((await view.usage({ rootId, homeId: commonId, binId: commonBinId })).driveBytes);
    }
    return bytes;
  });
  const damagedOf = await parts.scrub.damagesByDrive();
  const verifiedAt = isoTimeOrNull(await allVerifiedAt(parts.scrub));
  const entries: AdminDriveEntry[] = [];
  for (const [index, { id, name, quotaBytes, uploadMaxBytes, createdAt }] of drives.entries()) {
    const members = (await parts.accounts.members(id)).map(
      (member): MemberEntry => ({
        email: member.email,
        name: member.name,
        role: member.role,
        quotaBytes: member.quotaBytes,
      }),
    );
    const at = new Date(createdAt).toISOString();
    const damaged = damagedOf.get(id) ?? 0;
    const room = { quotaBytes, uploadMaxBytes, usedBytes: used[index]! };
    entries.push({ id, name, ...room, damaged, verifiedAt, members, createdAt: at });
  }
  return entries;
}
