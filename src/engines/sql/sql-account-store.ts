import { randomInt } from 'node:crypto';
import {
  type Access,
  type AccountStore,
  type AppPasswordRow,
  type Authority,
  DriveIdTakenError,
  type DriveRow,
  EmailTakenError,
  emailKey,
  LastAdministratorError,
  type MemberRow,
  type Membership,
  type NewAppPassword,
  type NewDrive,
  type NewUser,
  type Role,
  SelectorTakenError,
  type UserChange,
  type UserRow,
} from '../../stores/account-store.js';
import type { AppPasswordId, DriveId, UserId } from '../../stores/values.js';
import { forgetVacatedLocksOf, removeLocksOf } from './lock-statements.js';
import { nextRevision, touchUpwards } from './node-statements.js';
import { setAppPasswordMac } from './sign-in-statements.js';
import { findAccess, outlastWritesOf } from './sql-access.js';
import * as records from './sql-account-records.js';
import * as statements from './sql-account-statements.js';
import { changedUnlessTaken, type SqlConnection } from './sql-database.js';
import { expireUploadsOf } from './upload-statements.js';

/** Hashes kept of a user's earlier passwords: enough to tell an old device from a guess. */
const FORMER_PASSWORDS_KEPT = 10;
/** Digits of the shortest drive ID. */
const DRIVE_ID_DIGITS = 6;
/** Random IDs tried with as many digits before one more is taken. */
const DRIVE_ID_TRIES = 4;

