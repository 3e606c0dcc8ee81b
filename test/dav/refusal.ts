import { expect } from 'vitest';
import { HttpError } from '../../src/http-error.js';

/** What the work is refused with; fails the test when it is not refused, or by anything but a HttpError. */
export function refusal(work: () => unknown): HttpError {
  let result: unknown;
  try {
    result = work();
  } catch (error) {
    expect(error).toBeInstanceOf(HttpError);
    return error as HttpError;
  }
  throw new Error(`not refused, but ${JSON.stringify(result)}`);
}

/** The result of the work, or the HttpError it is refused with; whatever else is thrown goes through. */
export function resultOrRefusal<T>(work: () => T): T | HttpError {
  try {
    return work();
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
}
