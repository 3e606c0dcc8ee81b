import type { Readable } from 'node:stream';
import type { Access, Authority, Membership } from '../stores/account-store.js';
import type { UploadOutcome } from '../stores/blob-store.js';
import type { CommitMark } from '../stores/commit-watch.js';
import type { ContentRow, MetadataStore, StoreTransaction, StoreView, WriteOptions } from '../stores/metadata-store.js';
import type { ByteRange, LockToken } from '../stores/values.js';
import type { Contents, Expectations, Incoming, Limit, ReceivedContent } from './contents.js';
import { completeDigests } from './digests.js';
import { DriveError } from './drive-error.js';
import { ContentCollectedError, DriveTransaction } from './drive-transaction.js';
import { type CollectionWish, makeCollection, makeFolders, type OpenedFolder } from './folders.js';
import { type FirstLooks, Foreseen } from './foreseen.js';
import { type KeptAnswers, rightsKey, type Worked } from './kept-answers.js';
import { lock, type MadeLock, type NewLock, refreshLock, unlock } from './locks/lock.js';
import type { PlacedLock } from './locks/lock-sentence.js';
import type { DrivePath } from './names.js';
import { copyOut } from './past/copy-out.js';
import { checkMoment } from './past/moments.js';
import { foreseePutBack, putBack, type TreeUndone } from './past/put-back.js';
import { sign } from './past/retention.js';
import { type ChangesUndone, foreseeUndo, undoChanges } from './past/undo.js';
import type { ChangesOf } from './past/undo-record.js';
import { type FileRef, listVersions, openVersion, restoreVersion, type VersionPage } from './past/versions.js';
import type { Permit } from './permit.js';
import { type PropertyChanges, setProperties } from './properties.js';
import { noRoom } from './quota.js';
import type { Resource } from './resource.js';
import { sizeText } from './size-text.js';
import { Snapshot } from './snapshot.js';
import { type CopyWish, copy, move, type Transferred, type TransferTarget, type TransferWish } from './transfer.js';
import { emptySeenTrash, remove, restore } from './trash.js';
import { DriveUploads } from './uploads/drive-uploads.js';
import type { Uploads } from './uploads/uploads.js';
import { type BodyWish, type Written, writeFile } from './write-file.js';

/** What all drives of a server share. */
export interface DriveDependencies {
  readonly metadata: MetadataStore;
  readonly contents: Contents;
  readonly uploads: Uploads;
  /** Largest file in bytes where a drive says nothing (PRODUCT U2). */
  readonly uploadMaxBytes: number;
  /** Largest file that any drive can be given. */
  readonly uploadMaxExtendedBytes: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Absent: none are kept. */
  readonly answers?: KeptAnswers;
  /** Called with the number of bytes that came to the disk, before they get a name. */
  readonly onReceived?: (membership: Membership, bytes: number) => void;
}

/** Times that an upload is recovered from a collector; more than twice is hard to imagine. */
const RECOVERIES_MAX = 5;

/** How long a read rests on what was found out when the principal came in, in milliseconds. */
const FRESH_MS = 1000;

/** When and how a drive is looked at. */
export interface DriveOptions {
  /** What is looked at, in milliseconds since 1970; null: the present. */
  readonly moment?: number | null;
  /** What `membership` is a part of; absent where nobody knows as of when it was. */
  readonly access?: Pick<Access, 'endsAt'> & { readonly asOf: CommitMark | null };
}

/** What is kept of an answer; see `Wanted`. */
export interface KeptWish<T> {
  /** All that the answer depends on beside the drive and the rights of its principal. */
  readonly key: string;
  readonly withContents: boolean;
  readonly holds?: ((value: T) => boolean) | undefined;
}

export interface DriveWriteOptions extends WriteOptions {
  /** The drive that the work joins. */
  readonly joined?: Drive;
  readonly looks?: FirstLooks;
}

