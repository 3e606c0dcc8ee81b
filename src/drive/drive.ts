import type { Readable } from 'node:stream';
import type { Membership } from '../stores/account-store.js';
import type { ContentRow, DriveStore } from '../stores/drive-store.js';
import type { ByteRange } from '../stores/values.js';
import { Changes, ContentCollectedError } from './changes.js';
import type { Contents, Expectations, Incoming, ReceivedContent } from './contents.js';
import { DriveError } from './drive-error.js';
import { noRoom } from './quota.js';
import { sizeText } from './size-text.js';
import { Snapshot } from './snapshot.js';
import type { Uploads } from './uploads.js';

/** What all drives of a server share. */
export interface DriveParts {
  readonly drives: DriveStore;
  readonly contents: Contents;
  readonly uploads: Uploads;
  /** Largest file in bytes where a drive says nothing (PRODUCT U2). */
  readonly uploadMaxBytes: number;
  /** Largest file that any drive can be given. */
  readonly uploadMaxExtendedBytes: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Times that an upload is put back after a collector took its bytes; more than once is hard to imagine. */
const RESTORES_MAX = 5;

/** One drive as one principal works on it. Lives as long as a request. */
export class Drive {
  constructor(
    readonly membership: Membership,
    readonly parts: DriveParts,
  ) {}

  /** Largest file in bytes. */
  get uploadMaxBytes(): number {
    const { uploadMaxBytes, uploadMaxExtendedBytes } = this.parts;
    return Math.min(this.membership.uploadMaxBytes ?? uploadMaxBytes, uploadMaxExtendedBytes);
  }

  /** Runs work on one committed snapshot; it awaits nothing else. */
  read<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    const now = this.parts.now();
    return this.parts.drives.read((view) => work(new Snapshot(view, this.membership, now)));
  }

  /** Runs work as one durable transaction; it awaits nothing else. Rejecting changes nothing. */
  write<T>(work: (changes: Changes) => Promise<T>): Promise<T> {
    const { contents, drives } = this.parts;
    const now = this.parts.now();
    return drives.write((transaction) => work(new Changes(transaction, this.membership, now, contents)));
  }

  /** As `write`, for work that names a received content, which is given up afterwards in any case. */
  async writeContent<T>(content: ReceivedContent, work: (changes: Changes) => Promise<T>): Promise<T> {
    try {
      for (let tries = 0; ; tries++) {
        try {
          return await this.write(work);
        } catch (error) {
          if (!(error instanceof ContentCollectedError) || tries >= RESTORES_MAX) throw error;
          await content.restore();
        }
      }
    } finally {
      await content.release();
    }
  }

  /** Throws `DriveError` `too-large` when a file of that size is more than the drive takes. */
  checkSize(size: number): void {
    if (size > this.uploadMaxBytes) throw tooLarge(this.uploadMaxBytes);
  }

  /**
   * Takes the bytes of an upload, as far as the drive's cap and the `room` left under its quotas allow; `before` of the
   * file's bytes have come already. Rejects with `DriveError`; nothing stays behind then.
   */
  receive(
    incoming: Incoming,
    expected: Expectations,
    room: number,
    signal?: AbortSignal,
    before = 0,
  ): Promise<ReceivedContent> {
    const cap = this.uploadMaxBytes;
    const limit =
      room < cap - before
        ? { bytes: room, error: () => noRoom(room) }
        : { bytes: cap - before, error: () => tooLarge(cap) };
    return this.parts.contents.receive(incoming, expected, limit, signal);
  }

  open(content: ContentRow, range?: ByteRange): Promise<Uint8Array | Readable> {
    return this.parts.contents.open(content, range);
  }
}

function tooLarge(bytes: number): DriveError {
  return new DriveError('too-large', `This drive takes files up to ${sizeText(bytes)}.`);
}
