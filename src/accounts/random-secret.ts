import { randomBytes } from 'node:crypto';

/** Crockford's base32 in lower case: without i, l, o and u, which people misread. */
export const SECRET_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** That many random characters of five bits each. */
export function randomSecret(length: number): string {
  return Array.from(randomBytes(length), (byte) => SECRET_ALPHABET[byte & 31]).join('');
}

/** The form that people see: groups of four with dashes. */
export function grouped(secret: string): string {
  return secret.match(/.{1,4}/g)!.join('-');
}

/** What was typed as `randomSecret` makes it: any case, spaces or dashes anywhere or nowhere, and misread letters. */
export function ungrouped(text: string): string {
  return text
    .toLowerCase()
    .replace(/[\s\p{Pd}]+/gu, '')
    .replace(/o/g, '0')
    .replace(/[il]/g, '1');
}
