import { describe, expect, it } from 'vitest';
import { formatByteSize, parseByteSize } from '../../src/admin/byte-size.js';

describe('PRODUCT §10 — sizes', () => {
  it.each([
    ['0', 0],
    ['50000000000', 50e9],
    ['50GB', 50e9],
    ['50 gb', 50e9],
    ['50GiB', 50 * 2 ** 30],
    ['1.5TB', 1.5e12],
    ['7B', 7],
    ['1KiB', 1024],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each(['', 'GB', '-1', '1e9', '50G', '50XB', '1,5GB', '9999999999TB'])('%j is none', (text) => {
    expect(parseByteSize(text)).toBeNull();
  });

  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1500, '1.5 KB'],
    [50e9, '50 GB'],
    [1e12, '1 TB'],
  ])('%d is shown as %s', (bytes, text) => {
    expect(formatByteSize(bytes)).toBe(text);
  });
});
