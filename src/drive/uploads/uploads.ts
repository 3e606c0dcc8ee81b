import type { Membership } from '../../stores/account-store.js';
import { MAKES_ROOM, type MetadataStore } from '../../stores/metadata-store.js';
import type { PartRow, UploadKey, UploadRow } from '../../stores/uploads.js';
import type { UploadId } from '../../stores/values.js';
import { CLIENT_DIGESTS, type Contents, type ReceivedContent } from '../contents.js';
import type { Drive } from '../drive.js';
import { DriveError } from '../drive-error.js';
import type { DriveTransaction } from '../drive-transaction.js';
import { checkNewName } from '../names.js';
import { noRoom } from '../quota.js';
import { checkMayAdd } from '../rights.js';
import type { Snapshot } from '../snapshot.js';
import { Assemblies } from './assemblies.js';
import { orderParts } from './part-order.js';

/** As many as Nextcloud's chunking v2 has names for. */
export const PARTS_MAX = 10_000;
/** More than any sync program has open; bounds what a runaway one leaves. */
const OPEN_MAX = 1_000;
/** Rows that one transaction of the expiry removes. */
const EXPIRY_ROWS = 1_000;
const HOUR_MS = 3_600_000;

export interface UploadsOptions {
  readonly metadata: MetadataStore;
  readonly contents: Contents;
  /** How long after its last part an upload goes. */
  readonly expiryHours: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Announced {
  readonly name: string;
  /** Bytes of the whole; null where nobody says. */
  readonly size: number | null;
  /** See `NewUpload`. */
  readonly target: string | null;
}

/** What has to come together for a file to be made of parts. */
export interface Finish<T> {
  readonly upload: UploadRow;
  /** The last part, where it has not been stored as one. Given up in any case. */
  readonly tail?: ReceivedContent;
  /** Whether the upload is still known when it is finished. */
  readonly isRemembered: boolean;
  /** Throws what keeps the file from being made, before the bytes are put together. `size` is that of the file. */
  readonly check: (snapshot: Snapshot, size: number) => Promise<unknown>;
  /**
   * Makes the file in one transaction, which also calls `seal`; the content is given up in any case. May throw
   * because of what the content is.
   */
  readonly commit: (content: ReceivedContent, seal: (changes: DriveTransaction) => Promise<void>) => Promise<T>;
}

/**
 * Uploads that come in parts. A part is durable when it is acknowledged, and survives the process; the file is made by
 * one transaction at the end, which takes the parts away. Belongs to a drive, a user, and the folder of a limited app
 * password.
 */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #assemblies: Assemblies;
  /** How many requests are at work on an upload. */
  readonly #inUse = new Map<UploadId, number>();
  readonly #alone = new Set<UploadId>();
  readonly #working = new Set<Promise<unknown>>();

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#assemblies = new Assemblies(options.metadata, options.contents);
  }

  /**
   * Throws `DriveError`: `exists`, `forbidden`, `too-large`, `too-many`, and what `check` throws. A finished upload of
   * that name makes way.
   */
  async open(
    drive: Drive,
    announced: Announced,
    check: (snapshot: Snapshot) => Promise<void> = async () => {},
  ): Promise<UploadRow> {
    checkNewName(announced.name);
    if (announced.size !== null) drive.checkSize(announced.size);
    return drive.write(async (changes) => {
      const { membership, now } = changes;
      const { uploads } = changes.transaction;
      checkMayAdd(membership);
      await check(changes);
      const key = keyOf(membership, announced.name);
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
      const { size, target } = announced;
      return uploads.insert({ ...key, size, target, expiresAt: this.#expiry(now) }, now);
    });
  }

  /** The upload of that name; one that is finished too, where it is remembered. Throws `DriveError` `not-found`. */
  async find(snapshot: Snapshot, name: string): Promise<UploadRow> {
    const upload = await snapshot.view.uploads.find(keyOf(snapshot.membership, name));
    if (!upload || !isThere(upload, snapshot.now)) throw new DriveError('not-found', 'There is no such upload.');
    return upload;
  }

  /** Runs work on an upload that others may work on as well, which doesn't expire meanwhile. Throws `busy`. */
  async sharing<T>(upload: UploadRow, work: () => Promise<T>): Promise<T> {
    const { id } = upload;
    if (this.#alone.has(id))
      throw new DriveError('busy', 'Another request is working on this upload. Try again in a moment.');
    this.#inUse.set(id, (this.#inUse.get(id) ?? 0) + 1);
    const working = work();
    this.#working.add(working);
    try {
      return await working;
    } finally {
      this.#working.delete(working);
      const left = this.#inUse.get(id)! - 1;
      if (left > 0) this.#inUse.set(id, left);
      else this.#inUse.delete(id);
    }
  }

  /** As `sharing`, and nobody else begins to work on the upload meanwhile. */
  alone<T>(upload: UploadRow, work: () => Promise<T>): Promise<T> {
    return this.sharing(upload, async () => {
      this.#alone.add(upload.id);
      try {
        return await work();
      } finally {
        this.#alone.delete(upload.id);
      }
    });
  }

  /** Bytes that still fit under the quotas, beside what open uploads hold already (PRODUCT D5). */
  async room(snapshot: Snapshot, space: 'home' | 'common'): Promise<number> {
    const { driveQuotaBytes, memberQuotaBytes, driveId, userId } = snapshot.membership;
    const counted = space === 'home' ? memberQuotaBytes : null;
    if (driveQuotaBytes === null && counted === null) return Number.POSITIVE_INFINITY;
    const usage = await snapshot.view.usage(snapshot.membership);
    const held = await snapshot.view.uploads.held(driveId, userId);
    const drive = (driveQuotaBytes ?? Infinity) - usage.driveBytes - held.driveBytes;
    const member = (counted ?? Infinity) - usage.memberBytes - held.memberBytes;
    return Math.max(0, Math.min(drive, member));
  }

  /**
   * Keeps a received content as a part of the upload, in the place of one of the same name; it is given up in any case.
   * Waits a little where putting the file together is far behind. Throws `DriveError`: `not-found`, `too-large`,
   * `drive-full` where `room` has fewer bytes left than the part takes more than the one of before, `incomplete` where
   * `size`, the announced one of the whole, is another than before.
   */
  async putPart(
    drive: Drive,
    upload: UploadRow,
    place: { readonly name: string; readonly number: number },
    content: ReceivedContent,
    { room, size = null }: { readonly room: (snapshot: Snapshot) => Promise<number>; readonly size?: number | null },
  ): Promise<{ part: PartRow; isNew: boolean; upload: UploadRow }> {
    const stored = await drive.writeContent(content, async (changes) => {
      const { uploads } = changes.transaction;
      checkMayAdd(changes.membership);
      const open = await checkOpen(changes, upload);
      const former = await uploads.findPart(upload.id, place.name);
      const received = open.received - (former?.size ?? 0) + content.row.size;
      drive.checkSize(received);
      if (!former && open.parts >= PARTS_MAX) {
        throw new DriveError('too-large', `An upload has at most ${PARTS_MAX} parts. Send larger ones.`);
      }
      // Others may have come since the body was let in.
      const left = await room(changes);
      if (content.row.size - (former?.size ?? 0) > left) throw noRoom(left);
      await announce(changes, open, size);
      await changes.record(content);
      const part = { ...place, size: content.row.size, blobId: content.row.id, storedAt: changes.now };
      const expiresAt = this.#expiry(changes.now);
      await uploads.putPart(upload.id, part, expiresAt);
      const parts = former ? open.parts : open.parts + 1;
      return { part, isNew: !former, upload: { ...open, parts, received, expiresAt } };
    });
    await this.#assemblies.add(upload.id, stored.part);
    return stored;
  }

  /** Throws `DriveError` `not-found`, `forbidden`. */
  async removePart(drive: Drive, upload: UploadRow, name: string): Promise<void> {
    const former = await drive.write(async (changes) => {
      checkMayAdd(changes.membership);
      await checkOpen(changes, upload);
      const part = await changes.transaction.uploads.findPart(upload.id, name);
      if (!part) throw new DriveError('not-found', 'There is no such part.');
      await changes.transaction.uploads.removePart(upload.id, name);
      return part;
    }, MAKES_ROOM);
    this.#assemblies.remove(upload.id, former.number);
  }

  /** With its parts; the file that it became, if it did, stays. Throws `DriveError` `forbidden`. */
  async remove(drive: Drive, upload: UploadRow): Promise<void> {
    await drive.write(async ({ membership, transaction }) => {
      checkMayAdd(membership);
      await transaction.uploads.remove(upload.id);
    }, MAKES_ROOM);
    this.#assemblies.drop(upload.id);
  }

  /** As `remove`, of one that nobody can go on with, whatever has become of the rights of who began it. */
  async giveUp(upload: UploadRow): Promise<void> {
    await this.#options.metadata.write(
      [upload.driveId],
      (transaction) => transaction.uploads.remove(upload.id),
      MAKES_ROOM,
    );
    this.#assemblies.drop(upload.id);
  }

  /**
   * Makes the file. To be called `alone` on the upload. Throws `DriveError` `incomplete` where parts are missing or don't
   * amount to the announced size; whatever it throws, parts and drive are as before.
   */
  async finish<T>(drive: Drive, finish: Finish<T>): Promise<T> {
    const { upload, tail } = finish;
    try {
      const order = await drive.read(async (snapshot) => {
        await checkOpen(snapshot, upload);
        const parts = orderParts(await snapshot.view.uploads.parts(upload.id));
        const size = parts.reduce((sum, part) => sum + part.size, tail?.row.size ?? 0);
        checkWhole(upload, size, parts.length > 0 || tail !== undefined);
        drive.checkSize(size);
        await finish.check(snapshot, size);
        return parts;
      });
      const content = await this.#putTogether(upload, order, tail);
      return await finish.commit(content, (changes) => seal(changes, finish, order));
    } finally {
      this.#assemblies.drop(upload.id);
      await tail?.release('surplus');
    }
  }

  /** Removes what has expired by that time, in short transactions. Rejects with the signal's reason. */
  async removeExpired(expiryAt = this.#options.now(), signal?: AbortSignal): Promise<void> {
    const step = () =>
      this.#options.metadata.write(
        [],
        (transaction) => transaction.uploads.removeExpired(expiryAt, [...this.#inUse.keys()], EXPIRY_ROWS),
        MAKES_ROOM,
      );
    while (await step()) signal?.throwIfAborted();
  }

  /** Gives up what is being put together; parts stay. To be called when no request's body is on its way any more. */
  async stop(): Promise<void> {
    await this.#assemblies.stop();
    await Promise.allSettled(this.#working);
  }

  async #putTogether(
    upload: UploadRow,
    order: readonly PartRow[],
    tail: ReceivedContent | undefined,
  ): Promise<ReceivedContent> {
    if (order.length === 0) return tail ?? receiveNothing(this.#options.contents);
    if (!tail) return this.#assemblies.finish(upload.id, order);
    const { row } = tail;
    const last = { number: upload.received, size: row.size, blobId: row.id, content: row };
    return this.#assemblies.finish(upload.id, [...order, last]);
  }

  #expiry(now: number): number {
    return now + this.#options.expiryHours * HOUR_MS;
  }
}

function keyOf({ driveId, userId, scopeId }: Membership, name: string): UploadKey {
  return { driveId, userId, scopeId, name };
}

function isThere(upload: UploadRow, now: number): boolean {
  return upload.expiresAt > now;
}

/** The row as it is now; a request that began in time may end after the upload's. */
async function checkOpen(snapshot: Snapshot, upload: UploadRow): Promise<UploadRow> {
  const row = await snapshot.view.uploads.find(upload);
  if (!row || row.id !== upload.id || row.finishedAt !== null) {
    throw new DriveError('not-found', 'The upload is gone: it was finished, deleted, or has expired.');
  }
  return row;
}

async function announce(changes: DriveTransaction, upload: UploadRow, size: number | null): Promise<void> {
  if (size === null || size === upload.size) return;
  if (upload.size !== null)
    throw new DriveError('incomplete', 'The announced size of the file is another than before.');
  await changes.transaction.uploads.setSize(upload.id, size);
}

function checkWhole(upload: UploadRow, size: number, isAny: boolean): void {
  if (upload.size !== null && upload.size !== size) {
    throw new DriveError('incomplete', `${upload.size} bytes were announced, ${size} came: a part is missing.`);
  }
  if (upload.size === null && !isAny) throw new DriveError('incomplete', 'No part of the upload has come.');
}

/** Ends the upload in the transaction that makes the file; nothing may have changed since its parts were read. */
async function seal(changes: DriveTransaction, finish: Finish<unknown>, order: readonly PartRow[]): Promise<void> {
  const { upload, isRemembered } = finish;
  const { uploads } = changes.transaction;
  await checkOpen(changes, upload);
  const parts = orderParts(await uploads.parts(upload.id));
  if (parts.length !== order.length || parts.some(({ blobId }, index) => blobId !== order[index]?.blobId)) {
    throw new DriveError('busy', 'The upload has changed while it was put together. Try again.');
  }
  if (isRemembered) await uploads.finish(upload.id, changes.now);
  else await uploads.remove(upload.id);
}

function receiveNothing(contents: Contents): Promise<ReceivedContent> {
  const incoming = { size: 0, readAll: async () => new Uint8Array(), chunks: async function* () {} };
  const limit = { bytes: 0, error: () => new DriveError('too-large', 'More came than nothing.') };
  return contents.receive(incoming, { size: 0, digests: [], kept: CLIENT_DIGESTS }, limit);
}
