import { hash, randomBytes } from 'node:crypto';
import type { CredentialRef } from '../stores/account-store.js';
import type { BasicCredentials } from './basic.js';
import { RecentMap } from './recent-map.js';
import type { Refusal } from './refusal.js';

const SIZE_MAX = 10_000;
const GOOD_UNUSED_MAX_MS = 60 * 60_000;
const BAD_MAX_MS = 10 * 60_000;

/**
 * What argon2 said of credentials, by a keyed hash of them, in this process alone (PRODUCT S6). That a credential still
 * stands, or is refused for the same reason, is for the database to say (`KnownAccess`).
 */
export class CredentialCache {
  readonly #key = randomBytes(32).toString('base64');
  readonly #good = new RecentMap<CredentialRef>(SIZE_MAX, GOOD_UNUSED_MAX_MS);
  readonly #bad = new RecentMap<Refusal>(SIZE_MAX, BAD_MAX_MS);

  /**
   * SHA-256 with the secret in front takes 0.3 µs where HMAC takes 1.5 (Node 20). What HMAC adds is safety where an
   * attacker sees hashes; these never leave the process.
   */
  keyOf({ userName, password }: BasicCredentials): string {
    return hash('sha256', `${this.#key}${userName.length}:${userName}${password}`, 'base64');
  }

  findGood(key: string, now: number): CredentialRef | undefined {
    return this.#good.get(key, now, true);
  }

  /** Expires at a fixed time, so that a bad credential is looked at again once in a while. */
  findBad(key: string, now: number): Refusal | undefined {
    return this.#bad.get(key, now, false);
  }

  keepGood(key: string, credential: CredentialRef, now: number): void {
    this.#bad.delete(key);
    this.#good.set(key, credential, now);
  }

  keepBad(key: string, refusal: Refusal, now: number): void {
    this.#good.delete(key);
    this.#bad.set(key, refusal, now);
  }

  /** Forgets `credential`, not what another request has learnt meanwhile. */
  dropGood(key: string, credential: CredentialRef, now: number): void {
    if (this.#good.get(key, now, false) === credential) this.#good.delete(key);
  }

  dropBad(key: string): void {
    this.#bad.delete(key);
  }
}
