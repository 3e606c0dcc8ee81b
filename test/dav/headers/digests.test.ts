import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAnnouncedDigests } from '../../../src/dav/headers/digests.js';
import { refusal, resultOrRefusal } from '../refusal.js';

const digest = (algorithm: string) => createHash(algorithm).update('firn').digest();
const hex = {
  sha256: digest('sha256').toString('hex'),
  sha1: digest('sha1').toString('hex'),
  md5: digest('md5').toString('hex'),
};
const base64 = {
  sha256: digest('sha256').toString('base64'),
  sha1: digest('sha1').toString('base64'),
  md5: digest('md5').toString('base64'),
};
const SHA256 = { algorithm: 'sha256', hex: hex.sha256 };
const SHA1 = { algorithm: 'sha1', hex: hex.sha1 };
const MD5 = { algorithm: 'md5', hex: hex.md5 };

describe('PRODUCT U3 — announced checksums', () => {
  test.each([
    ['nothing', {}, []],
    ['client-requirements R11 SHA1', { 'oc-checksum': `SHA1:${hex.sha1}` }, [SHA1]],
    ['MD5', { 'oc-checksum': `MD5:${hex.md5}` }, [MD5]],
    ['SHA256', { 'oc-checksum': `SHA256:${hex.sha256}` }, [SHA256]],
    ['any case', { 'oc-checksum': `sha1:${hex.sha1.toUpperCase()}` }, [SHA1]],
    ['several', { 'oc-checksum': `SHA1:${hex.sha1} MD5:${hex.md5} ADLER32:0d4d0a35` }, [SHA1, MD5]],
    ['unknown', { 'oc-checksum': 'ADLER32:0d4d0a35' }, []],
    ['a name from Object', { 'oc-checksum': 'constructor:00' }, []],
    ['empty', { 'oc-checksum': '' }, []],
    ['RFC 1864', { 'content-md5': base64.md5 }, [MD5]],
    ['RFC 9530', { 'content-digest': `sha-256=:${base64.sha256}:` }, [SHA256]],
    [
      'RFC 9530 several',
      { 'content-digest': `sha-512=:YQ==:, sha-256=:${base64.sha256}:;x=1,md5=:${base64.md5}:` },
      [SHA256, MD5],
    ],
    ['RFC 9530 sha is SHA-1', { 'content-digest': `sha=:${base64.sha1}:` }, [SHA1]],
    ['RFC 9530 Repr-Digest', { 'repr-digest': `sha-256=:${base64.sha256}:` }, [SHA256]],
    ['RFC 3230 Digest', { digest: `SHA-256=${base64.sha256},MD5=${base64.md5},unixsum=30637` }, [SHA256, MD5]],
    ['Digest in the new form', { digest: `sha-256=:${base64.sha256}:` }, [SHA256]],
    ['the same twice', { 'oc-checksum': `MD5:${hex.md5}`, 'content-md5': base64.md5 }, [MD5]],
  ])('%s', (_rule, headers, expected) => {
    expect(parseAnnouncedDigests(headers)).toEqual(expected);
  });

  test('two that differ are both kept, so that one of them fails', () => {
    const headers = { 'oc-checksum': `MD5:${'0'.repeat(32)}`, 'content-md5': base64.md5 };
    expect(parseAnnouncedDigests(headers)).toHaveLength(2);
  });

  test.each([
    ['no colon', { 'oc-checksum': hex.sha1 }],
    ['no hex', { 'oc-checksum': 'SHA1:' }],
    ['too short', { 'oc-checksum': 'SHA1:abcd' }],
    ['the length of another', { 'oc-checksum': `MD5:${hex.sha1}` }],
    ['not hex', { 'oc-checksum': `SHA1:${'g'.repeat(40)}` }],
    ['not base64', { 'content-md5': '!' }],
    ['hex as base64', { 'content-md5': hex.md5 }],
    ['no colons', { 'content-digest': `sha-256=${base64.sha256}` }],
    ['wrong length', { 'content-digest': `sha-256=:${base64.md5}:` }],
    ['no value', { 'content-digest': 'sha-256' }],
    ['empty value', { digest: 'SHA-256=' }],
  ])('malformed is 400: %s', (_rule, headers) => {
    expect(refusal(() => parseAnnouncedDigests(headers)).status).toBe(400);
  });

  test('any text gives digests of the right length or a HttpError 400', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((value) => `sha1:${value}`),
      fc.string().map((value) => `md5=${value}`),
    );
    const header = fc.constantFrom('oc-checksum', 'content-md5', 'content-digest', 'repr-digest', 'digest');
    fc.assert(
      fc.property(header, text, (name, value) => {
        const result = resultOrRefusal(() => parseAnnouncedDigests({ [name]: value }));
        if (!Array.isArray(result)) expect(result.status).toBe(400);
        else for (const { hex: digits } of result) expect(digits).toMatch(/^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/);
      }),
    );
  });
});
