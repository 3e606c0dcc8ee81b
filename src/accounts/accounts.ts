import {
  type AccountStore,
  type Allowance,
  type AppPasswordRow,
  DriveIdTakenError,
  type DriveRow,
  EmailTakenError,
  LastAdministratorError,
  type MemberRow,
  type Role,
  SelectorTakenError,
  type UserChange,
  type UserRow,
} from '../stores/account-store.js';
import type { AppPasswordId, DriveId, NodeId, UserId } from '../stores/values.js';
import { AccountError } from './account-error.js';
import { checkBytes, checkDisplayName, checkDriveId, checkDriveName, checkEmail } from './account-rules.js';
import { makeAppPassword } from './app-password.js';
import { type Actor, type Audit, type AuditDetails, type AuditKind, OPERATOR } from './audit.js';
import { checkPasswordRules } from './password-rules.js';
import type { Passwords } from './passwords.js';

const PAGE = 500;

export interface AccountsOptions {
  /** Largest limit on one file's size that a drive may have, bytes. */
  readonly uploadMaxBytes: number;
  /** Is told of every change. */
  readonly audit: Audit;
  readonly now?: () => number;
}

export interface DriveChange {
  readonly name?: string;
  readonly quotaBytes?: number | null;
  readonly uploadMaxBytes?: number | null;
}

/** What operators and users do with users, drives, members and app passwords. Throws `AccountError`. */
export class Accounts {
  readonly #store: AccountStore;
  readonly #passwords: Passwords;
  readonly #options: AccountsOptions;
  readonly #uploadMaxBytes: number;
  readonly #audit: Audit;
  readonly #actor: Actor;
  readonly #now: () => number;

  /** `actor`: who does it, for the audit log. */
  constructor(store: AccountStore, passwords: Passwords, options: AccountsOptions, actor: Actor = OPERATOR) {
    this.#store = store;
    this.#passwords = passwords;
    this.#options = options;
    this.#uploadMaxBytes = options.uploadMaxBytes;
    this.#audit = options.audit;
    this.#actor = actor;
    this.#now = options.now ?? Date.now;
  }

