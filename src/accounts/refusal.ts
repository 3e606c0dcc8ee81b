import type { UserRow } from '../stores/account-store.js';
import type { AppPasswordId, UserId } from '../stores/values.js';

export type RefusalReason =
  | 'wrong'
  | 'revoked'
  | 'expired'
  | 'former'
  | 'disabled'
  | 'second-factor'
  | 'second-factor-required';

/** Why credentials were refused, with what that rests on: while it is so, argon2 need not be asked again. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** Null when there was no such user. */
  readonly user: Pick<UserRow, 'id' | 'passwordVersion' | 'isDisabled' | 'hasSecondFactor'> | null;
  /** The app password, or the user of a former password, whose owner is to see that it is still tried. */
  readonly tried: Tried | null;
}

export type Tried =
  | { readonly kind: 'app'; readonly id: AppPasswordId }
  | { readonly kind: 'account'; readonly id: UserId };

/** What the client shows to its user. */
export const REFUSAL_MESSAGES: Readonly<Record<RefusalReason, string>> = {
  wrong: 'The e-mail address or the password is wrong.',
  revoked: 'This app password was revoked. Make a new one.',
  expired: 'This app password has expired. Make a new one.',
  former: 'This password was changed. Enter the new one, or make an app password for this device.',
  'second-factor': 'Two-factor authentication is on for this account: sign in with an app password here.',
  'second-factor-required':
    'Two-factor authentication is required here, and this account has none: sign in to the console, set it up, and make an app password for this device.',
  disabled: 'This account is disabled. Ask the administrator to enable it.',
};
