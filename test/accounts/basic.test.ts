import { describe, expect, it } from 'vitest';
import { parseBasic } from '../../src/accounts/basic.js';

const encode = (text: string | Buffer) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('PRODUCT S1, RFC 7617 — credentials of HTTP Basic', () => {
  it.each([
    ['plain', 'anna@example.org:secret', 'anna@example.org', 'secret'],
    ['a password with colons', 'anna:a:b::c', 'anna', 'a:b::c'],
    ['an empty password', 'anna:', 'anna', ''],
    ['UTF-8', 'zoë@example.org:pässwörd€', 'zoë@example.org', 'pässwörd€'],
    ['base64 with + and /', 'a:\u07ff\u07bf>>>???', 'a', '\u07ff\u07bf>>>???'],
  ])('%s', (_, text, userName, password) => {
    expect(parseBasic(encode(text))).toEqual({ userName, password });
  });

  it('the base64 alphabet of that example does hold + and /', () => {
    expect(encode('a:\u07ff\u07bf>>>???')).toMatch(/\+.*\/|\/.*\+/);
  });

  it('bytes that are no UTF-8 are Latin-1', () => {
    expect(parseBasic(encode(Buffer.from('zoë:pässwörd', 'latin1')))).toEqual({
      userName: 'zoë',
      password: 'pässwörd',
    });
  });

  it('the scheme in any case, with more than one space', () => {
    expect(parseBasic(encode('a:b').replace('Basic ', 'BASIC   '))).toEqual({ userName: 'a', password: 'b' });
  });

  it.each([undefined, '', 'Basic', 'Basic ', 'Bearer abcd', 'Digest username="a"', 'Basic a:b', encode('no colon')])(
    '%s is no credential',
    (header) => {
      expect(parseBasic(header)).toBeNull();
    },
  );
});
