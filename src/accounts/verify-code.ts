import type { UserId } from '../stores/values.js';
import type { Actor, Audit } from './audit.js';
import type { CodeVerdict, SecondFactors } from './second-factors.js';

export interface CodeParts {
  readonly secondFactors: SecondFactors;
  readonly audit: Audit;
}

/** Checks a code of somebody's second factor, and writes into the audit log what came of it. */
export async function verifyCode(
  { secondFactors, audit }: CodeParts,
  userId: UserId,
  code: string,
  actor: Actor,
): Promise<CodeVerdict> {
  const verdict = await secondFactors.verify(userId, code);
  if (verdict.kind === 'wrong') await audit.noteOnce('sign-in-refused', userId, actor, { by: 'code' });
  if (verdict.kind === 'good' && verdict.by === 'recovery-code') {
    const { recoveryCodes: left } = await secondFactors.state(userId);
    await audit.note('recovery-code-used', userId, actor, { left });
  }
  return verdict;
}
