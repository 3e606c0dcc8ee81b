import { expect } from 'vitest';
import { DavError } from '../../src/dav/dav-error.js';

/** What the work is refused with; fails the test when it is not refused, or by anything but a DavError. */
export function refusal(work: () => unknown): DavError {
  let result: unknown;
  try {
    result = work();
  } catch (error) {
    expect(error).toBeInstanceOf(DavError);
    return error as DavError;
  }
  throw new Error(`not refused, but ${JSON.stringify(result)}`);
}

/** The result of the work, or the DavError it is refused with; whatever else is thrown goes through. */
export function resultOrRefusal<T>(work: () => T): T | DavError {
  try {
    return work();
  } catch (error) {
    if (error instanceof DavError) return error;
    throw error;
  }
}
