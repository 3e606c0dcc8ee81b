export type AccountErrorKind =
  | 'invalid-email'
  | 'invalid-name'
  | 'invalid-number'
  | 'weak-password'
  | 'email-taken'
  | 'drive-id-taken'
  | 'no-such-user'
  | 'no-such-drive'
  | 'no-such-member'
  | 'no-such-app-password'
  | 'no-such-passkey'
  | 'no-such-session'
  | 'passkey-taken'
  | 'last-second-factor'
  | 'no-host-name'
  | 'second-factor-on'
  | 'second-factor-off'
  | 'second-factor-required'
  | 'wrong-code'
  | 'wrong-password'
  | 'throttled'
  | 'last-manager'
  | 'last-administrator';

/** Something asked of the accounts that the rules don't allow. The message is a sentence that says what to do. */
export class AccountError extends Error {
  override readonly name = 'AccountError';
  constructor(
    readonly kind: AccountErrorKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
