import { describe, expect, it } from 'vitest';
import { AccountError } from '../../src/accounts/account-error.js';
import { checkPasswordRules, makePassword } from '../../src/accounts/password-rules.js';
import { WELL_KNOWN_PASSWORDS } from '../../src/accounts/well-known-passwords.js';

const EMAIL = 'anna.keller@example.org';
const check = (password: string) => () => checkPasswordRules(password, EMAIL);

describe('PRODUCT S1 — account passwords', () => {
  it.each([
    'seven green lamps',
    'Tr0ub4dor&3xyz',
    'ключ от сарая',
    '日本語のパスワードです長い',
    'annas blue bicycle',
    'x9!kQ2#vL5@m',
  ])('%s is good', (password) => {
    expect(check(password)).not.toThrow();
  });

  it('has at least 12 characters, counted as people see them', () => {
    expect(check('x9!kQ2#vL5@')).toThrow(/at least 12/);
    expect(check('🐸🐧🐢🦊x9!kQ2')).toThrow(/at least 12/);
  });

  it('is none of the well-known ones, in whatever case', () => {
    for (const password of WELL_KNOWN_PASSWORDS) expect(check(password), password).toThrow(AccountError);
    for (const password of [
      'Unbelievable',
      'CorrectHorseBatteryStaple',
      'Password1234',
      'dragon123456',
      '!!Welcome2024',
    ]) {
      expect(check(password), password).toThrow(/well-known/);
    }
  });

  it.each([
    'aaaaaaaaaaaaaa',
    'abcabcabcabc',
    'hello hello hello ',
    'abababababab',
    '123456789012',
    'qwertyuiopas',
    'abcdefghijklmn',
    'zyxwvutsrqpo',
    'aaaabbbbcccc',
  ])('%s is a pattern or well known', (password) => {
    expect(check(password)).toThrow(AccountError);
  });

  it.each([EMAIL, 'Anna.Keller@Example.org', 'anna.keller2027', 'keller-anna-1', 'example.org!1234'])(
    '%s is little more than the e-mail address',
    (password) => {
      expect(check(password)).toThrow(/e-mail address/);
    },
  );

  it('is not so long that hashing it is an attack', () => {
    expect(check('x9!kQ2#vL5@m'.repeat(100))).toThrow(/at most 1000/);
  });

  it('one that Firn makes up is good', () => {
    for (let count = 0; count < 100; count++) expect(check(makePassword())).not.toThrow();
  });

  it('the error does not repeat the password', () => {
    expect(check('Unbelievable')).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/unbeliev/i) }));
  });
});
