import type { AccountErrorKind } from '../accounts/account-error.js';
import type { DriveErrorKind } from '../drive/drive-error.js';

/**
 * What the JSON API says of a refusal in one word. The English sentence beside it is for programs and logs; the console has
 * sentences in other languages by these words.
 */
export type RefusalKind =
  | AccountErrorKind
  | DriveErrorKind
  | 'second-step'
  | 'not-administrator'
  | 'not-fresh'
  | 'forged'
  | 'untrusted-proxy'
  | 'not-json'
  | 'invalid-input'
  | 'wrong-method'
  | 'signed-in'
  | 'code-wanted'
  | 'wrong-passkey'
  /** At a sign-in; which of the two it is nobody is told. */
  | 'wrong-credentials'
  /** At a sign-in: the password is one, but not the account's of today. */
  | 'app-password'
  | 'former-password'
  | 'account-disabled'
  | 'import-ended'
  | 'too-many-imports'
  | 'too-many-tests'
  | 'no-such-import'
  | 'source-refused'
  | 'storage-full'
  | 'disk-fails'
  /** What the protocol layer refuses, of downloads and resumable uploads. */
  | 'changed'
  | 'refused';
