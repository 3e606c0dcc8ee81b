/** Values that must not be mixed carry a brand: the compiler refuses one where another is asked for. */
declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** SHA-256 of a content, 64 lower-case hexadecimal digits. */
export type BlobId = Brand<string, 'BlobId'>;
/** Where a BlobStore has the bytes of a blob: a name of the engine's own, or the blob's hash. */
export type BlobPlace = Brand<string, 'BlobPlace'>;
/** What a content is recorded as. */
export type ContentKey = Brand<number, 'ContentKey'>;
/** A file or collection. Never reused, stable over MOVE. */
export type NodeId = Brand<number, 'NodeId'>;
/** A drive's public number, six digits or more. */
export type DriveId = Brand<number, 'DriveId'>;
export type UserId = Brand<number, 'UserId'>;
/** The number of an app password. The secret is something else. */
export type AppPasswordId = Brand<number, 'AppPasswordId'>;
/** An upload that comes in parts. Never reused. */
export type UploadId = Brand<number, 'UploadId'>;
/** `opaquelocktoken:` URI of a WebDAV lock (RFC 4918 §6.5). */
export type LockToken = Brand<string, 'LockToken'>;

const BLOB_ID = /^[0-9a-f]{64}$/;

export function isBlobId(text: string): text is BlobId {
  return BLOB_ID.test(text);
}

/** A whole number of at most 15 digits, which a double holds exactly; null for any other text. */
export function readWhole(text: string): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Null for what can be no drive's number. */
export function readDriveId(text: string): DriveId | null {
  return /^\d{6,15}$/.test(text) ? (Number(text) as DriveId) : null;
}

/** Bytes `start` to `end`, both inclusive, as in HTTP. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Digests other than the blob's own name, kept because a client asked for or sent them (`oc:checksums`). */
export interface Digests {
  readonly sha1?: string;
  readonly md5?: string;
}
export type DigestName = keyof Digests;

/** What a dead property counts beside its text: many small ones cost their rows. In bytes. */
export const PROPERTY_ROW_BYTES = 100;
