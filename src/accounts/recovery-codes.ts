import type { NewRecoveryCode } from '../stores/security-store.js';
import type { Passwords } from './passwords.js';
import { grouped, randomSecret, SECRET_ALPHABET, ungrouped } from './random-secret.js';

const CODES = 10;
const LENGTH = 16;
/** 20 bits by which one of ten is found; the other 60 nobody guesses, each try of which takes an argon2 run. */
const SELECTOR_LENGTH = 4;
const SHAPE = new RegExp(`^[${SECRET_ALPHABET}]{${LENGTH}}$`);

/** New codes as people see them, and as they are kept. */
export async function makeRecoveryCodes(
  passwords: Passwords,
): Promise<{ readonly texts: readonly string[]; readonly kept: readonly NewRecoveryCode[] }> {
  const secrets = new Map<string, string>();
  while (secrets.size < CODES) {
    const secret = randomSecret(LENGTH);
    secrets.set(secret.slice(0, SELECTOR_LENGTH), secret);
  }
  const kept: NewRecoveryCode[] = [];
  for (const [selector, secret] of secrets) kept.push({ selector, hash: await passwords.hashPassword(secret) });
  return { texts: [...secrets.values()].map(grouped), kept };
}

export interface RecoveryCode {
  readonly selector: string;
  /** All of it. */
  readonly secret: string;
}

/** Null for what has another shape. Any case, with or without dashes. */
export function parseRecoveryCode(text: string): RecoveryCode | null {
  if (text.length > 4 * LENGTH) return null;
  const secret = ungrouped(text);
  return SHAPE.test(secret) ? { selector: secret.slice(0, SELECTOR_LENGTH), secret } : null;
}
