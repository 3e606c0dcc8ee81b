import { z } from 'zod';
import { created, type Declarations, empty, json, type MessageOf } from './declaration.js';
import { count, role, time } from './values.js';

/** The accounts' own rules say what is too long; this bounds what they look at. */
const text = z.string().max(1024);
const limit = count.nullable();

export type MemberEntry = MessageOf<typeof memberEntry>;
const memberEntry = z
  .strictObject({ email: z.string(), name: z.string(), role, quotaBytes: limit })
  .meta({ id: 'Member' });

export type AdminDriveEntry = MessageOf<typeof adminDriveEntry>;
const adminDriveEntry = z
  .strictObject({
    id: z.int(),
    name: z.string(),
    quotaBytes: limit,
    uploadMaxBytes: limit,
    usedBytes: count,
    damaged: count.describe('Contents of its files, or of their past, that are damaged.'),
    verifiedAt: time.nullable().describe('Since when all of its bytes were read and compared; null: not yet all.'),
    members: z.array(memberEntry),
    createdAt: time,
  })
  .meta({ id: 'AdminDrive' });

export type AdminDrivesAnswer = MessageOf<typeof adminDrivesAnswer>;
const adminDrivesAnswer = z.strictObject({ drives: z.array(adminDriveEntry) }).meta({ id: 'AdminDrives' });

export type NewDriveBody = MessageOf<typeof newDriveBody>;
const newDriveBody = z.strictObject({ name: text, ownerEmail: text, quotaBytes: limit, uploadMaxBytes: limit });

export type DriveChangeBody = MessageOf<typeof driveChangeBody>;
const driveChangeBody = z.strictObject({
  name: text.optional(),
  quotaBytes: limit.optional(),
  uploadMaxBytes: limit.optional(),
});

export type MemberBody = MessageOf<typeof memberBody>;
const memberBody = z.strictObject({ role, quotaBytes: limit });

export const adminDriveContract = {
  'GET /api/admin/drives': {
    access: 'administrator',
    summary: 'All drives, with what they hold and who their members are.',
    answer: json(adminDrivesAnswer, 'All of them.'),
  },
  'POST /api/admin/drives': {
    access: 'fresh-administrator',
    summary: 'Makes a drive, whose owner is its first manager.',
    body: newDriveBody,
    answer: created(adminDriveEntry, 'The drive.'),
    refusals: { 404: '`no-such-user`.' },
  },
  'PATCH /api/admin/drives/:id': {
    access: 'fresh-administrator',
    summary: 'Changes a drive’s name, its quota, or the largest file that it takes.',
    body: driveChangeBody,
    answer: json(adminDriveEntry, 'The drive as it is now.'),
    refusals: { 404: '`no-such-drive`.' },
  },
  'PUT /api/admin/drives/:id/members/:email': {
    access: 'fresh-administrator',
    summary: 'Makes a user a member of a drive, or gives a member another role or quota.',
    body: memberBody,
    answer: json(memberEntry, 'The membership as it is now.'),
    refusals: { 404: '`no-such-drive`, `no-such-user`.', 409: '`last-manager`.' },
  },
  'DELETE /api/admin/drives/:id/members/:email': {
    access: 'fresh-administrator',
    summary: 'Ends a membership; the personal files stay, out of sight, for when the member comes back.',
    answer: empty('It has ended.'),
    refusals: { 404: '`no-such-drive`, `no-such-user`, `no-such-member`.', 409: '`last-manager`.' },
  },
} as const satisfies Declarations;
