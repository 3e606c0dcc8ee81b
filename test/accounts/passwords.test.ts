import argon2 from 'argon2';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Passwords, PasswordsBusyError } from '../../src/accounts/passwords.js';

describe('PRODUCT S2 — hashes', () => {
  it("are argon2id with OWASP's cost, and verify their own password only", async () => {
    const passwords = new Passwords();
    const hash = await passwords.hashPassword('seven green lamps');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,(p=1,t=2|t=2,p=1)\$/);
    expect(await passwords.verifyPassword(hash, 'seven green lamps')).toBe(true);
    expect(await passwords.verifyPassword(hash, 'seven green lamp')).toBe(false);
    expect(passwords.runs).toBe(3);
  });

  it('do not depend on the Unicode normalization that a client types in', async () => {
    const passwords = new Passwords();
    const hash = await passwords.hashPassword('zwölf Böxkämpfer'.normalize('NFC'));
    expect(await passwords.verifyPassword(hash, 'zwölf Böxkämpfer'.normalize('NFD'))).toBe(true);
  });

  it('the dummy hash fits no password and costs a run', async () => {
    const passwords = new Passwords();
    expect(await passwords.verifyPassword(passwords.dummyHash, '')).toBe(false);
    expect(passwords.runs).toBe(1);
  });
});

describe('PITFALLS — a flood of passwords', () => {
  it('runs argon2 twice at the same time at most, so memory is bounded', async () => {
    const passwords = new Passwords({ memoryKib: 1024, passes: 1 });
    let running = 0;
    let most = 0;
    const verify = argon2.verify;
    const spy = vi.spyOn(argon2, 'verify').mockImplementation(async (...parameters) => {
      most = Math.max(most, ++running);
      const answer = await verify(...parameters);
      running--;
      return answer;
    });
    onTestFinished(() => spy.mockRestore());
    const check = () => passwords.verifyPassword(passwords.dummyHash, 'x');
    await Promise.all(Array.from({ length: 20 }, check));
    await Promise.all(Array.from({ length: 20 }, check));
    expect([spy.mock.calls.length, most, running]).toEqual([40, 2, 0]);
  });

  it('is refused beyond what may wait, and what waits is answered', async () => {
    const passwords = new Passwords();
    const flood = Array.from({ length: 80 }, () => passwords.verifyPassword(passwords.dummyHash, 'x'));
    const results = await Promise.allSettled(flood);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(80 - 2 - 64);
    for (const { reason } of refused) expect(reason).toBeInstanceOf(PasswordsBusyError);
    expect(passwords.runs).toBe(66);
    expect(await passwords.verifyPassword(passwords.dummyHash, 'x')).toBe(false);
  });
});
