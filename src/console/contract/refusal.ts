import { z } from 'zod';
import type { RefusalKind } from '../refusal-kind.js';
import type { MessageOf } from './declaration.js';

/** What went wrong: any status from 400 on. */
export type ErrorAnswer = MessageOf<typeof errorAnswer>;
export const errorAnswer = z
  .strictObject({
    error: z.strictObject({
      kind: z
        .custom<RefusalKind>((value) => typeof value === 'string')
        .meta({ type: 'string', description: 'One word for programs: `wrong-code`, `exists`, `not-signed-in` …' }),
      message: z.string().describe('A plain sentence for people.'),
      field: z.string().optional().describe('The field of the body or the query that is wrong, where it is one.'),
    }),
    requestId: z.string(),
  })
  .meta({ id: 'Error' });