/** Users, drives, members and app passwords in one transaction or snapshot. */
export class SqlAccountStore implements AccountStore {
  readonly #connection: SqlConnection;

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  async createUser(user: NewUser, now: number): Promise<UserRow> {
    const { email, name, passwordHash, isAdmin } = user;
    const values = { email, key: emailKey(email), name, hash: passwordHash, isAdmin, now };
    const inserted = statements.insertUser.first(this.#connection, values);
    return records.toUser(await changedUnlessTaken(inserted, EmailTakenError, `${email} is taken`));
  }

  async findUser(email: string): Promise<UserRow | null> {
    const row = await statements.findUser.first(this.#connection, { key: emailKey(email) });
    return row ? records.toUser(row) : null;
  }

  async listUsers(after: string | null, limit: number): Promise<UserRow[]> {
    const rows = await statements.listUsers.all(this.#connection, { after: emailKey(after ?? ''), limit });
    return rows.map(records.toUser);
  }

  async listUsersWithDrives(
    { isWithoutSecondFactor }: { readonly isWithoutSecondFactor: boolean },
    after: string | null,
    limit: number,
  ): Promise<(UserRow & { readonly drives: number })[]> {
    const page = isWithoutSecondFactor ? statements.listUsersWithoutSecondFactor : statements.listUsersWithDrives;
    const rows = await page.all(this.#connection, { after: emailKey(after ?? ''), limit });
    return rows.map((row) => ({ ...records.toUser(row), drives: row.drives }));
  }

  async countWithoutSecondFactor(): Promise<number> {
    const row = await statements.countWithoutSecondFactor.first(this.#connection, {});
    return row!.count;
  }

  async updateUser(id: UserId, change: UserChange): Promise<void> {
    const { name = null, isAdmin = null, isDisabled = null } = change;
    const wasAdministrator = await statements.isAdministrator.first(this.#connection, { id });
    await statements.updateUser.run(this.#connection, { id, name, isAdmin, isDisabled });
    if (wasAdministrator && !(await statements.findAdministrator.first(this.#connection, {}))) {
      throw new LastAdministratorError('somebody has to be administrator');
    }
    if (!isDisabled) return;
    await releaseLocks(this.#connection, id, null);
    await outlastWritesOf(this.#connection, id);
  }

  async setOwnDrive(id: UserId, driveId: DriveId | null): Promise<void> {
    await statements.setOwnDrive.run(this.#connection, { id, drive: driveId });
  }

  async setPassword(id: UserId, passwordHash: string, now: number): Promise<void> {
    await statements.keepFormerPassword.run(this.#connection, { id, now });
    await statements.forgetFormerPasswords.run(this.#connection, { id, kept: FORMER_PASSWORDS_KEPT });
    await statements.setPassword.run(this.#connection, { id, hash: passwordHash });
    await outlastWritesOf(this.#connection, id);
  }

  async formerPasswords(id: UserId, limit: number): Promise<string[]> {
    const rows = await statements.formerPasswords.all(this.#connection, { id, limit });
    return rows.map((row) => row.hash);
  }

  async noteFormerPassword(id: UserId, at: number, client: string): Promise<void> {
    await statements.noteFormerPassword.run(this.#connection, { id, at, client });
  }

  async createDrive(drive: NewDrive, now: number): Promise<DriveRow> {
    if (drive.id !== null && (await this.findDrive(drive.id))) {
      throw new DriveIdTakenError(`drive ${drive.id} exists already`);
    }
    return insertDrive(this.#connection, { ...drive, id: drive.id ?? (await this.#freeDriveId()) }, now);
  }

  async findDrive(id: DriveId): Promise<DriveRow | null> {
    const row = await statements.findDrive.first(this.#connection, { id });
    return row ? records.toDrive(row) : null;
  }

  async listDrives(after: DriveId | null, limit: number): Promise<DriveRow[]> {
    const rows = await statements.listDrives.all(this.#connection, { after: after ?? 0, limit });
    return rows.map(records.toDrive);
  }

  async updateDrive(
    id: DriveId,
    change: { name?: string; quotaBytes?: number | null; uploadMaxBytes?: number | null },
  ): Promise<void> {
    const row = await statements.findDrive.first(this.#connection, { id });
    if (!row) return;
    await statements.updateDrive.run(this.#connection, {
      id,
      name: change.name ?? row.name,
      quota: change.quotaBytes === undefined ? row.quota_bytes : change.quotaBytes,
      uploadMax: change.uploadMaxBytes === undefined ? row.upload_max_bytes : change.uploadMaxBytes,
    });
  }

  async putMember(
    driveId: DriveId,
    userId: UserId,
    role: Role,
    quotaBytes: number | null,
    now: number,
  ): Promise<MemberRow> {
    const drive = await statements.findDrive.first(this.#connection, { id: driveId });
    if (!drive) throw new Error(`drive ${driveId} does not exist`);
    const row = {
      drive_id: driveId,
      user_id: userId,
      role,
      quota_bytes: quotaBytes,
      home_id: await findOrMakeFolder(this.#connection, driveId, drive.root_id, `home/${userId}`, now),
      bin_id: await findOrMakeFolder(this.#connection, driveId, drive.root_id, `bin/${userId}`, now),
    };
    await statements.putMember.run(this.#connection, row);
    if (role === 'viewer') await releaseLocks(this.#connection, userId, driveId);
    return records.toMember(row);
  }

  async removeMember(driveId: DriveId, userId: UserId): Promise<boolean> {
    const removed = await statements.removeMember.run(this.#connection, { drive: driveId, user: userId });
    await releaseLocks(this.#connection, userId, driveId);
    await expireUploadsOf.run(this.#connection, { drive: driveId, user: userId });
    return removed > 0;
  }

  async members(driveId: DriveId): Promise<(MemberRow & { readonly email: string; readonly name: string })[]> {
    const rows = await statements.members.all(this.#connection, { drive: driveId });
    return rows.map((row) => ({ ...records.toMember(row), email: row.email, name: row.name }));
  }

  async drivesOf(userId: UserId): Promise<(DriveRow & { readonly role: Role })[]> {
    const rows = await statements.drivesOf.all(this.#connection, { user: userId });
    return rows.map((row) => ({ ...records.toDrive(row), role: row.role }));
  }

  async memberships(userId: UserId, driveId: DriveId | null): Promise<Membership[]> {
    const rows = await statements.memberships.all(this.#connection, { user: userId, drive: driveId });
    return rows.flatMap((row) => records.toMembership(row, userId) ?? []);
  }

  async lacksRequiredFactor(id: UserId): Promise<boolean> {
    const row = await statements.lacksRequiredFactor.first(this.#connection, { id });
    return row !== undefined;
  }

  async createAppPassword(password: NewAppPassword, now: number): Promise<AppPasswordRow> {
    const { userId: user, name, selector, hash, mac, driveId: drive, scopeId: scope, allowance } = password;
    const values = { user, name, selector, hash, mac, drive, scope, allowance, expires: password.expiresAt, now };
    const inserted = statements.insertAppPassword.first(this.#connection, values);
    return records.toAppPassword(await changedUnlessTaken(inserted, SelectorTakenError, 'the selector is taken'));
  }

  async setAppPasswordMac(id: AppPasswordId, mac: string): Promise<void> {
    await setAppPasswordMac.run(this.#connection, { id, mac });
  }

  async findAppPassword(selector: string): Promise<AppPasswordRow | null> {
    const row = await statements.findAppPassword.first(this.#connection, { selector });
    return row ? records.toAppPassword(row) : null;
  }

  async listAppPasswords(userId: UserId): Promise<AppPasswordRow[]> {
    const rows = await statements.listAppPasswords.all(this.#connection, { user: userId });
    return rows.map(records.toAppPassword);
  }

  async revokeAppPassword(userId: UserId, id: AppPasswordId, now: number): Promise<boolean> {
    const revoked = await statements.revokeAppPassword.run(this.#connection, { user: userId, id, now });
    await outlastWritesOf(this.#connection, userId);
    return revoked > 0;
  }

  async revokeAppPasswords(userId: UserId, now: number): Promise<number> {
    const revoked = await statements.revokeAppPasswords.run(this.#connection, { user: userId, now });
    await outlastWritesOf(this.#connection, userId);
    return revoked;
  }

  async noteUse(
    uses: readonly { readonly id: AppPasswordId; readonly at: number; readonly client: string }[],
  ): Promise<void> {
    for (const { id, at, client } of uses) await statements.noteUse.run(this.#connection, { id, at, client });
  }

  async noteRefusal(id: AppPasswordId, at: number, client: string): Promise<void> {
    await statements.noteRefusal.run(this.#connection, { id, at, client });
  }

  access(authority: Authority, driveId: DriveId | null, now: number): Promise<Access> {
    return findAccess(this.#connection, authority, driveId, now);
  }

  async #freeDriveId(): Promise<DriveId> {
    for (let tries = 0; ; tries++) {
      const id = randomDriveId(DRIVE_ID_DIGITS + Math.floor(tries / DRIVE_ID_TRIES));
      if (!(await this.findDrive(id))) return id;
    }
  }
}

/** Nobody is kept from what somebody has locked who may change nothing any more. */
async function releaseLocks(connection: SqlConnection, user: UserId, drive: DriveId | null): Promise<void> {
  await removeLocksOf.run(connection, { user, drive });
  await forgetVacatedLocksOf.run(connection, { user, drive });
}

async function insertDrive(
  connection: SqlConnection,
  drive: NewDrive & { readonly id: DriveId },
  now: number,
): Promise<DriveRow> {
  const rootId = await insertFolder(connection, drive.id, null, '', now);
  const row = {
    id: drive.id,
    name: drive.name,
    quota_bytes: drive.quotaBytes,
    upload_max_bytes: drive.uploadMaxBytes,
    root_id: rootId,
    common_id: await insertFolder(connection, drive.id, rootId, 'common', now),
    common_bin_id: await insertFolder(connection, drive.id, rootId, 'bin', now),
    created_at: now,
    past_since: now,
  };
  const inserted = statements.insertDrive.run(connection, row);
  await changedUnlessTaken(inserted, DriveIdTakenError, `drive ${drive.id} exists already`);
  return records.toDrive(row);
}

async function findOrMakeFolder(
  connection: SqlConnection,
  driveId: DriveId,
  rootId: number,
  name: string,
  now: number,
): Promise<number> {
  const found = await statements.findFolder.first(connection, { parent: rootId, name });
  return found ? found.id : insertFolder(connection, driveId, rootId, name, now);
}

/** Makes an internal folder of the drive, and counts it in the root where it isn't the root itself. */
async function insertFolder(
  connection: SqlConnection,
  driveId: DriveId,
  parent: number | null,
  name: string,
  now: number,
): Promise<number> {
  const { value: revision } = (await nextRevision.first(connection, {}))!;
  const row = await statements.insertFolder.first(connection, { drive: driveId, parent, name, revision, now });
  if (parent !== null) await touchUpwards.run(connection, { start: parent, revision, size: 0, descendants: 1 });
  return row!.id;
}

function randomDriveId(digits: number): DriveId {
  return randomInt(10 ** (digits - 1), 10 ** digits) as DriveId;
}
