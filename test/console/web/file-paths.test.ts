import { describe, expect, test } from 'vitest';
import { kindOf } from '../../../src/console/web/files/file-kinds.js';
import {
  crumbsOf,
  isInside,
  joinPath,
  nameOf,
  nameProblem,
  parentOf,
  stemLength,
} from '../../../src/console/web/files/file-paths.js';

describe('paths and names in the pages', () => {
  test('paths are put together and taken apart', () => {
    expect(joinPath('/', 'Firn')).toBe('/Firn');
    expect(joinPath('/Firn', 'a b')).toBe('/Firn/a b');
    expect([parentOf('/Firn/a/b'), parentOf('/Firn'), nameOf('/Firn/a')]).toEqual(['/Firn/a', '/', 'a']);
    expect(crumbsOf('/Firn/a/b').map(({ path }) => path)).toEqual(['/Firn', '/Firn/a', '/Firn/a/b']);
    expect([isInside('/a/b', '/a'), isInside('/a', '/a'), isInside('/ab', '/a'), isInside('/a', '/')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  test('PRODUCT D6 — what can not be a name is said before the server is asked', () => {
    expect(['', ' ', 'a/b', '.', '..', 'é'.repeat(128)].map(nameProblem)).toEqual([
      'empty',
      'empty',
      'slash',
      'dots',
      'dots',
      'long',
    ]);
    expect(['a:b', 'é'.repeat(127), '<img src=x onerror=alert(1)>'].map(nameProblem)).toEqual([null, null, null]);
  });

  test('a rename leaves the ending unmarked', () => {
    expect(stemLength('sea.tar.gz', false)).toBe(7);
    expect([stemLength('.bashrc', false), stemLength('v1.2', true)]).toEqual([7, 4]);
  });

  test('kinds come from the type, where endings mean two things from the ending', () => {
    const kind = (name: string, contentType: string | null) => kindOf({ name, isFolder: false, contentType });
    expect(kind('a.ts', 'video/mp2t')).toBe('text');
    expect(kind('a', 'image/png')).toBe('image');
    expect(kind('a.pdf', 'application/pdf; x=y')).toBe('pdf');
    expect(kind('a.bin', null)).toBe('other');
    expect(kind('page.html', 'text/html')).toBe('text');
  });
});
