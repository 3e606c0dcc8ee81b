import { z } from 'zod';
import type { DriveRow } from '../../stores/account-store.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import type {
  AdminDriveEntry,
  AdminDrivesAnswer,
  DriveChangeBody,
  MemberBody,
  MemberEntry,
  NewDriveBody,
} from '../contract.js';
import { type ConsoleRequest, done, made, ok, type Route, route } from '../route.js';

/** The accounts' own rules say what is too long; these bound what they look at. */
const text = z.string().max(1024);
const limit = z.int().nonnegative().nullable();

const newDriveBody: z.ZodType<NewDriveBody> = z.strictObject({
  name: text,
  ownerEmail: text,
  quotaBytes: limit,
  uploadMaxBytes: limit,
});
const driveChangeBody: z.ZodType<DriveChangeBody> = z.strictObject({
  name: text.optional(),
  quotaBytes: limit.optional(),
  uploadMaxBytes: limit.optional(),
});
const memberBody: z.ZodType<MemberBody> = z.strictObject({
  role: z.enum(['manager', 'member', 'viewer']),
  quotaBytes: limit,
});

export const adminDriveRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/admin/drives',
    access: 'administrator',
    summary: 'All drives, with what they hold and who their members are.',
    run: async (_request, parts) => {
      const rows: DriveRow[] = [];
      for await (const drive of parts.accounts.drives()) rows.push(drive);
      const answer: AdminDrivesAnswer = { drives: await describeAll(rows, parts) };
      return ok(answer);
    },
  }),
  route({
    method: 'POST',
    path: '/api/admin/drives',
    access: 'fresh-administrator',
    summary: 'Makes a drive, whose owner is its first manager.',
    body: newDriveBody,
    run: async (request, parts) => {
      const drive = await parts.accounts.as(actorOf(request)).createDrive({ id: null, ...request.body });
      return made(await describe(drive, parts));
    },
  }),
  route({
    method: 'PATCH',
    path: '/api/admin/drives/:id',
    access: 'fresh-administrator',
    summary: 'Changes a drive’s name, its quota, or the largest file that it takes.',
    body: driveChangeBody,
    run: changeDrive,
  }),
  route({
    method: 'PUT',
    path: '/api/admin/drives/:id/members/:email',
    access: 'fresh-administrator',
    summary: 'Makes a user a member of a drive, or gives a member another role or quota.',
    body: memberBody,
    run: putMember,
  }),
  route({
    method: 'DELETE',
    path: '/api/admin/drives/:id/members/:email',
    access: 'fresh-administrator',
    summary: 'Ends a membership; the personal files stay, out of sight, for when the member comes back.',
    run: async (request, { accounts }) => {
      await accounts.as(actorOf(request)).removeMember(idOf(request), request.parameters.email ?? '');
      return done();
    },
  }),
];

async function changeDrive(request: ConsoleRequest<DriveChangeBody>, parts: ConsoleParts) {
  const { name, quotaBytes, uploadMaxBytes } = request.body;
  await parts.accounts.as(actorOf(request)).changeDrive(idOf(request), {
    ...(name === undefined ? {} : { name }),
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
    ...(uploadMaxBytes === undefined ? {} : { uploadMaxBytes }),
  });
  return ok(await describe(await parts.accounts.readDrive(idOf(request)), parts));
}

async function putMember(request: ConsoleRequest<MemberBody>, { accounts }: ConsoleParts) {
  const { email, name } = await accounts.readUser(request.parameters.email ?? '');
  const { role, quotaBytes } = await accounts.as(actorOf(request)).putMember(idOf(request), email, request.body);
  const answer: MemberEntry = { email, name, role, quotaBytes };
  return ok(answer);
}

/** What is no number is no drive's. */
function idOf({ parameters }: ConsoleRequest<unknown>): number {
  return /^\d{1,15}$/.test(parameters.id ?? '') ? Number(parameters.id) : 0;
}

async function describe(drive: DriveRow, parts: ConsoleParts): Promise<AdminDriveEntry> {
  return (await describeAll([drive], parts))[0]!;
}

async function describeAll(drives: readonly DriveRow[], parts: ConsoleParts): Promise<AdminDriveEntry[]> {
  const ids = drives.map(({ id }) => id);
  const used = await parts.driveParts.metadata.read(ids, async (view) => {
    const bytes: number[] = [];
    for (const { rootId, commonId, commonBinId } of drives) {
      bytes.push((await view.usage({ rootId, homeId: commonId, binId: commonBinId })).driveBytes);
    }
    return bytes;
  });
  const entries: AdminDriveEntry[] = [];
  for (const [index, { id, name, quotaBytes, uploadMaxBytes, createdAt }] of drives.entries()) {
    const members = (await parts.store.members(id)).map(
      (member): MemberEntry => ({
        email: member.email,
        name: member.name,
        role: member.role,
        quotaBytes: member.quotaBytes,
      }),
    );
    const at = new Date(createdAt).toISOString();
    entries.push({ id, name, quotaBytes, uploadMaxBytes, usedBytes: used[index]!, members, createdAt: at });
  }
  return entries;
}
