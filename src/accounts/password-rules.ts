import { AccountError } from './account-error.js';
import { grouped, randomSecret } from './random-secret.js';
import { WELL_KNOWN_PASSWORDS } from './well-known-passwords.js';

const LENGTH_MIN = 12;
/** Bounds what one argon2 run reads. */
const LENGTH_MAX = 1_000;
const DISTINCT_CHARACTERS_MIN = 5;
/** Letters and digits that something must have beside the e-mail address or a well-known password to be one's own. */
const OWN_CHARACTERS_MIN = 6;

/** Neighbours in one of these count as one step of a sequence. */
const SEQUENCES = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertzuiopü',
  'yxcvbnm',
  'azertyuiop',
  'qsdfghjklm',
  'wxcvbn',
];
const STEPS: ReadonlySet<string> = new Set(
  SEQUENCES.flatMap((row) =>
    [...row].slice(1).flatMap((next, index) => [`${row[index]}${next}`, `${next}${row[index]}`]),
  ),
);

/** A password for an account: 100 bits, in groups of four. */
export function makePassword(): string {
  return grouped(randomSecret(20));
}

/** Throws `AccountError` (weak-password) unless the password may protect an account (PRODUCT S1). */
export function checkPasswordRules(password: string, email: string): void {
  const length = [...password].length;
  if (length < LENGTH_MIN) throw weak(`The password has ${length} characters; take at least ${LENGTH_MIN}.`);
  if (length > LENGTH_MAX) throw weak(`The password is too long; take at most ${LENGTH_MAX} characters.`);
  const plain = password.normalize('NFC').toLowerCase();
  if (isWellKnown(plain)) throw weak('The password is one of the well-known ones; take another.');
  if (isPattern(plain)) throw weak('The password repeats itself or follows a sequence; take another.');
  if (isMadeOf(plain, email.normalize('NFC').toLowerCase())) {
    throw weak('The password is little more than the e-mail address; take another.');
  }
}

function weak(message: string): AccountError {
  return new AccountError('weak-password', message);
}

/** Also with a few digits and signs around it, which is what people add to reach a length. */
function isWellKnown(password: string): boolean {
  if (WELL_KNOWN_PASSWORDS.has(password)) return true;
  const core = password.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  if (!WELL_KNOWN_PASSWORDS.has(core)) return false;
  const added = password.replace(core, '');
  return added.length <= OWN_CHARACTERS_MIN || isSequence(added);
}

function isPattern(password: string): boolean {
  if (new Set(password).size < DISTINCT_CHARACTERS_MIN) return true;
  const repeated = /^(.+?)\1+(.*)$/su.exec(password);
  if (repeated && repeated[1]!.length < LENGTH_MIN && repeated[1]!.startsWith(repeated[2]!)) return true;
  return isSequence(password);
}

/** Whether the text has on average four characters or more to each run of equal or neighbouring ones. */
function isSequence(text: string): boolean {
  const characters = [...text];
  let runs = 1;
  for (let index = 1; index < characters.length; index++) {
    const [before, after] = [characters[index - 1]!, characters[index]!];
    if (before !== after && !STEPS.has(before + after)) runs++;
  }
  return runs * 4 <= characters.length;
}

function isMadeOf(password: string, email: string): boolean {
  const parts = [email, ...email.split(/[@.]/).filter((part) => part.length >= 3)];
  const rest = parts.reduce((text, part) => text.replaceAll(part, ''), password);
  return rest !== password && rest.replace(/[^\p{L}\p{N}]/gu, '').length < OWN_CHARACTERS_MIN;
}
