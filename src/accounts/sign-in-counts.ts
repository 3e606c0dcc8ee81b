import type { RefusalReason } from './refusal.js';

/** How sign-ins ended, those of programs and of people; for metrics, so of nobody in particular. */
export class SignInCounts {
  granted = 0;
  /** Good credentials for a drive that isn't there, or isn't theirs. */
  noDrive = 0;
  throttled = 0;
  /** Answered from what was verified before, whether good or bad, without argon2. */
  cacheHits = 0;
  /** `app-password`: an app password where a person's account password is wanted. */
  readonly refused: Record<RefusalReason | 'app-password', number> = {
    wrong: 0,
    revoked: 0,
    expired: 0,
    former: 0,
    disabled: 0,
    'second-factor': 0,
    'second-factor-required': 0,
    'app-password': 0,
  };
}
