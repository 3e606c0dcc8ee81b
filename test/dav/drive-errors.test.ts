import { describe, expect, it } from 'vitest';
import { toHttpError } from '../../src/dav/drive-errors.js';

describe('toDavError', () => {
  it.each(['EMFILE', 'ENFILE'])('faults E6 — without a file descriptor left (%s) a request is 503, for now', (code) => {
    const error = Object.assign(new Error(`${code}: too many open files, open`), { code });
    const request = { method: 'GET', base: '', root: [], path: [], spelling: '' };
    const answer = toHttpError(error, request);
    expect(answer).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } });
  });
});
