import { describe, expect, it } from 'vitest';
import { makeAppPassword, parseAppPassword } from '../../src/accounts/app-password.js';

describe('PRODUCT S2 — the secret of an app password', () => {
  it('is 24 unambiguous characters in groups of four, another one each time', () => {
    const texts = Array.from({ length: 100 }, () => makeAppPassword().text);
    for (const text of texts) expect(text).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){5}[0-9a-hjkmnp-tv-z]{4}$/);
    expect(new Set(texts).size).toBe(100);
  });

  it('begins with the selector, and is all of the secret', () => {
    const { selector, secret, text } = makeAppPassword();
    expect(secret).toBe(text.replaceAll('-', ''));
    expect(selector).toBe(secret.slice(0, 8));
  });

  it.each([
    ['as shown', 'abcd-efgh-jkmn-pqrs-tvwx-yz01'],
    ['without dashes', 'abcdefghjkmnpqrstvwxyz01'],
    ['with spaces and in capitals', ' ABCD EFGH JKMN PQRS TVWX YZ01 '],
    ['with a typographic dash', 'abcd–efgh–jkmn–pqrs–tvwx–yz01'],
    ['with misread letters', 'abcd-efgh-jkmn-pqrs-tvwx-yzOl'],
  ])('is read %s', (_, text) => {
    const read = parseAppPassword(text);
    expect(read).toEqual({ selector: 'abcdefgh', secret: 'abcdefghjkmnpqrstvwxyz01' });
  });

  it.each([
    '',
    'abcd-efgh',
    'seven green lamps at night',
    'abcd-efgh-jkmn-pqrs-tvwx-yz01-2',
    'uuuu'.repeat(6),
    'é'.repeat(24),
  ])('%s is none', (text) => {
    expect(parseAppPassword(text)).toBeNull();
  });
});
