import { createCipheriv, randomBytes } from 'node:crypto';

/**
 * The key in rclone's source (fs/config/obscure), the same in every rclone: it keeps passwords from being read over
 * somebody's shoulder, and no more.
 */
const KEY = Buffer.from('9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638', 'hex');
const IV_BYTES = 16;

/** What `rclone obscure` makes of a password: AES-256 in counter mode behind its IV, in base64url without padding. */
export function obscure(password: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-ctr', KEY, iv);
  return Buffer.concat([iv, cipher.update(password, 'utf8'), cipher.final()]).toString('base64url');
}
