import type { BlobId, ByteRange } from '../stores/values.js';

/** Whether a blob of `size` bytes has all of the range. */
export function isWithin({ start, end }: ByteRange, size: number): boolean {
  return start >= 0 && start <= end && end < size;
}

/** The range, or all of the blob where none is asked for. Throws `RangeError` as `BlobStore.open` has it. */
export function rangeWithin(id: BlobId, size: number, range: ByteRange | undefined): ByteRange {
  if (!range) return { start: 0, end: size - 1 };
  if (isWithin(range, size)) return range;
  throw new RangeError(`bytes ${range.start}-${range.end} are not within the ${size} bytes of ${id}`);
}
