import { grouped, randomSecret, SECRET_ALPHABET, ungrouped } from './random-secret.js';

const LENGTH = 24;
/** 40 bits: enough that selectors hardly ever meet. The other 16 characters are 80 bits that nobody can guess. */
const SELECTOR_LENGTH = 8;
const SHAPE = new RegExp(`^[${SECRET_ALPHABET}]{${LENGTH}}$`);

export interface AppPasswordSecret {
  /** The public part, by which the row is found. */
  readonly selector: string;
  /** All characters without dashes: what is hashed. */
  readonly secret: string;
}

/** A new secret, and as `text` the form that people see: groups of four with dashes. */
export function makeAppPassword(): AppPasswordSecret & { readonly text: string } {
  const secret = randomSecret(LENGTH);
  return { selector: secret.slice(0, SELECTOR_LENGTH), secret, text: grouped(secret) };
}

/** Takes any case, spaces or dashes anywhere or nowhere, and misread letters; null for what has another shape. */
export function parseAppPassword(text: string): AppPasswordSecret | null {
  if (text.length < LENGTH || text.length > 4 * LENGTH) return null;
  const secret = ungrouped(text);
  return SHAPE.test(secret) ? { selector: secret.slice(0, SELECTOR_LENGTH), secret } : null;
}
