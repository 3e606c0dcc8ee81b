import { describe, expect, it } from 'vitest';
import { CredentialCache } from '../../src/accounts/credential-cache.js';
import { RecentMap } from '../../src/accounts/recent-map.js';
import type { CredentialRef } from '../../src/stores/account-store.js';
import type { UserId } from '../../src/stores/values.js';

const CREDENTIAL: CredentialRef = { kind: 'account', userId: 1 as UserId, passwordVersion: 1 };
const MINUTE = 60_000;

describe('PRODUCT S6 — the cache of verified credentials', () => {
  it('has keys that tell user name and password apart, and differ between processes', () => {
    const cache = new CredentialCache();
    const key = cache.keyOf({ userName: 'ab', password: 'c' });
    expect(cache.keyOf({ userName: 'ab', password: 'c' })).toBe(key);
    expect(cache.keyOf({ userName: 'a', password: 'bc' })).not.toBe(key);
    expect(new CredentialCache().keyOf({ userName: 'ab', password: 'c' })).not.toBe(key);
  });

  it('has keys that hold neither the user name nor the password', () => {
    const key = new CredentialCache().keyOf({ userName: 'somebody@example.test', password: 'correct-horse-battery' });
    expect(key).not.toContain('somebody');
    expect(key).not.toContain('correct-horse');
  });

  it('forgets good credentials an hour after their last use', () => {
    const cache = new CredentialCache();
    cache.keepGood('key', CREDENTIAL, 0);
    expect(cache.findGood('key', 50 * MINUTE)).toBe(CREDENTIAL);
    expect(cache.findGood('key', 109 * MINUTE)).toBe(CREDENTIAL);
    expect(cache.findGood('key', 170 * MINUTE)).toBeUndefined();
  });

  it('forgets bad credentials ten minutes after they were looked at', () => {
    const cache = new CredentialCache();
    const refusal = { reason: 'wrong', user: null, tried: null } as const;
    cache.keepBad('key', refusal, 0);
    expect(cache.findBad('key', 9 * MINUTE)).toBe(refusal);
    expect(cache.findBad('key', 11 * MINUTE)).toBeUndefined();
  });

  it('drops a credential that fell, not one that was verified meanwhile', () => {
    const cache = new CredentialCache();
    const fresh: CredentialRef = { ...CREDENTIAL, passwordVersion: 2 };
    cache.keepGood('key', fresh, 0);
    cache.dropGood('key', CREDENTIAL, 0);
    expect(cache.findGood('key', 0)).toBe(fresh);
    cache.dropGood('key', fresh, 0);
    expect(cache.findGood('key', 0)).toBeUndefined();
  });

  it('is bounded: what was used longest ago goes first', () => {
    const map = new RecentMap<number>(3, MINUTE);
    for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index, 0);
    map.get('a', 1, true);
    map.set('d', 3, 1);
    expect(map.size).toBe(3);
    expect(['a', 'b', 'c', 'd'].map((key) => map.get(key, 1, false))).toEqual([0, undefined, 2, 3]);
  });
});
