import { z } from 'zod';
import { type Declarations, json, type MessageOf } from './declaration.js';
import { count, role } from './values.js';

export type DriveEntry = MessageOf<typeof driveEntry>;
const driveEntry = z
  .strictObject({
    id: z.int(),
    name: z.string(),
    role,
    addresses: z
      .array(z.string())
      .describe('Addresses for WebDAV programs, each with a slash at the end. The first is the one to show.'),
    usedBytes: count,
    availableBytes: count.nullable().describe('Null: no limit.'),
    uploadMaxBytes: count,
  })
  .meta({ id: 'Drive' });

export type DrivesAnswer = MessageOf<typeof drivesAnswer>;
const drivesAnswer = z.strictObject({ drives: z.array(driveEntry) }).meta({ id: 'Drives' });

export const driveContract = {
  'GET /api/drives': {
    access: 'user',
    summary: 'The drives of who is signed in: role, addresses, how full each is.',
    answer: json(drivesAnswer, 'All of them.'),
  },
} as const satisfies Declarations;
