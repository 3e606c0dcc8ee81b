import { z } from 'zod';
import { bucketSetting } from './bucket-setting.js';

/** Backups that the server makes by itself. */
export const backupSetting = z.strictObject({
  /** Where they go: a folder, on another disk than the storage, or a bucket. */
  to: z.discriminatedUnion('engine', [
    z.strictObject({ engine: z.literal('folder'), path: z.string().min(1) }),
    bucketSetting,
  ]),
  /** How long after the beginning of one the next one begins. */
  everyHours: z
    .int()
    .positive()
    .max(24 * 31)
    .default(24),
  /** How many whole ones stay. */
  keep: z.int().positive().max(10_000).default(14),
  /** How often the newest one is restored into a temporary place and checked; 0: never. */
  rehearseDays: z.int().nonnegative().max(365).default(7),
  /** The copy of `secret.key` that is kept apart: a rehearsal proves that it is the right one. */
  secretKeyCopy: z.string().min(1).nullable().default(null),
});
