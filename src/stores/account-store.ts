import type { AppPasswordId, DriveId, NodeId, UserId } from './values.js';

/** Users, drives, members and app passwords. Times are milliseconds since 1970, sizes bytes, hashes argon2id strings. */
export interface AccountStore {
  /** Throws `EmailTakenError`. `email` is stored as given and compared by its `emailKey`. */
  createUser(user: NewUser, now: number): Promise<UserRow>;
  findUser(email: string): Promise<UserRow | null>;
  /** One page by e-mail address, after the address `after`. */
  listUsers(after: string | null, limit: number): Promise<UserRow[]>;
  /**
   * As `listUsers`, with the number of drives that each is a member of. `isWithoutSecondFactor`: of those alone who can
   * sign in and have none.
   */
  listUsersWithDrives(
    filter: { readonly isWithoutSecondFactor: boolean },
    after: string | null,
    limit: number,
  ): Promise<(UserRow & { readonly drives: number })[]>;
  /** How many can sign in and have no second factor. */
  countWithoutSecondFactor(): Promise<number>;
  /**
   * Throws `LastAdministratorError`, and changes nothing, where no administrator who can sign in would be left. The locks of
   * who is disabled go.
   */
  updateUser(id: UserId, change: UserChange): Promise<void>;
  /** Which drive addresses without a drive's ID show the user; null: the first one. */
  setOwnDrive(id: UserId, driveId: DriveId | null): Promise<void>;
  /** Raises `passwordVersion`, so that the old password is refused from the next request on, and keeps its hash. */
  setPassword(id: UserId, passwordHash: string, now: number): Promise<void>;
  /** Hashes of the last `limit` account passwords before the present one, newest first. */
  formerPasswords(id: UserId, limit: number): Promise<string[]>;
  /** Remembers that a former account password was tried. */
  noteFormerPassword(id: UserId, at: number, client: string): Promise<void>;

  /**
   * Makes the drive with its shared folder and its trash. Without an ID it gets a free random one. Throws
   * `DriveIdTakenError`.
   */
  createDrive(drive: NewDrive, now: number): Promise<DriveRow>;
  findDrive(id: DriveId): Promise<DriveRow | null>;
  listDrives(after: DriveId | null, limit: number): Promise<DriveRow[]>;
  updateDrive(
    id: DriveId,
    change: { name?: string; quotaBytes?: number | null; uploadMaxBytes?: number | null },
  ): Promise<void>;
  /**
   * Makes or changes a membership of a drive and a user that exist. A member who comes back finds the personal files
   * of before. The locks of who becomes a viewer go.
   */
  putMember(driveId: DriveId, userId: UserId, role: Role, quotaBytes: number | null, now: number): Promise<MemberRow>;
  /**
   * Their personal files stay on the drive, out of everybody's sight. Their locks there go, their open uploads expire.
   * False when there was no such member.
   */
  removeMember(driveId: DriveId, userId: UserId): Promise<boolean>;
  members(driveId: DriveId): Promise<(MemberRow & { readonly email: string; readonly name: string })[]>;
  drivesOf(userId: UserId): Promise<(DriveRow & { readonly role: Role })[]>;
  /**
   * What a user who has signed in by a session may do: on all their drives, by ID, or on one; one statement. Empty for who
   * is no member, and for a disabled user.
   */
  memberships(userId: UserId, driveId: DriveId | null): Promise<Membership[]>;

  /** Whether the organization requires a second factor of everyone, and the user has none. */
  lacksRequiredFactor(id: UserId): Promise<boolean>;

  /** Throws `SelectorTakenError`. */
  createAppPassword(password: NewAppPassword, now: number): Promise<AppPasswordRow>;
  /** See `NewAppPassword.mac`. */
  setAppPasswordMac(id: AppPasswordId, mac: string): Promise<void>;
  /** The one with this selector, revoked and expired ones too. */
  findAppPassword(selector: string): Promise<AppPasswordRow | null>;
  listAppPasswords(userId: UserId): Promise<AppPasswordRow[]>;
  /** False when there is none of that number, or it was revoked before. */
  revokeAppPassword(userId: UserId, id: AppPasswordId, now: number): Promise<boolean>;
  /** Returns how many it revoked. */
  revokeAppPasswords(userId: UserId, now: number): Promise<number>;
  /** Remembers when and by which program an app password was used last, for many at once. */
  noteUse(uses: readonly { readonly id: AppPasswordId; readonly at: number; readonly client: string }[]): Promise<void>;
  /** Remembers that a revoked or expired app password was tried. */
  noteRefusal(id: AppPasswordId, at: number, client: string): Promise<void>;

  /**
   * Whether a credential verified earlier still stands, and what its user may do on the drive; one statement.
   * Stands: the user isn't disabled, the account password is still of that version, no second factor is on, nor missing
   * where it is required of everyone (unless `mayLackFactor`), the app
   * password is neither revoked nor expired, the session has neither ended nor expired and is of the present password. An
   * app password that is limited to another drive stands too, and has no membership here. `driveId` null
   * means the user's own drive: the app password's, else that of `setOwnDrive` while they are its member, else the
   * oldest of theirs.
   */
  access(authority: Authority, driveId: DriveId | null, now: number): Promise<Access>;
}

