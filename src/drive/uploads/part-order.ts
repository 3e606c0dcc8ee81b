import { DriveError } from '../drive-error.js';

/** Where a part belongs, as its name says. */
export interface PartPlace {
  /** An index, or where in the file the part begins. */
  readonly number: number;
  /** How many bytes it may have; null where the name doesn't tell. */
  readonly sizes: readonly number[] | null;
}

const INDEX_OR_OFFSET = /^\d{1,16}$/;
const RANGE = /^(\d{1,16})-(\d{1,16})$/;

/**
 * Reads the name of a part: an index (Nextcloud desktop and Android), where it begins (ownCloud desktop 2.11), or where it
 * begins and ends (`%015d-%015d`: rclone, Nextcloud's manual), the end being its last byte or the one after it. Null for
 * other names.
 */
export function readPartName(name: string): PartPlace | null {
  if (INDEX_OR_OFFSET.test(name)) return safe(Number(name), null);
  const [, start, end] = RANGE.exec(name) ?? [];
  if (start === undefined || Number(end) < Number(start)) return null;
  const length = Number(end) - Number(start);
  return safe(Number(start), [length, length + 1]);
}

function safe(number: number, sizes: PartPlace['sizes']): PartPlace | null {
  return Number.isSafeInteger(number) ? { number, sizes } : null;
}

/**
 * The parts in the order of the file. Their numbers count on from 0 or 1 without a gap, or each is the sum of the sizes
 * before it; for anything else it throws `DriveError` `incomplete`.
 */
export function orderParts<Part extends { readonly number: number; readonly size: number }>(
  parts: readonly Part[],
): Part[] {
  const ordered = [...parts].sort((one, other) => one.number - other.number || one.size - other.size);
  if (!areConsecutive(ordered) && !areAdjacent(ordered)) {
    throw new DriveError('incomplete', 'A part of the upload is missing, or does not fit the others.');
  }
  return ordered;
}

function areConsecutive(parts: readonly { readonly number: number }[]): boolean {
  const first = parts[0]?.number ?? 0;
  return first <= 1 && parts.every(({ number }, index) => number === first + index);
}

/** Equal numbers come in the order of their sizes, so that one without bytes may stand before another. */
function areAdjacent(parts: readonly { readonly number: number; readonly size: number }[]): boolean {
  let end = 0;
  for (const { number, size } of parts) {
    if (number !== end) return false;
    end += size;
  }
  return true;
}
