import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What was sealed can't be opened: another key, another purpose, or changed bytes. */
export class SealedError extends Error {
  override readonly name = 'SealedError';
}

/** Encrypts secrets that have to be read again, so that a copied database alone gives nothing away. AES-256-GCM. */
export class SecretBox {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new Error(`the key needs ${KEY_BYTES} bytes`);
    this.#key = key;
  }

  /** `purpose` says what the secret is, and whose: what was sealed for one can't be opened for another. */
  seal(secret: string, purpose: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce).setAAD(Buffer.from(purpose));
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** Throws `SealedError`. */
  open(sealed: string, purpose: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv(ALGORITHM, this.#key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(purpose))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const secret = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([secret, decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new SealedError('a stored secret can not be read with this key', { cause });
    }
  }

  /** A code of 32 bytes that only who has the key can make of the text (HMAC-SHA-256, RFC 2104). `purpose`: see `seal`. */
  mac(text: string, purpose: string): Buffer {
    return createHmac('sha256', this.#key).update(`${purpose.length}:${purpose}${text}`).digest();
  }
}
