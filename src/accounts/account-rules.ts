import { AccountError } from './account-error.js';

const EMAIL_LENGTH_MAX = 254;
/** No colon, which ends the user name in HTTP Basic; no backslash, which ends the domain that Windows puts before it. */
const EMAIL = /^[^\s@:\\<>()[\],;"\p{C}]+@[^\s@:\\<>()[\],;"\p{C}]+$/u;
const DISPLAY_NAME_LENGTH_MAX = 200;
const NAME_BYTES_MAX = 255;
const DRIVE_ID_MIN = 100_000;
/** Taken at the root and in the data of every drive; in any case, because Windows shows them as one name. */
const RESERVED_NAMES = ['trash', 'common documents'];

/** Each check gives the value as it is kept, or throws `AccountError`. */

export function checkEmail(email: string): string {
  const kept = email.trim().normalize('NFC');
  if (!EMAIL.test(kept) || kept.length > EMAIL_LENGTH_MAX) {
    throw new AccountError('invalid-email', `"${email}" is no e-mail address; it should look like anna@example.org.`);
  }
  return kept;
}

/** A name of a person or an app password. `what` begins the sentence: "the user's name". */
export function checkDisplayName(name: string, what: string): string {
  const kept = name.trim().normalize('NFC');
  if (kept === '' || kept.length > DISPLAY_NAME_LENGTH_MAX || /\p{Cc}/u.test(kept)) {
    throw new AccountError(
      'invalid-name',
      `${what} needs 1 to ${DISPLAY_NAME_LENGTH_MAX} characters without control characters.`,
    );
  }
  return kept;
}

/** A drive's name is also the name of its folder at the root (PRODUCT D1). */
export function checkDriveName(name: string): string {
  const kept = name.normalize('NFC');
  const bytes = Buffer.byteLength(kept);
  const refuse = (message: string) => new AccountError('invalid-name', message);
  if (kept.trim() === '' || bytes > NAME_BYTES_MAX) {
    throw refuse(`A drive's name needs 1 to ${NAME_BYTES_MAX} bytes; this one has ${bytes}.`);
  }
  if (/[/\p{Cc}\p{Cs}]/u.test(kept) || kept === '.' || kept === '..') {
    throw refuse(`A drive can't be named ${JSON.stringify(name)}; leave out slashes and control characters.`);
  }
  if (RESERVED_NAMES.includes(kept.toLowerCase())) {
    throw refuse(`A drive can't be named "${kept}", which every drive has a folder of; choose another name.`);
  }
  return kept;
}

export function checkDriveId(id: number): number {
  if (!Number.isSafeInteger(id) || id < DRIVE_ID_MIN) {
    throw new AccountError('invalid-number', `A drive's ID is a number of six digits or more, not ${id}.`);
  }
  return id;
}

/** `what` begins the sentence: "The quota". Null means without limit. */
export function checkBytes(bytes: number | null, what: string, bytesMax: number = Number.MAX_SAFE_INTEGER): void {
  if (bytes === null || (Number.isSafeInteger(bytes) && bytes >= 0 && bytes <= bytesMax)) return;
  throw new AccountError('invalid-number', `${what} is at most ${bytesMax} bytes, a whole number, not ${bytes}.`);
}