/** One drive as one principal works on it. Lives as long as a request. */
export class Drive {
  readonly #openedAt = performance.now();
  readonly #parts: DriveDependencies;
  readonly #access: DriveOptions['access'];
  #isRead = false;
  readonly moment: number | null;

  /**
   * `membership`: what `authority` was found to lead to just now. Each write, and each later read, asks again (PRODUCT
   * S7). `authority` null: the operator's, which nobody takes away.
   */
  constructor(
    readonly membership: Membership,
    readonly authority: Authority | null,
    parts: DriveDependencies,
    { moment = null, access }: DriveOptions = {},
  ) {
    this.#parts = parts;
    this.moment = moment;
    this.#access = access;
  }

  /**
   * The drive as it was at a moment, which can only be read: as the principal may look at it now. Rejects with `DriveError`
   * `not-found` where that moment is not kept.
   */
  async at(moment: number): Promise<Drive> {
    await checkMoment(this, moment);
    return new Drive(this.membership, this.authority, this.#parts, { moment });
  }

  /** Those that come in parts. */
  get uploads(): DriveUploads {
    return new DriveUploads(this, this.#parts.uploads);
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#parts.now();
  }

  /** Largest file in bytes. */
  get uploadMaxBytes(): number {
    const { uploadMaxBytes, uploadMaxExtendedBytes } = this.#parts;
    return Math.min(this.membership.uploadMaxBytes ?? uploadMaxBytes, uploadMaxExtendedBytes);
  }

  /**
   * Runs work on one committed snapshot; it awaits nothing else. Rejects as `write` does, but for the first read of a
   * request that has just come.
   */
  read<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    const { metadata } = this.#parts;
    const now = this.#parts.now();
    if (!this.#isRead && this.#isFresh) {
      this.#isRead = true;
      return metadata.read([this.membership.driveId], (view) => work(this.#snapshot(view, this.membership, now)));
    }
    return metadata.read([this.membership.driveId], async (view) =>
      work(this.#snapshot(view, await this.#askAgain(view, now), now)),
    );
  }

  get #isFresh(): boolean {
    return performance.now() - this.#openedAt < FRESH_MS;
  }

  /** What `work` answers from one `read`, or answered before where that holds. Rejects as `work` does. */
  async kept<T>({ key, withContents, holds }: KeptWish<T>, work: () => Promise<Worked<T>>): Promise<T> {
    const { answers } = this.#parts;
    const asOf = this.#access?.asOf ?? null;
    if (!answers || asOf === null || this.moment !== null || !this.#isFresh) return (await work()).value;
    const basis = { drive: this.membership.driveId, withContents };
    return answers.find({ key: `${rightsKey(this.membership)}\n${key}`, basis, asOf, holds }, work);
  }

  #snapshot(view: StoreView, membership: Membership, now: number): Snapshot {
    if (this.moment === null) return new Snapshot(view, membership, now);
    // Nobody may change what was.
    return new Snapshot(view.at(this.moment), { ...membership, role: 'viewer' }, now, this.moment);
  }

  /**
   * Runs work as one durable transaction, with the rights that the principal has in it; it awaits nothing else. Rejecting
   * changes nothing. Rejects with `DriveError` `not-signed-in` and `no-such-drive` where there are none left.
   */
  write<T>(
    work: (transaction: DriveTransaction) => Promise<T>,
    { joined, looks, ...options }: DriveWriteOptions = {},
  ): Promise<T> {
    const { driveId } = this.membership;
    const other = joined?.membership.driveId ?? driveId;
    const drives = other === driveId ? [driveId] : [driveId, other];
    return this.#parts.metadata.write(drives, async (store) => work(await this.#open(store, looks)), options);
  }

  /** This drive in a transaction: its own, or another drive's, which names it as `joined`. Rejects as `write` does. */
  async join(transaction: DriveTransaction, looks?: FirstLooks): Promise<DriveTransaction> {
    const isSame = this.membership.driveId === transaction.membership.driveId;
    return isSame ? transaction : this.#open(transaction.store, looks);
  }

  async #open(store: StoreTransaction, looks?: FirstLooks): Promise<DriveTransaction> {
    if (this.moment !== null) throw new DriveError('forbidden', 'The past can be looked at and copied, not changed.');
    const now = this.#parts.now();
    sign(store, this.authority, now);
    const asked = this.#isAsBefore(store, now) ? this.membership : this.#askAgain(store, now);
    const foreseen = looks ? new Foreseen(new Snapshot(store, this.membership, now), looks) : null;
    return new DriveTransaction(store, await asked, now, this.#parts.contents, foreseen);
  }

  /** Whether asking again would find what was found. */
  #isAsBefore(store: StoreTransaction, now: number): boolean {
    if (!this.#access?.asOf) return false;
    const { asOf, endsAt } = this.#access;
    return (endsAt === null || endsAt > now) && store.areRightsSame(asOf);
  }

  async #askAgain(view: StoreView, now: number): Promise<Membership> {
    if (this.authority === null) return this.membership;
    const { stands, membership } = await view.accounts.access(this.authority, this.membership.driveId, now);
    if (!stands) throw new DriveError('not-signed-in', 'Your access has ended meanwhile. Sign in again.');
    if (!membership) {
      throw new DriveError('no-such-drive', 'There is no such drive, or you are no member of it any more.');
    }
    return membership;
  }

  /** See `writeFile` in `write-file.ts`. */
  writeFile(path: DrivePath, incoming: Incoming, wish: BodyWish): Promise<Written> {
    return writeFile(this, path, incoming, wish);
  }

  /** See `makeCollection` in `folders.ts`. */
  makeCollection(path: DrivePath, wish: CollectionWish): Promise<Resource> {
    return makeCollection(this, path, wish);
  }

  /** See `makeFolders` in `folders.ts`. */
  makeFolders(path: DrivePath): Promise<OpenedFolder> {
    return makeFolders(this, path);
  }

  /** See `move` in `transfer.ts`. */
  move(from: DrivePath, to: TransferTarget, wish: TransferWish): Promise<Transferred> {
    return move(this, from, to, wish);
  }

  /** See `copy` in `transfer.ts`, and `copyOut` in `past/copy-out.ts`. */
  copy(from: DrivePath, to: TransferTarget, wish: CopyWish): Promise<Transferred> {
    if (this.moment !== null) {
      const present = new Drive(this.membership, this.authority, this.#parts);
      return copyOut(present, this.moment, from, to, wish);
    }
    return copy({ drive: this, metadata: this.#parts.metadata }, from, to, wish);
  }

  /** See `remove` in `trash.ts`. */
  remove(paths: readonly DrivePath[], permit: Permit): Promise<string[]> {
    return remove(this, paths, permit);
  }

  /** See `restore` in `trash.ts`. */
  restore(paths: readonly DrivePath[]): Promise<DrivePath[]> {
    return restore(this, paths);
  }

  /** See `listVersions` in `past/versions.ts`. */
  versions(file: FileRef, before: number | null = null): Promise<VersionPage> {
    return listVersions(this, file, before);
  }

  /** See `openVersion` in `past/versions.ts`. */
  openVersion(file: FileRef, id: number): ReturnType<typeof openVersion> {
    return openVersion(this, file, id);
  }

  /** See `restoreVersion` in `past/versions.ts`. */
  restoreVersion(file: FileRef, id: number, permit: Permit): Promise<Resource> {
    return restoreVersion(this, file, id, permit);
  }

  /** See `putBack` in `past/put-back.ts`. */
  putBack(path: DrivePath, moment: number, permit: Permit): Promise<TreeUndone> {
    return putBack(this, path, moment, permit);
  }

  /** See `foreseePutBack` in `past/put-back.ts`. */
  foreseePutBack(path: DrivePath, moment: number): Promise<TreeUndone> {
    return foreseePutBack(this, path, moment);
  }

  /** See `undoChanges` in `past/undo.ts`. */
  undoChanges(path: DrivePath, since: number, by: ChangesOf): Promise<ChangesUndone> {
    return undoChanges(this, path, since, by);
  }

  /** See `foreseeUndo` in `past/undo.ts`. */
  foreseeUndo(path: DrivePath, since: number, by: ChangesOf): Promise<ChangesUndone> {
    return foreseeUndo(this, path, since, by);
  }

  /** See `emptySeenTrash` in `trash.ts`. */
  emptyTrash(): Promise<number> {
    return emptySeenTrash(this);
  }

  /** See `setProperties` in `properties.ts`. */
  setProperties(
    path: DrivePath,
    changesFor: (content: ContentRow | null) => PropertyChanges,
    permit: Permit,
  ): Promise<Resource> {
    return setProperties(this, path, changesFor, permit);
  }

  /** See `completeDigests` in `digests.ts`. */
  completeDigests(path: DrivePath, content: ContentRow, signal: AbortSignal): Promise<ContentRow> {
    return completeDigests(this, this.#parts.contents, path, content, signal);
  }

  /** See `lock` in `locks/lock.ts`. */
  lock(path: DrivePath, wanted: NewLock, permit: Permit): Promise<MadeLock> {
    return lock(this, path, wanted, permit);
  }

  /** See `refreshLock` in `locks/lock.ts`. */
  refreshLock(path: DrivePath, timeoutSeconds: number, permit: Permit): Promise<PlacedLock | null> {
    return refreshLock(this, path, timeoutSeconds, permit);
  }

  /** See `unlock` in `locks/lock.ts`. */
  unlock(path: DrivePath, token: LockToken, permit: Permit): Promise<boolean> {
    return unlock(this, path, token, permit);
  }

  /** As `write`, for work that names a received content, which is given up afterwards in any case. */
  async writeContent<T>(
    content: ReceivedContent,
    work: (transaction: DriveTransaction) => Promise<T>,
    looks?: FirstLooks,
  ): Promise<T> {
    if (content.row.bytes === null) this.#parts.onReceived?.(this.membership, content.row.size);
    let outcome: UploadOutcome = 'surplus';
    const tried = async (transaction: DriveTransaction) => {
      outcome = 'surplus';
      const done = await work(transaction);
      // From here on only the store knows.
      outcome = 'unknown';
      return done;
    };
    try {
      for (let tries = 0; ; tries++) {
        try {
          const done = await this.write(tried, looks ? { looks } : {});
          outcome = 'named';
          return done;
        } catch (error) {
          if (!(error instanceof ContentCollectedError) || tries >= RECOVERIES_MAX) throw error;
          await content.recover(error.sweep);
        }
      }
    } finally {
      await content.release(outcome);
    }
  }

  /** Whether a content of that size is stored with the row that names it. */
  isSmall(size: number | null): boolean {
    return this.#parts.contents.isSmall(size);
  }

  /** Room on the server's disk; null: nobody knows. */
  freeBytes(): Promise<number | null> {
    return this.#parts.contents.freeBytes();
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
    return this.receiveUpTo(limit, incoming, expected, signal);
  }

  /** As `receive`, with a limit of its own. */
  receiveUpTo(
    limit: Limit,
    incoming: Incoming,
    expected: Expectations,
    signal?: AbortSignal,
  ): Promise<ReceivedContent> {
    return this.#parts.contents.receive(incoming, expected, limit, signal);
  }

  open(content: ContentRow, range?: ByteRange): Promise<Uint8Array | Readable> {
    return this.#parts.contents.open(content, range);
  }
}

function tooLarge(bytes: number): DriveError {
  return new DriveError('too-large', `This drive takes files up to ${sizeText(bytes)}.`);
}
