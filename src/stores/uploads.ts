import type { ContentRow } from './metadata-store.js';
import type { BlobId, DriveId, NodeId, UploadId, UserId } from './values.js';

/** Whose an upload is, and its name in addresses. */
export interface UploadKey {
  readonly driveId: DriveId;
  readonly userId: UserId;
  /** The folder of a limited app password: what it uploads is nobody else's. */
  readonly scopeId: NodeId | null;
  readonly name: string;
}

export interface NewUpload extends UploadKey {
  /** Bytes of the whole, where they are announced. */
  readonly size: number | null;
  /** What is to become of the file, as the caller writes it; null where that is said at the end. */
  readonly target: string | null;
  readonly expiresAt: number;
}

/** Who works on an upload alone. It counts for nothing when its time is over. */
export interface UploadLease {
  readonly holder: string;
  readonly until: number;
}

export interface UploadRow extends NewUpload {
  readonly id: UploadId;
  /** Bytes of all parts together. */
  readonly received: number;
  /** How many parts there are. */
  readonly parts: number;
  readonly createdAt: number;
  /** Its parts are gone then; the row stays to tell of it. */
  readonly finishedAt: number | null;
  readonly lease: UploadLease | null;
}

export interface PartRow {
  /** Unique within the upload. */
  readonly name: string;
  /** Where it belongs: an index, or where in the file it begins. */
  readonly number: number;
  readonly size: number;
  readonly blobId: BlobId;
  readonly storedAt: number;
}

/**
 * Uploads that come in parts, of all drives. Each part names a content, which is kept as that of a file is. Times are
 * milliseconds since 1970, sizes bytes. What has expired is there until it is removed: the caller looks at `expiresAt`.
 */
export interface UploadView {
  /** Null when there is none of that name. */
  find(key: UploadKey): Promise<UploadRow | null>;
  /** All parts, by number, then name. */
  parts(id: UploadId): Promise<PartRow[]>;
  findPart(id: UploadId, name: string): Promise<PartRow | null>;
  /** The content of a part; null where the part is gone or has another one. */
  findContent(id: UploadId, part: Pick<PartRow, 'name' | 'blobId'>): Promise<ContentRow | null>;
  /** How many uploads of a user, on all drives, are neither finished nor expired. */
  countOpen(userId: UserId, now: number): Promise<number>;
  /** Bytes of the parts of all uploads to a drive, and of one member's among them. */
  held(driveId: DriveId, userId: UserId): Promise<{ readonly driveBytes: number; readonly memberBytes: number }>;
  /** Over all drives: uploads that are neither finished nor expired, and the bytes of their parts. */
  totals(now: number): Promise<{ readonly open: number; readonly bytes: number }>;
}

/** All changes keep `received` and `parts` true. */
export interface UploadTransaction extends UploadView {
  /** Throws `NameTakenError`. */
  insert(upload: NewUpload, now: number): Promise<UploadRow>;
  /** Remembers the size of the whole where it is announced after the beginning. */
  setSize(id: UploadId, size: number): Promise<void>;
  /**
   * Adds a part, or gives the one of that name another content; the content must have been recorded (`putContent`) in
   * this transaction. The upload then expires at `expiresAt`. False, and nothing is changed, where `expectedReceived` is a
   * number and the upload has received another one of bytes.
   */
  putPart(
    id: UploadId,
    part: PartRow,
    options: { readonly expiresAt: number; readonly expectedReceived: number | null },
  ): Promise<boolean>;
  /** False when there was none of that name. */
  removePart(id: UploadId, name: string): Promise<boolean>;
  /** The upload expires at `until` at the earliest. */
  keep(id: UploadId, until: number): Promise<void>;
  /** Also in place of a lease that another holds: the caller has looked. */
  setLease(id: UploadId, lease: UploadLease): Promise<void>;
  /** Of this holder; another's stays. */
  endLease(id: UploadId, holder: string): Promise<void>;
  /** Removes the parts and notes that the upload is finished. */
  finish(id: UploadId, now: number): Promise<void>;
  /** With its parts. */
  remove(id: UploadId): Promise<void>;
  /**
   * Removes what expired on a drive before `now`: at most about `limit` rows, parts before their upload. False when there is
   * nothing left to remove.
   */
  removeExpired(driveId: DriveId, now: number, limit: number): Promise<boolean>;
}
