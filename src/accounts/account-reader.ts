import type { AccountView, AppPasswordRow, DriveRow, MemberRow, Role, UserRow } from '../stores/account-store.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import type { DriveId, UserId } from '../stores/values.js';
import { AccountError } from './account-error.js';

const PAGE = 500;

/** What is known of users, drives, members and app passwords. Throws `AccountError`. */
export class AccountReader {
  constructor(protected readonly metadata: MetadataStore) {}

  findUser(email: string): Promise<UserRow | null> {
    return this.metadata.readOne([], ({ accounts }) => accounts.findUser(email));
  }

  readUser(email: string): Promise<UserRow> {
    return this.metadata.readOne([], ({ accounts }) => readUserIn(accounts, email));
  }

  /** All users, by e-mail address. */
  async *users(): AsyncGenerator<UserRow> {
    for (let after: string | null = null; ; ) {
      const page: UserRow[] = await this.metadata.readOne([], ({ accounts }) => accounts.listUsers(after, PAGE));
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1)!.email;
    }
  }

  readDrive(id: number): Promise<DriveRow> {
    return this.metadata.readOne([], ({ accounts }) => readDriveIn(accounts, id));
  }

  /** All drives, by ID. */
  async *drives(): AsyncGenerator<DriveRow> {
    for (let after: DriveId | null = null; ; ) {
      const page: DriveRow[] = await this.metadata.readOne([], ({ accounts }) => accounts.listDrives(after, PAGE));
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1)!.id;
    }
  }

  readMember(driveId: number, email: string): Promise<MemberRow> {
    return this.metadata.read([], async ({ accounts }) =>
      readMemberIn(accounts, driveId, await readUserIn(accounts, email)),
    );
  }

  members(driveId: DriveId): Promise<(MemberRow & { readonly email: string; readonly name: string })[]> {
    return this.metadata.readOne([], ({ accounts }) => accounts.members(driveId));
  }

  drivesOf(userId: UserId): Promise<(DriveRow & { readonly role: Role })[]> {
    return this.metadata.readOne([], ({ accounts }) => accounts.drivesOf(userId));
  }

  /** Throws `AccountError` `second-factor-required` where the rule of the organization keeps a user from letting anything in. */
  checkHasFactor(id: UserId): Promise<void> {
    return this.metadata.readOne([], ({ accounts }) => checkFactorIn(accounts, id));
  }

  appPasswords(email: string): Promise<AppPasswordRow[]> {
    return this.metadata.read([], async ({ accounts }) =>
      accounts.listAppPasswords((await readUserIn(accounts, email)).id),
    );
  }
}

/** Throws `AccountError` `no-such-user`. */
export async function readUserIn(accounts: AccountView, email: string): Promise<UserRow> {
  const user = await accounts.findUser(email.trim());
  if (!user) throw new AccountError('no-such-user', `There is no user ${email}.`);
  return user;
}

/** Throws `AccountError` `no-such-drive`. */
export async function readDriveIn(accounts: AccountView, id: number): Promise<DriveRow> {
  const drive = Number.isSafeInteger(id) ? await accounts.findDrive(id as DriveId) : null;
  if (!drive) throw new AccountError('no-such-drive', `There is no drive ${id}.`);
  return drive;
}

/** Throws `AccountError` `no-such-drive`, `no-such-member`. */
export async function readMemberIn(accounts: AccountView, driveId: number, user: UserRow): Promise<MemberRow> {
  const drive = await readDriveIn(accounts, driveId);
  const member = (await accounts.members(drive.id)).find(({ userId }) => userId === user.id);
  if (!member) throw noMember(drive.id, user);
  return member;
}

/** Throws `AccountError` `second-factor-required` where the rule of the organization keeps a user from letting anything in. */
export async function checkFactorIn(accounts: AccountView, id: UserId): Promise<void> {
  if (!(await accounts.lacksRequiredFactor(id))) return;
  const message = 'Two-factor authentication is required here: sign in to the console and set it up first.';
  throw new AccountError('second-factor-required', message);
}

/** A drive that had a manager keeps one. */
export function checkManagerLeft(members: readonly MemberRow[], leaving: UserRow): void {
  const managers = members.filter(({ role }) => role === 'manager');
  if (managers.length !== 1 || managers[0]!.userId !== leaving.id) return;
  const message = `${leaving.email} is the last manager of drive ${managers[0]!.driveId}; make another member manager first.`;
  throw new AccountError('last-manager', message);
}

export function lastAdministrator({ email }: UserRow, cause: Error): AccountError {
  const message = `${email} is the last administrator; make another one first.`;
  return new AccountError('last-administrator', message, { cause });
}

export function noMember(driveId: DriveId, user: UserRow): AccountError {
  return new AccountError('no-such-member', `${user.email} is no member of drive ${driveId}; add them first.`);
}

export function emailTaken(email: string, cause?: Error): AccountError {
  return new AccountError('email-taken', `There is a user ${email} already.`, { cause });
}
