import type { Membership } from '../../stores/account-store.js';
import { MAKES_ROOM } from '../../stores/metadata-store.js';
import type { PartRow, UploadKey, UploadRow } from '../../stores/uploads.js';
import type { Incoming } from '../contents.js';
import type { Drive } from '../drive.js';
import { DriveError } from '../drive-error.js';
import { checkNewName, type DrivePath } from '../names.js';
import type { Permit } from '../permit.js';
import { noRoom } from '../quota.js';
import { checkMayAdd } from '../rights.js';
import type { Snapshot } from '../snapshot.js';
import { checkBeforeBody, checkWritable, type FileWish, type Written } from '../write-file.js';
import { type Append, type Appended, append } from './append.js';
import { type Finish, finishUpload } from './finish-upload.js';
import { checkOpen } from './open-upload.js';
import { type NamedPart, type PartWish, receivePart, type StoredPart } from './receive-part.js';
import { roomAt, roomFor } from './upload-room.js';
import type { Uploads } from './uploads.js';

/** More than any sync program has open; bounds what a runaway one leaves. */
const OPEN_MAX = 1_000;

/** `in-parts`: its parts have names that say their order. `resumable`: bytes follow each other, and its file is known. */
export type UploadKind = 'in-parts' | 'resumable';

export interface Announced {
  readonly name: string;
  /** Bytes of the whole; null where nobody says. */
  readonly size: number | null;
}

/**
 * The uploads of one principal on one drive that come in parts. A part is durable when it is acknowledged, and survives
 * the process; the file is made by one transaction at the end, which takes the parts away. They belong to a drive, a user,
 * and the folder of a limited app password.
 */
export class DriveUploads {
  readonly #drive: Drive;
  readonly #shared: Uploads;

  constructor(drive: Drive, shared: Uploads) {
    this.#drive = drive;
    this.#shared = shared;
  }

