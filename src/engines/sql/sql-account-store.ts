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
import { findAccess } from './sql-access.js';
import * as records from './sql-account-records.js';
import * as statements from './sql-account-statements.js';
import { type SqlConnection, type SqlDatabase, UniqueViolation } from './sql-database.js';
import { expireUploadsOf } from './upload-statements.js';

/** Hashes kept of a user's earlier passwords: enough to tell an old device from a guess. */
const FORMER_PASSWORDS_KEPT = 10;
/** Digits of the shortest drive ID. */
const DRIVE_ID_DIGITS = 6;
/** Random IDs tried with as many digits before one more is taken. */
const DRIVE_ID_TRIES = 4;

/** Users, drives, members and app passwords in an SQL database. */
export class SqlAccountStore implements AccountStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async createUser(user: NewUser, now: number): Promise<UserRow> {
    const { email, name, passwordHash, isAdmin } = user;
    try {
      const row = await this.#database.write((connection) =>
        statements.insertUser.first(connection, {
          email,
          key: emailKey(email),
          name,
          hash: passwordHash,
          isAdmin,
          now,
        }),
      );
      return records.toUser(row!);
    } catch (error) {
      throw error instanceof UniqueViolation ? new EmailTakenError(`${email} is taken`, { cause: error }) : error;
    }
  }

  async findUser(email: string): Promise<UserRow | null> {
    const row = await this.#database.readOne((connection) =>
      statements.findUser.first(connection, { key: emailKey(email) }),
    );
    return row ? records.toUser(row) : null;
  }

  async listUsers(after: string | null, limit: number): Promise<UserRow[]> {
    const rows = await this.#database.readOne((connection) =>
      statements.listUsers.all(connection, { after: emailKey(after ?? ''), limit }),
    );
    return rows.map(records.toUser);
  }

  async listUsersWithDrives(
    { isWithoutSecondFactor }: { readonly isWithoutSecondFactor: boolean },
    after: string | null,
    limit: number,
  ): Promise<(UserRow & { readonly drives: number })[]> {
    const page = isWithoutSecondFactor ? statements.listUsersWithoutSecondFactor : statements.listUsersWithDrives;
    const rows = await this.#database.readOne((connection) =>
      page.all(connection, { after: emailKey(after ?? ''), limit }),
    );
    return rows.map((row) => ({ ...records.toUser(row), drives: row.drives }));
  }

  async countWithoutSecondFactor(): Promise<number> {
    const row = await this.#database.readOne((connection) => statements.countWithoutSecondFactor.first(connection, {}));
    return row!.count;
  }

  async updateUser(id: UserId, change: UserChange): Promise<void> {
    const { name = null, isAdmin = null, isDisabled = null } = change;
    await this.#database.write(async (connection) => {
      const wasAdministrator = await statements.isAdministrator.first(connection, { id });
      await statements.updateUser.run(connection, { id, name, isAdmin, isDisabled });
      if (wasAdministrator && !(await statements.findAdministrator.first(connection, {}))) {
        throw new LastAdministratorError('somebody has to be administrator');
      }
      if (isDisabled) await releaseLocks(connection, id, null);
    });
  }

  async setOwnDrive(id: UserId, driveId: DriveId | null): Promise<void> {
    await this.#database.write((connection) => statements.setOwnDrive.run(connection, { id, drive: driveId }));
  }

  async setPassword(id: UserId, passwordHash: string, now: number): Promise<void> {
    await this.#database.write(async (connection) => {
      await statements.keepFormerPassword.run(connection, { id, now });
      await statements.forgetFormerPasswords.run(connection, { id, kept: FORMER_PASSWORDS_KEPT });
      await statements.setPassword.run(connection, { id, hash: passwordHash });
    });
  }

  async formerPasswords(id: UserId, limit: number): Promise<string[]> {
    const rows = await this.#database.readOne((connection) =>
      statements.formerPasswords.all(connection, { id, limit }),
    );
    return rows.map((row) => row.hash);
  }

  async noteFormerPassword(id: UserId, at: number, client: string): Promise<void> {
    await this.#database.write((connection) => statements.noteFormerPassword.run(connection, { id, at, client }));
  }

  async createDrive(drive: NewDrive, now: number): Promise<DriveRow> {
    for (let tries = 0; ; tries++) {
      const id = drive.id ?? randomDriveId(DRIVE_ID_DIGITS + Math.floor(tries / DRIVE_ID_TRIES));
      try {
        return await this.#database.write((connection) => insertDrive(connection, { ...drive, id }, now));
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        if (drive.id !== null) throw new DriveIdTakenError(`drive ${id} exists already`, { cause: error });
      }
    }
  }

  async findDrive(id: DriveId): Promise<DriveRow | null> {
    const row = await this.#database.readOne((connection) => statements.findDrive.first(connection, { id }));
    return row ? records.toDrive(row) : null;
  }

  async listDrives(after: DriveId | null, limit: number): Promise<DriveRow[]> {
    const rows = await this.#database.readOne((connection) =>
      statements.listDrives.all(connection, { after: after ?? 0, limit }),
    );
    return rows.map(records.toDrive);
  }

  async updateDrive(
    id: DriveId,
    change: { name?: string; quotaBytes?: number | null; uploadMaxBytes?: number | null },
  ): Promise<void> {
    await this.#database.write(async (connection) => {
      const row = await statements.findDrive.first(connection, { id });
      if (!row) return;
      await statements.updateDrive.run(connection, {
        id,
        name: change.name ?? row.name,
        quota: change.quotaBytes === undefined ? row.quota_bytes : change.quotaBytes,
        uploadMax: change.uploadMaxBytes === undefined ? row.upload_max_bytes : change.uploadMaxBytes,
      });
    });
  }

  putMember(driveId: DriveId, userId: UserId, role: Role, quotaBytes: number | null, now: number): Promise<MemberRow> {
    return this.#database.write(async (connection) => {
      const drive = await statements.findDrive.first(connection, { id: driveId });
      if (!drive) throw new Error(`drive ${driveId} does not exist`);
      const row = {
        drive_id: driveId,
        user_id: userId,
        role,
        quota_bytes: quotaBytes,
        home_id: await findOrMakeFolder(connection, driveId, drive.root_id, `home/${userId}`, now),
        bin_id: await findOrMakeFolder(connection, driveId, drive.root_id, `bin/${userId}`, now),
      };
      await statements.putMember.run(connection, row);
      if (role === 'viewer') await releaseLocks(connection, userId, driveId);
      return records.toMember(row);
    });
  }

  async removeMember(driveId: DriveId, userId: UserId): Promise<boolean> {
    return this.#database.write(async (connection) => {
      const removed = await statements.removeMember.run(connection, { drive: driveId, user: userId });
      await releaseLocks(connection, userId, driveId);
      await expireUploadsOf.run(connection, { drive: driveId, user: userId });
      return removed > 0;
    });
  }

  async members(driveId: DriveId): Promise<(MemberRow & { readonly email: string; readonly name: string })[]> {
    const rows = await this.#database.readOne((connection) => statements.members.all(connection, { drive: driveId }));
    return rows.map((row) => ({ ...records.toMember(row), email: row.email, name: row.name }));
  }

  async drivesOf(userId: UserId): Promise<(DriveRow & { readonly role: Role })[]> {
    const rows = await this.#database.readOne((connection) => statements.drivesOf.all(connection, { user: userId }));
    return rows.map((row) => ({ ...records.toDrive(row), role: row.role }));
  }

  async memberships(userId: UserId, driveId: DriveId | null): Promise<Membership[]> {
    const rows = await this.#database.readOne((connection) =>
      statements.memberships.all(connection, { user: userId, drive: driveId }),
    );
    return rows.flatMap((row) => records.toMembership(row, userId) ?? []);
  }

  async lacksRequiredFactor(id: UserId): Promise<boolean> {
    const row = await this.#database.readOne((connection) => statements.lacksRequiredFactor.first(connection, { id }));
    return row !== undefined;
  }

  async createAppPassword(password: NewAppPassword, now: number): Promise<AppPasswordRow> {
    const { userId: user, name, selector, hash, driveId: drive, scopeId: scope, allowance } = password;
    const values = { user, name, selector, hash, drive, scope, allowance, expires: password.expiresAt, now };
    try {
      const row = await this.#database.write((connection) => statements.insertAppPassword.first(connection, values));
      return records.toAppPassword(row!);
    } catch (error) {
      if (error instanceof UniqueViolation) throw new SelectorTakenError('the selector is taken', { cause: error });
      throw error;
    }
  }

  async findAppPassword(selector: string): Promise<AppPasswordRow | null> {
    const row = await this.#database.readOne((connection) =>
      statements.findAppPassword.first(connection, { selector }),
    );
    return row ? records.toAppPassword(row) : null;
  }

  async listAppPasswords(userId: UserId): Promise<AppPasswordRow[]> {
    const rows = await this.#database.readOne((connection) =>
      statements.listAppPasswords.all(connection, { user: userId }),
    );
    return rows.map(records.toAppPassword);
  }

  async revokeAppPassword(userId: UserId, id: AppPasswordId, now: number): Promise<boolean> {
    const revoked = await this.#database.write((connection) =>
      statements.revokeAppPassword.run(connection, { user: userId, id, now }),
    );
    return revoked > 0;
  }

  revokeAppPasswords(userId: UserId, now: number): Promise<number> {
    return this.#database.write((connection) => statements.revokeAppPasswords.run(connection, { user: userId, now }));
  }

  async noteUse(
    uses: readonly { readonly id: AppPasswordId; readonly at: number; readonly client: string }[],
  ): Promise<void> {
    await this.#database.write(async (connection) => {
      for (const { id, at, client } of uses) await statements.noteUse.run(connection, { id, at, client });
    });
  }

  async noteRefusal(id: AppPasswordId, at: number, client: string): Promise<void> {
    await this.#database.write((connection) => statements.noteRefusal.run(connection, { id, at, client }));
  }

  access(authority: Authority, driveId: DriveId | null, now: number): Promise<Access> {
    return this.#database.readOne((connection) => findAccess(connection, authority, driveId, now));
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
  };
  await statements.insertDrive.run(connection, row);
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