  /** The same, done by somebody else. */
  as(actor: Actor): Accounts {
    return new Accounts(this.#store, this.#passwords, this.#options, actor);
  }

  /** Without a name the part before the @ serves. */
  async createUser(user: {
    readonly email: string;
    readonly name: string | null;
    readonly password: string;
    readonly isAdmin: boolean;
  }): Promise<UserRow> {
    const email = checkEmail(user.email);
    const name = checkDisplayName(user.name ?? email.slice(0, email.indexOf('@')), "The user's name");
    checkPasswordRules(user.password, email);
    if (await this.#store.findUser(email)) throw emailTaken(email);
    const passwordHash = await this.#passwords.hashPassword(user.password);
    try {
      const made = await this.#store.createUser({ email, name, passwordHash, isAdmin: user.isAdmin }, this.#now());
      await this.#note('user-made', made.id, { isAdmin: made.isAdmin });
      return made;
    } catch (error) {
      throw error instanceof EmailTakenError ? emailTaken(email, error) : error;
    }
  }

  async readUser(email: string): Promise<UserRow> {
    const user = await this.#store.findUser(email.trim());
    if (!user) {
      throw new AccountError('no-such-user', `There is no user ${email}.`);
    }
    return user;
  }

  /** All users, by e-mail address. */
  async *users(): AsyncGenerator<UserRow> {
    for (let after: string | null = null; ; ) {
      const page: UserRow[] = await this.#store.listUsers(after, PAGE);
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1)!.email;
    }
  }

  async setPassword(email: string, password: string): Promise<void> {
    const user = await this.readUser(email);
    checkPasswordRules(password, user.email);
    await this.#store.setPassword(user.id, await this.#passwords.hashPassword(password), this.#now());
    await this.#note('password-changed', user.id);
  }

  /** A disabled user's credentials are refused from the next request on. The last administrator can't be disabled. */
  setDisabled(email: string, isDisabled: boolean): Promise<void> {
    return this.changeUser(email, { isDisabled });
  }

  /** All of it or nothing. The last administrator stays one. */
  async changeUser(email: string, change: UserChange): Promise<void> {
    const user = await this.readUser(email);
    const name = change.name === undefined ? {} : { name: checkDisplayName(change.name, "The user's name") };
    const { isAdmin, isDisabled } = change;
    const kept = {
      ...name,
      ...(isAdmin === undefined ? {} : { isAdmin }),
      ...(isDisabled === undefined ? {} : { isDisabled }),
    };
    try {
      await this.#store.updateUser(user.id, kept);
    } catch (error) {
      throw error instanceof LastAdministratorError ? lastAdministrator(user, error) : error;
    }
    await this.#note('user-changed', user.id, kept);
  }

  /** Which of their drives the addresses without a drive's ID show; null: the oldest. */
  async setOwnDrive(email: string, driveId: number | null): Promise<void> {
    const user = await this.readUser(email);
    const own = driveId === null ? null : (await this.readMember(driveId, user.email)).driveId;
    await this.#store.setOwnDrive(user.id, own);
  }

  async createDrive(drive: {
    readonly id: number | null;
    readonly name: string;
    readonly ownerEmail: string;
    readonly quotaBytes: number | null;
    readonly uploadMaxBytes: number | null;
  }): Promise<DriveRow> {
    const name = checkDriveName(drive.name);
    const id = drive.id === null ? null : (checkDriveId(drive.id) as DriveId);
    const { quotaBytes, uploadMaxBytes } = drive;
    this.#checkLimits({ quotaBytes, uploadMaxBytes });
    const owner = await this.readUser(drive.ownerEmail);
    const now = this.#now();
    try {
      const created = await this.#store.createDrive({ id, name, quotaBytes, uploadMaxBytes }, now);
      await this.#store.putMember(created.id, owner.id, 'manager', null, now);
      await this.#note('drive-made', owner.id, { drive: created.id, name });
      return created;
    } catch (error) {
      if (!(error instanceof DriveIdTakenError)) throw error;
      throw new AccountError('drive-id-taken', `There is a drive ${id} already.`, {
        cause: error,
      });
    }
  }

  async readDrive(id: number): Promise<DriveRow> {
    const drive = Number.isSafeInteger(id) ? await this.#store.findDrive(id as DriveId) : null;
    if (!drive) throw new AccountError('no-such-drive', `There is no drive ${id}.`);
    return drive;
  }

  /** All drives, by ID. */
  async *drives(): AsyncGenerator<DriveRow> {
    for (let after: DriveId | null = null; ; ) {
      const page: DriveRow[] = await this.#store.listDrives(after, PAGE);
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1)!.id;
    }
  }

  async changeDrive(id: number, change: DriveChange): Promise<void> {
    const drive = await this.readDrive(id);
    this.#checkLimits({ quotaBytes: change.quotaBytes ?? null, uploadMaxBytes: change.uploadMaxBytes ?? null });
    const name = change.name === undefined ? {} : { name: checkDriveName(change.name) };
    await this.#store.updateDrive(drive.id, { ...change, ...name });
    await this.#note('drive-changed', null, { drive: drive.id, ...change, ...name });
  }

  /** Adds a member or changes one; what `change` leaves out stays, and is member without limit at first. */
  async putMember(
    driveId: number,
    email: string,
    change: { readonly role?: Role; readonly quotaBytes?: number | null },
  ): Promise<MemberRow> {
    const drive = await this.readDrive(driveId);
    const user = await this.readUser(email);
    const members = await this.#store.members(drive.id);
    const present = members.find((member) => member.userId === user.id);
    const role = change.role ?? present?.role ?? 'member';
    const quotaBytes = change.quotaBytes === undefined ? (present?.quotaBytes ?? null) : change.quotaBytes;
    checkBytes(quotaBytes, 'The quota');
    if (role !== 'manager') checkManagerLeft(members, user);
    const member = await this.#store.putMember(drive.id, user.id, role, quotaBytes, this.#now());
    await this.#note('member-changed', user.id, { drive: drive.id, role, quotaBytes });
    return member;
  }

