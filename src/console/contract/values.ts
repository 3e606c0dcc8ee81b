import { z } from 'zod';

/** Longer than any that is typed; bounds what argon2 is given. */
export const PASSWORD_LENGTH_MAX = 1024;
/** Of a path in a body, in characters. */
export const PATH_LENGTH_MAX = 16 * 1024;

export const text = (max: number) => z.string().min(1).max(max);

/** A moment, as `isoTime` writes it. */
export const time = z.iso.datetime();

/** Bytes, or how many of something there are. */
export const count = z.int().nonnegative();

export const role = z.enum(['manager', 'member', 'viewer']);

/** A query's number of what the page before ended with. `sentence` refuses others. */
export const before = (sentence: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, sentence)
    .transform(Number)
    .optional();