  /**
   * Begins a resumable upload of the file at a path, for which all is checked that can be. `target`: see `NewUpload`.
   * Throws as `beginInParts`, and what the permit's check throws.
   */
  begin(
    announced: Announced & { readonly size: number; readonly target: string },
    path: DrivePath,
    permit: Permit,
  ): Promise<UploadRow> {
    return this.#open(announced, async (snapshot) => {
      const found = await snapshot.find(path);
      await checkWritable(snapshot, found, permit);
      const room = await roomFor(snapshot, found);
      if (announced.size > room) throw noRoom(room);
    });
  }

  /**
   * `destination`: where the file will be; null where nobody says. Throws `DriveError`: `exists`, `forbidden`, `too-large`,
   * `too-many`, `drive-full`. A finished upload of that name makes way.
   */
  beginInParts(announced: Announced, destination: DrivePath | null): Promise<UploadRow> {
    const { size } = announced;
    return this.#open({ ...announced, target: null }, async (snapshot) => {
      const left = size === null ? 0 : await roomAt(snapshot, destination);
      if (size !== null && size > left) throw noRoom(left);
    });
  }

  /** As `beginInParts`, unless there is one; checks for the file what `writeFile` would before its body. */
  async beginUnlessThere(announced: Announced, path: DrivePath, wish: FileWish): Promise<void> {
    const isThere = await this.#drive.read(async (snapshot) => {
      await checkBeforeBody(this.#drive, snapshot, path, wish, announced.size);
      return (await this.#look(snapshot, announced.name)) !== null;
    });
    if (isThere) return;
    await this.#open({ ...announced, target: null }).catch((error: unknown) => {
      // Another part of the same file was the first just now.
      if (!(error instanceof DriveError && error.kind === 'exists')) throw error;
    });
  }

  /** The upload of that name; one that is finished too, where it is remembered. Throws `DriveError` `not-found`. */
  async find(snapshot: Snapshot, name: string, kind?: UploadKind): Promise<UploadRow> {
    const upload = await this.#look(snapshot, name);
    if (!upload) throw new DriveError('not-found', 'There is no such upload.');
    const isOther = kind !== undefined && kind !== (upload.target === null ? 'in-parts' : 'resumable');
    if (!isOther) return upload;
    const what = kind === 'in-parts' ? 'upload in parts' : 'resumable upload';
    throw new DriveError('not-found', `There is no such ${what}.`);
  }

  /** The stored parts of an upload. */
  parts(snapshot: Snapshot, { id }: UploadRow): Promise<PartRow[]> {
    return snapshot.view.uploads.parts(id);
  }

  /** Runs work on an upload while nobody else begins to work on it; it doesn't expire meanwhile. Throws `busy`. */
  alone<T>(upload: UploadRow, work: () => Promise<T>): Promise<T> {
    return this.#shared.alone(upload, work);
  }

  /** See `receivePart` in `receive-part.ts`. */
  receivePart(upload: string, part: NamedPart, incoming: Incoming, wish: PartWish): Promise<StoredPart> {
    const find = (snapshot: Snapshot) => this.find(snapshot, upload, 'in-parts');
    return receivePart({ drive: this.#drive, shared: this.#shared }, find, part, { ...wish, incoming });
  }

  /** See `append` in `append.ts`. */
  append(upload: UploadRow, wish: Append): Promise<Appended> {
    return append({ drive: this.#drive, shared: this.#shared }, upload, wish);
  }

  /** See `finishUpload` in `finish-upload.ts`. */
  finish(upload: UploadRow, path: DrivePath, wish: Finish): Promise<Written> {
    return finishUpload({ drive: this.#drive, shared: this.#shared }, upload, path, wish);
  }

  /** Throws `DriveError` `not-found`, `forbidden`, `busy`. */
  async removePart(upload: UploadRow, name: string): Promise<void> {
    const former = await this.#drive.write(async (transaction) => {
      checkMayAdd(transaction.membership);
      this.#shared.checkFree(await checkOpen(transaction, upload, null));
      const { uploads } = transaction.store;
      const part = await uploads.findPart(upload.id, name);
      if (!part) throw new DriveError('not-found', 'There is no such part.');
      await uploads.removePart(upload.id, name);
      return part;
    }, MAKES_ROOM);
    this.#shared.assemblies.remove(upload.id, former.number);
  }

  /** With its parts; the file that it became, if it did, stays. Throws `DriveError` `forbidden`, `busy`. */
  async remove(upload: UploadRow): Promise<void> {
    await this.#drive.write(async ({ membership, store }) => {
      checkMayAdd(membership);
      const row = await store.uploads.find(upload);
      if (row?.id === upload.id) this.#shared.checkFree(row);
      await store.uploads.remove(upload.id);
    }, MAKES_ROOM);
    this.#shared.assemblies.drop(upload.id);
  }

  /** Of one that nobody can go on with, whatever has become of the rights of who began it. */
  giveUp(upload: UploadRow): Promise<void> {
    return this.#shared.giveUp(upload);
  }

  #open(
    { name, size, target }: Announced & { readonly target: string | null },
    check: (snapshot: Snapshot) => Promise<void> = async () => {},
  ): Promise<UploadRow> {
    checkNewName(name);
    if (size !== null) this.#drive.checkSize(size);
    return this.#drive.write(async (transaction) => {
      const { membership, now } = transaction;
      const { uploads } = transaction.store;
      checkMayAdd(membership);
      await check(transaction);
      const key = keyOf(membership, name);
      const former = await uploads.find(key);
      if (former && isThere(former, now) && former.finishedAt === null) {
        throw new DriveError('exists', 'There is an upload of that name already.');
      }
      if (former) await uploads.remove(former.id);
      if ((await uploads.countOpen(membership.userId, now)) >= OPEN_MAX) {
        throw new DriveError(
          'too-many',
          `At most ${OPEN_MAX} uploads can be open at once. Finish some, or wait until they expire.`,
        );
      }
      return uploads.insert({ ...key, size, target, expiresAt: this.#shared.expiry(now) }, now);
    });
  }

  async #look(snapshot: Snapshot, name: string): Promise<UploadRow | null> {
    const upload = await snapshot.view.uploads.find(keyOf(snapshot.membership, name));
    return upload && isThere(upload, snapshot.now) ? upload : null;
  }
}

function keyOf({ driveId, userId, scopeId }: Membership, name: string): UploadKey {
  return { driveId, userId, scopeId, name };
}

function isThere(upload: UploadRow, now: number): boolean {
  return upload.expiresAt > now;
}
