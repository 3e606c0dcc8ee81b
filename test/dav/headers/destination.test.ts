import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDestination } from '../../../src/dav/headers/destination.js';
import { refusal, resultOrRefusal } from '../refusal.js';

describe('client-requirements R15 — every form of Destination', () => {
  test.each([
    ['absolute URL', 'http://h.example/a%20b/c', 'h.example', '/a%20b/c'],
    ['https and port', 'https://H.Example:8443/a', 'h.example:8443', '/a'],
    ['scheme in capitals', 'HTTP://h/a', 'h', '/a'],
    ['webdav scheme (KIO 6)', 'webdav://h/a', 'h', '/a'],
    ['webdavs scheme', 'webdavs://h/a', 'h', '/a'],
    ['dav scheme', 'dav://h/a', 'h', '/a'],
    ['davs scheme', 'davs://h/a', 'h', '/a'],
    ['user info (KIO 5)', 'http://alice:secret@h:81/a', 'h:81', '/a'],
    ['an @ inside the user info', 'http://a@b.c:se@cret@h/a', 'h', '/a'],
    ['an @ in the path', 'http://h/a@b', 'h', '/a@b'],
    ['IPv6', 'http://[::1]:8080/a', '[::1]:8080', '/a'],
    ['no path', 'http://h', 'h', '/'],
    ['absolute path (Nextcloud)', '/remote.php/dav/x', null, '/remote.php/dav/x'],
    ['two slashes are no host', '//evil/a', null, '//evil/a'],
    ['two slashes after the host', 'http://h//a', 'h', '//a'],
    ['relative (KeeWeb)', 'db.kdbx', null, '/dav/1/folder/db.kdbx'],
    ['relative, dot', './db.kdbx', null, '/dav/1/folder/db.kdbx'],
    ['relative, upwards', '../db.kdbx', null, '/dav/1/db.kdbx'],
    ['relative, folder', 'x/y/', null, '/dav/1/folder/x/y/'],
    ['relative, upwards to a folder', '..', null, '/dav/1/'],
    ['lower-case escapes stay', '/%c3%bc', null, '/%c3%bc'],
    ['a space', 'http://h/a b', 'h', '/a b'],
  ])('%s', (_form, value, host, path) => {
    expect(parseDestination(value, '/dav/1/folder/.db.kdbx.tmp')).toEqual({ host, path });
  });

  test('a relative path resolves against the path of the request alone', () => {
    expect(parseDestination('b', '/x/a?q=/1/2#f/g').path).toBe('/x/b');
    expect(parseDestination('b', 'http://h/x/a').path).toBe('/x/b');
    expect(parseDestination('b', '/x/').path).toBe('/x/b');
  });

  test.each([
    undefined,
    '',
    ' ',
    'ftp://h/a',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http:/a',
    'http:a',
    'http://',
    'http:///a',
    'http://a b/c',
    'http://user@/c',
    'http://h:port/c',
    '../../../../a',
    '..%2f../../../../a/../../..',
  ])('%j is 400', (value) => {
    expect(refusal(() => parseDestination(value, '/dav/1/a')).status).toBe(400);
  });

  test.each(['/C# notes', '/what?', 'http://h/a#b', 'x?y'])(
    'a bare ? or # would cut the name short: %j is 400',
    (value) => {
      expect(refusal(() => parseDestination(value, '/a')).status).toBe(400);
    },
  );

  test('no refusal repeats the header, which may hold a password', () => {
    const passwords = [
      'ftp://a:hunter2@h/x',
      'http://a:hunter2@/x',
      'http://a:hunter2@h/x#y',
      'http://a:hunter2@h:x/y',
    ];
    for (const value of passwords) {
      const error = refusal(() => parseDestination(value, '/a'));
      expect(`${error.message} ${error.stack}`).not.toContain('hunter2');
    }
  });

  test('any text gives an absolute path or a HttpError 400', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.webPath()), fc.webPath(), (value, requestUrl) => {
        const result = resultOrRefusal(() => parseDestination(value, requestUrl));
        if ('path' in result) expect(result.path.startsWith('/')).toBe(true);
        else expect(result.status).toBe(400);
      }),
    );
  });
});
