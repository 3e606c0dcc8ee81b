import { type ContentRow, NameTakenError } from '../../stores/metadata-store.js';
import type {
  NewUpload,
  PartRow,
  UploadKey,
  UploadLease,
  UploadRow,
  UploadTransaction,
  UploadView,
} from '../../stores/uploads.js';
import type { BlobId, DriveId, NodeId, UploadId, UserId } from '../../stores/values.js';
import { ALL, nominateOfPart, nominateOfParts } from './candidate-statements.js';
import { contentOfPart } from './content-statements.js';
import { contentOf } from './node-rows.js';
import type { RecordedContents } from './recorded-contents.js';
import { changedUnlessTaken, type SqlConnection, type SqlDatabase } from './sql-database.js';
import * as uploads from './upload-statements.js';

/** Uploads over SQL: the reading side. */
export class SqlUploadView implements UploadView {
  constructor(protected readonly connection: SqlConnection) {}

  async find(key: UploadKey): Promise<UploadRow | null> {
    const row = await uploads.findUpload.first(this.connection, keyOf(key));
    return row ? uploadOf(row) : null;
  }

  async parts(id: UploadId): Promise<PartRow[]> {
    return (await uploads.parts.all(this.connection, { upload: id })).map(partOf);
  }

  async findPart(id: UploadId, name: string): Promise<PartRow | null> {
    const row = await uploads.findPart.first(this.connection, { upload: id, name });
    return row ? partOf(row) : null;
  }

  async findContent(id: UploadId, { name, blobId }: Pick<PartRow, 'name' | 'blobId'>): Promise<ContentRow | null> {
    const row = await contentOfPart.first(this.connection, { upload: id, name, id: blobId });
    return row ? contentOf(row) : null;
  }

  async countOpen(userId: UserId, now: number): Promise<number> {
    return (await uploads.countOpen.first(this.connection, { user: userId, now }))!.count;
  }

  async held(driveId: DriveId, userId: UserId): Promise<{ driveBytes: number; memberBytes: number }> {
    const row = await uploads.held.first(this.connection, { drive: driveId, user: userId });
    return { driveBytes: row!.drive, memberBytes: row!.member };
  }

  async totals(now: number): Promise<{ open: number; bytes: number }> {
    return (await uploads.totals.first(this.connection, { now }))!;
  }
}

export class SqlUploadTransaction extends SqlUploadView implements UploadTransaction {
  readonly #recorded: RecordedContents;

  constructor(connection: SqlConnection, recorded: RecordedContents) {
    super(connection);
    this.#recorded = recorded;
  }

  async insert(upload: NewUpload, now: number): Promise<UploadRow> {
    const { size, target, expiresAt } = upload;
    const row = { ...keyOf(upload), size, target, now, expires: expiresAt };
    const inserted = uploads.insertUpload.first(this.connection, row);
    return uploadOf(await changedUnlessTaken(inserted, NameTakenError, 'the name is taken'));
  }

  async setSize(id: UploadId, size: number): Promise<void> {
    await uploads.setSize.run(this.connection, { id, size });
  }

  async putPart(
    id: UploadId,
    part: PartRow,
    { expiresAt, expectedReceived }: { readonly expiresAt: number; readonly expectedReceived: number | null },
  ): Promise<boolean> {
    const { name, number, size } = part;
    const former = await this.findPart(id, name);
    const change = { bytes: size - (former?.size ?? 0), parts: former ? 0 : 1 };
    const counted = { id, ...change, expires: expiresAt, expected: expectedReceived };
    const isCounted = (await uploads.countPart.run(this.connection, counted)) > 0;
    if (!isCounted && expectedReceived !== null) return false;
    const content = { content: part.blobId, key: this.#recorded.keyOf({ id: part.blobId }) };
    const row = { upload: id, name, number, size, ...content, stored: part.storedAt };
    if (former) await nominateOfPart.run(this.connection, { upload: id, name });
    await uploads.putPart.run(this.connection, row);
    return true;
  }

  async removePart(id: UploadId, name: string): Promise<boolean> {
    const former = await this.findPart(id, name);
    if (!former) return false;
    await nominateOfPart.run(this.connection, { upload: id, name });
    await uploads.removePart.run(this.connection, { upload: id, name });
    const change = { bytes: -former.size, parts: -1 };
    await uploads.countPart.run(this.connection, { id, ...change, expires: null, expected: null });
    return true;
  }

  async keep(id: UploadId, until: number): Promise<void> {
    await uploads.keep.run(this.connection, { id, until });
  }

  async setLease(id: UploadId, { holder, until }: UploadLease): Promise<void> {
    await uploads.setLease.run(this.connection, { id, holder, until });
  }

  async endLease(id: UploadId, holder: string): Promise<void> {
    await uploads.endLease.run(this.connection, { id, holder });
  }

  async finish(id: UploadId, now: number): Promise<void> {
    await this.#removeAllParts(id);
    await uploads.finishUpload.run(this.connection, { id, now });
  }

  async remove(id: UploadId): Promise<void> {
    await this.#removeAllParts(id);
    await uploads.removeUpload.run(this.connection, { id });
  }

  async removeExpired(driveId: DriveId, now: number, limit: number): Promise<boolean> {
    for (let left = limit; left > 0; ) {
      const expired = await uploads.expiredUpload.first(this.connection, { drive: driveId, now });
      if (!expired) return false;
      await nominateOfParts.run(this.connection, { upload: expired.id, limit: left });
      const removed = await uploads.removeParts.run(this.connection, { upload: expired.id, limit: left });
      if (removed < left) await uploads.removeUpload.run(this.connection, { id: expired.id });
      else await uploads.recount.run(this.connection, { id: expired.id });
      left -= removed + 1;
    }
    return true;
  }

  async #removeAllParts(id: UploadId): Promise<void> {
    await nominateOfParts.run(this.connection, { upload: id, limit: ALL });
    await uploads.removeAllParts.run(this.connection, { upload: id });
  }
}

/** For the start of a database's only server: anyone who held them has ended. */
export async function endAllLeases(database: SqlDatabase): Promise<void> {
  await database.write((connection) => uploads.endAllLeases.run(connection, {}), { mayUseReserve: true });
}

function keyOf({ driveId, userId, scopeId, name }: UploadKey) {
  return { drive: driveId, user: userId, scope: scopeId ?? 0, name };
}

function uploadOf(row: uploads.UploadRecord): UploadRow {
  return {
    id: row.id as UploadId,
    driveId: row.drive_id as DriveId,
    userId: row.user_id as UserId,
    scopeId: row.scope_id === 0 ? null : (row.scope_id as NodeId),
    name: row.name,
    size: row.size,
    received: row.received,
    parts: row.parts,
    target: row.target,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    finishedAt: row.finished_at,
    lease: row.lease_holder === null ? null : { holder: row.lease_holder, until: row.lease_until! },
  };
}

function partOf(row: uploads.PartRecord): PartRow {
  return {
    name: row.name,
    number: row.number,
    size: row.size,
    blobId: row.blob as BlobId,
    storedAt: row.stored_at,
  };
}