/** What a snapshot knows of accounts. */
export type AccountView = Pick<
  AccountStore,
  | 'findUser'
  | 'listUsers'
  | 'listUsersWithDrives'
  | 'countWithoutSecondFactor'
  | 'formerPasswords'
  | 'findDrive'
  | 'listDrives'
  | 'members'
  | 'drivesOf'
  | 'memberships'
  | 'lacksRequiredFactor'
  | 'findAppPassword'
  | 'listAppPasswords'
  | 'access'
>;

export type Role = 'manager' | 'member' | 'viewer';
export type Allowance = 'full' | 'read-only' | 'add-only';

/** What a verified credential is remembered by. */
export type CredentialRef =
  | {
      readonly kind: 'account';
      readonly userId: UserId;
      readonly passwordVersion: number;
      /** It stands also where a second factor is required of everyone. */
      readonly mayLackFactor?: boolean;
    }
  | { readonly kind: 'app'; readonly userId: UserId; readonly id: AppPasswordId };

/** By what somebody works on a drive: a credential, a session of the console, or (an import) only who they are. */
export type Authority =
  | CredentialRef
  | { readonly kind: 'session'; readonly userId: UserId; readonly id: number }
  | { readonly kind: 'user'; readonly userId: UserId };

export interface Access {
  readonly stands: boolean;
  /** Null when the drive doesn't exist, or the user is no member, or the app password is for another drive. */
  readonly membership: Membership | null;
  /** When what stands ends by itself, in milliseconds since 1970; null: by a change alone. */
  readonly endsAt: number | null;
}

export interface Membership {
  readonly userId: UserId;
  readonly email: string;
  readonly driveId: DriveId;
  readonly driveName: string;
  readonly role: Role;
  readonly allowance: Allowance;
  /** The folder that an app password is limited to. */
  readonly scopeId: NodeId | null;
  readonly driveQuotaBytes: number | null;
  readonly memberQuotaBytes: number | null;
  readonly uploadMaxBytes: number | null;
  readonly rootId: NodeId;
  readonly commonId: NodeId;
  readonly commonBinId: NodeId;
  /** The member's personal files. */
  readonly homeId: NodeId;
  /** The member's trash. */
  readonly binId: NodeId;
}

export interface NewUser {
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
  readonly isAdmin: boolean;
}
export interface UserRow extends NewUser {
  readonly id: UserId;
  readonly passwordVersion: number;
  readonly isDisabled: boolean;
  readonly createdAt: number;
  /** See `setOwnDrive`. */
  readonly ownDriveId: DriveId | null;
  /** A confirmed one, see `SecurityStore`. */
  readonly hasSecondFactor: boolean;
  /** See `SecurityStore.setAlert`. */
  readonly alertedAt: number | null;
  /** When and by which program a former account password was tried last. */
  readonly refusedAt: number | null;
  readonly refusedClient: string | null;
}

export interface UserChange {
  readonly name?: string;
  readonly isAdmin?: boolean;
  readonly isDisabled?: boolean;
}

export interface NewDrive {
  readonly id: DriveId | null;
  readonly name: string;
  readonly quotaBytes: number | null;
  readonly uploadMaxBytes: number | null;
}
export interface DriveRow extends NewDrive {
  readonly id: DriveId;
  readonly rootId: NodeId;
  readonly commonId: NodeId;
  readonly commonBinId: NodeId;
  readonly createdAt: number;
}

export interface MemberRow {
  readonly driveId: DriveId;
  readonly userId: UserId;
  readonly role: Role;
  readonly quotaBytes: number | null;
  readonly homeId: NodeId;
  readonly binId: NodeId;
}

export interface NewAppPassword {
  readonly userId: UserId;
  readonly name: string;
  /** The public part of the secret, by which it is found. */
  readonly selector: string;
  readonly hash: string;
  /** Code of the secret by the storage's key, so that it is checked without argon2; null: not known yet. */
  readonly mac: string | null;
  readonly driveId: DriveId | null;
  readonly scopeId: NodeId | null;
  readonly allowance: Allowance;
  readonly expiresAt: number | null;
}
export interface AppPasswordRow extends NewAppPassword {
  readonly id: AppPasswordId;
  readonly createdAt: number;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
  readonly lastClient: string | null;
  readonly refusedAt: number | null;
  readonly refusedClient: string | null;
}

/** What an e-mail address is found by: spellings that differ in case or Unicode normalization are one address. */
export function emailKey(email: string): string {
  // Twice, because the lower case of an NFC text need not be NFC.
  return email.normalize('NFC').toLowerCase().normalize('NFC');
}

export class EmailTakenError extends Error {
  override readonly name = 'EmailTakenError';
}
export class LastAdministratorError extends Error {
  override readonly name = 'LastAdministratorError';
}
export class DriveIdTakenError extends Error {
  override readonly name = 'DriveIdTakenError';
}
export class SelectorTakenError extends Error {
  override readonly name = 'SelectorTakenError';
}