  async removeMember(driveId: number, email: string): Promise<void> {
    const drive = await this.readDrive(driveId);
    const user = await this.readUser(email);
    checkManagerLeft(await this.#store.members(drive.id), user);
    if (!(await this.#store.removeMember(drive.id, user.id))) throw noMember(drive.id, user);
    await this.#note('member-changed', user.id, { drive: drive.id, role: null });
  }

  async readMember(driveId: number, email: string): Promise<MemberRow> {
    const drive = await this.readDrive(driveId);
    const user = await this.readUser(email);
    const member = (await this.#store.members(drive.id)).find(({ userId }) => userId === user.id);
    if (!member) throw noMember(drive.id, user);
    return member;
  }

  /**
   * `secret` is what the user types; it is never to be had again. A scope needs a drive. Where a second factor is required
   * of everyone, who has none gets none, but by the operator.
   */
  async createAppPassword(password: {
    readonly email: string;
    readonly name: string;
    readonly driveId: number | null;
    readonly scopeId: NodeId | null;
    readonly allowance: Allowance;
    readonly expiresAt: number | null;
  }): Promise<{ readonly row: AppPasswordRow; readonly secret: string }> {
    const user = await this.readUser(password.email);
    const name = checkDisplayName(password.name, "The app password's name");
    if (this.#actor !== OPERATOR) await this.checkHasFactor(user.id);
    if (password.scopeId !== null && password.driveId === null) throw new Error('a folder is on some drive');
    const driveId = password.driveId === null ? null : (await this.readMember(password.driveId, user.email)).driveId;
    const now = this.#now();
    const { scopeId, allowance, expiresAt } = password;
    if (expiresAt !== null && !(expiresAt > now)) {
      throw new AccountError('invalid-number', 'The app password would have expired already; give a later date.');
    }
    for (;;) {
      const { text, secret, selector } = makeAppPassword();
      const hash = await this.#passwords.hashPassword(secret);
      const mac = null;
      const fresh = { userId: user.id, name, selector, hash, mac, driveId, scopeId, allowance, expiresAt };
      try {
        const row = await this.#store.createAppPassword(fresh, now);
        await this.#note('app-password-made', user.id, { number: row.id, name, drive: driveId, allowance });
        return { row, secret: text };
      } catch (error) {
        // Another one happens to have the same public part.
        if (!(error instanceof SelectorTakenError)) throw error;
      }
    }
  }

  /** Throws `AccountError` `second-factor-required` where the rule of the organization keeps a user from letting anything in. */
  async checkHasFactor(id: UserId): Promise<void> {
    if (!(await this.#store.lacksRequiredFactor(id))) return;
    const message = 'Two-factor authentication is required here: sign in to the console and set it up first.';
    throw new AccountError('second-factor-required', message);
  }

  async appPasswords(email: string): Promise<AppPasswordRow[]> {
    return this.#store.listAppPasswords((await this.readUser(email)).id);
  }

  async revokeAppPassword(email: string, id: number): Promise<void> {
    const user = await this.readUser(email);
    if (await this.#store.revokeAppPassword(user.id, id as AppPasswordId, this.#now())) {
      await this.#note('app-password-revoked', user.id, { number: id });
      return;
    }
    throw new AccountError('no-such-app-password', `${user.email} has no app password ${id} in force.`);
  }

  /** Gives how many there were. */
  async revokeAppPasswords(email: string): Promise<number> {
    const user = await this.readUser(email);
    const revoked = await this.#store.revokeAppPasswords(user.id, this.#now());
    if (revoked > 0) await this.#note('app-password-revoked', user.id, { all: revoked });
    return revoked;
  }

  #checkLimits({ quotaBytes, uploadMaxBytes }: { quotaBytes: number | null; uploadMaxBytes: number | null }): void {
    checkBytes(quotaBytes, 'The quota');
    checkBytes(uploadMaxBytes, 'The largest upload', this.#uploadMaxBytes);
  }

  #note(kind: AuditKind, userId: UserId | null, details: AuditDetails = {}): Promise<void> {
    return this.#audit.note(kind, userId, this.#actor, details);
  }
}

/** A drive that had a manager keeps one. */
function checkManagerLeft(members: readonly MemberRow[], leaving: UserRow): void {
  const managers = members.filter(({ role }) => role === 'manager');
  if (managers.length !== 1 || managers[0]!.userId !== leaving.id) return;
  const message = `${leaving.email} is the last manager of drive ${managers[0]!.driveId}; make another member manager first.`;
  throw new AccountError('last-manager', message);
}

function lastAdministrator({ email }: UserRow, cause: Error): AccountError {
  const message = `${email} is the last administrator; make another one first.`;
  return new AccountError('last-administrator', message, { cause });
}

function noMember(driveId: DriveId, user: UserRow): AccountError {
  return new AccountError('no-such-member', `${user.email} is no member of drive ${driveId}; add them first.`);
}

function emailTaken(email: string, cause?: Error): AccountError {
  return new AccountError('email-taken', `There is a user ${email} already.`, { cause });
}
