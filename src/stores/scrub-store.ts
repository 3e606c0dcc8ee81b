import type { NewAuditRecord } from './security-store.js';
import type { BlobId, DriveId } from './values.js';

/** Digits by which all contents fall into parts: 256 of them. */
export const PART_DIGITS = 2;

/**
 * What the reading of all contents has found: when each part was read last, and what is damaged. Times are milliseconds since 1970. The
 * audit records are written with the change, or neither is.
 */
export interface ScrubStore {
  /** When the last reading of each part began, by its digits; of a part that was never read whole there is none. */
  verifiedAt(): Promise<ReadonlyMap<string, number>>;
  noteVerified(digits: string, at: number): Promise<void>;
  /** False, and nothing happens, where the content is known as damaged. */
  noteDamage(damage: NewDamage, record: NewAuditRecord): Promise<boolean>;
  /** Up to `limit` of what is damaged, the longest known first. */
  damages(limit: number): Promise<DamageRow[]>;
  countDamages(): Promise<number>;
  /** How many damaged contents files of each drive have, now or in the past; drives without are left out. */
  damagesByDrive(): Promise<ReadonlyMap<DriveId, number>>;
  /** Null: nothing is to be told. False, and nothing happens, where the content isn't known as damaged. */
  forgetDamage(contentId: BlobId, record: NewAuditRecord | null): Promise<boolean>;
  /** Administrators were written to about these. */
  noteTold(contentIds: readonly BlobId[], at: number): Promise<void>;
}

export interface NewDamage {
  readonly contentId: BlobId;
  readonly kind: string;
  /** For people; names files. */
  readonly message: string;
  readonly foundAt: number;
}

export interface DamageRow extends NewDamage {
  readonly toldAt: number | null;
}
