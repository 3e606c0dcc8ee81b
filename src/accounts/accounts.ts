import {
  type AccountView,
  type Allowance,
  type AppPasswordRow,
  DriveIdTakenError,
  type DriveRow,
  EmailTakenError,
  LastAdministratorError,
  type MemberRow,
  type NewDrive,
  type NewUser,
  type Role,
  SelectorTakenError,
  type UserChange,
  type UserRow,
} from '../stores/account-store.js';
import { MAKES_ROOM, type MetadataStore, type StoreTransaction } from '../stores/metadata-store.js';
import type { AppPasswordId, DriveId, NodeId, UserId } from '../stores/values.js';
import { AccountError } from './account-error.js';
import {
  AccountReader,
  checkFactorIn,
  checkManagerLeft,
  emailTaken,
  lastAdministrator,
  noMember,
  readDriveIn,
  readMemberIn,
  readUserIn,
} from './account-reader.js';
import { checkBytes, checkDisplayName, checkDriveId, checkDriveName, checkEmail } from './account-rules.js';
import { makeAppPassword } from './app-password.js';
import { type Actor, type Audit, type AuditDetails, type AuditKind, OPERATOR } from './audit.js';
import { checkPasswordRules } from './password-rules.js';
import type { Passwords } from './passwords.js';

export interface AccountsOptions {
  /** Largest limit on one file's size that a drive may have, bytes. */
  readonly uploadMaxBytes: number;
  /** Records every change, in its transaction. */
  readonly audit: Audit;
  readonly now?: () => number;
}

export interface DriveChange {
  readonly name?: string;
  readonly quotaBytes?: number | null;
  readonly uploadMaxBytes?: number | null;
}

/** What operators and users do with users, drives, members and app passwords. Throws `AccountError`. */
export class Accounts extends AccountReader {
  readonly #passwords: Passwords;
  readonly #options: AccountsOptions;
  readonly #uploadMaxBytes: number;
  readonly #audit: Audit;
  readonly #actor: Actor;
  readonly #now: () => number;

  /** `actor`: who does it, for the audit log. */
  constructor(metadata: MetadataStore, passwords: Passwords, options: AccountsOptions, actor: Actor = OPERATOR) {
    super(metadata);
    this.#passwords = passwords;
    this.#options = options;
    this.#uploadMaxBytes = options.uploadMaxBytes;
    this.#audit = options.audit;
    this.#actor = actor;
    this.#now = options.now ?? Date.now;
  }

  /** The same, done by somebody else. */
  as(actor: Actor): Accounts {
    return new Accounts(this.metadata, this.#passwords, this.#options, actor);
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
    if (await this.findUser(email)) throw emailTaken(email);
    const passwordHash = await this.#passwords.hashPassword(user.password);
    const row = { email, name, passwordHash, isAdmin: user.isAdmin };
    return orEmailTaken(email, () => this.metadata.write([], (transaction) => this.#insertUser(transaction, row)));
  }

  /**
   * The first administrator with a first drive, or neither. Null, and nothing is made, where there are users: each of
   * several processes may try.
   */
  async createFirst(first: {
    readonly email: string;
    readonly name: string;
    readonly password: string;
    readonly driveName: string;
  }): Promise<DriveRow | null> {
    const hasUsers = async (view: AccountView) => (await view.listUsers(null, 1)).length > 0;
    if (await this.metadata.readOne([], ({ accounts }) => hasUsers(accounts))) return null;
    const { email, name } = first;
    const passwordHash = await this.#passwords.hashPassword(first.password);
    return this.metadata.write([], async (transaction) => {
      if (await hasUsers(transaction.accounts)) return null;
      const user = await this.#insertUser(transaction, { email, name, passwordHash, isAdmin: true });
      const drive = { id: null, name: first.driveName, quotaBytes: null, uploadMaxBytes: null };
      return this.#insertDrive(transaction, drive, user);
    });
  }

  /** Ends the user's sessions but `keptSession`, which is renewed by who changes their own password. */
  async setPassword(email: string, password: string, keptSession: number | null = null): Promise<void> {
    const user = await this.readUser(email);
    checkPasswordRules(password, user.email);
    const hash = await this.#passwords.hashPassword(password);
    await this.metadata.write([], async (transaction) => {
      await transaction.accounts.setPassword(user.id, hash, this.#now());
      await transaction.security.endSessions(user.id, keptSession);
      await this.#noteIn(transaction, 'password-changed', user.id);
    });
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
      await this.metadata.write([], async (transaction) => {
        await transaction.accounts.updateUser(user.id, kept);
        await this.#noteIn(transaction, 'user-changed', user.id, kept);
      });
    } catch (error) {
      throw error instanceof LastAdministratorError ? lastAdministrator(user, error) : error;
    }
  }

  /** Takes away a user's second factors, for who has lost phone and recovery codes. Throws `AccountError` `second-factor-off`. */
  async resetSecondFactor(email: string): Promise<void> {
    await this.metadata.write([], async (transaction) => {
      const user = await readUserIn(transaction.accounts, email);
      if (!(await transaction.security.removeSecondFactors(user.id))) {
        throw new AccountError('second-factor-off', `${user.email} has no two-factor authentication.`);
      }
      await this.#noteIn(transaction, 'second-factor-reset', user.id);
    });
  }

  /** Whether everyone needs a second factor. What is so already is not recorded. */
  async requireSecondFactor(isRequired: boolean): Promise<void> {
    await this.metadata.write([], async (transaction) => {
      if ((await transaction.security.isSecondFactorRequired()) === isRequired) return;
      await transaction.security.requireSecondFactor(isRequired);
      await this.#noteIn(transaction, 'second-factor-rule', null, { isRequired });
    });
  }

  /** Which of their drives the addresses without a drive's ID show; null: the oldest. */
  async setOwnDrive(email: string, driveId: number | null): Promise<void> {
    await this.metadata.write([], async ({ accounts }) => {
      const user = await readUserIn(accounts, email);
      const own = driveId === null ? null : (await readMemberIn(accounts, driveId, user)).driveId;
      await accounts.setOwnDrive(user.id, own);
    });
  }

  /** With its first member, who manages it. */
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
    try {
      return await this.metadata.write([], async (transaction) => {
        const owner = await readUserIn(transaction.accounts, drive.ownerEmail);
        return this.#insertDrive(transaction, { id, name, quotaBytes, uploadMaxBytes }, owner);
      });
    } catch (error) {
      if (!(error instanceof DriveIdTakenError)) throw error;
      throw new AccountError('drive-id-taken', `There is a drive ${id} already.`, {
        cause: error,
      });
    }
  }

  async changeDrive(id: number, change: DriveChange): Promise<void> {
    this.#checkLimits({ quotaBytes: change.quotaBytes ?? null, uploadMaxBytes: change.uploadMaxBytes ?? null });
    const name = change.name === undefined ? {} : { name: checkDriveName(change.name) };
    await this.#writeDrive(id, async (transaction, drive) => {
      await transaction.accounts.updateDrive(drive.id, { ...change, ...name });
      await this.#noteIn(transaction, 'drive-changed', null, { drive: drive.id, ...change, ...name });
    });
  }

  /** Adds a member or changes one; what `change` leaves out stays, and is member without limit at first. */
  putMember(
    driveId: number,
    email: string,
    change: { readonly role?: Role; readonly quotaBytes?: number | null },
  ): Promise<MemberRow> {
    return this.#writeDrive(driveId, async (transaction, drive) => {
      const { accounts } = transaction;
      const user = await readUserIn(accounts, email);
      const members = await accounts.members(drive.id);
      const present = members.find((member) => member.userId === user.id);
      const role = change.role ?? present?.role ?? 'member';
      const quotaBytes = change.quotaBytes === undefined ? (present?.quotaBytes ?? null) : change.quotaBytes;
      checkBytes(quotaBytes, 'The quota');
      if (role !== 'manager') checkManagerLeft(members, user);
      const member = await accounts.putMember(drive.id, user.id, role, quotaBytes, this.#now());
      await this.#noteIn(transaction, 'member-changed', user.id, { drive: drive.id, role, quotaBytes });
      return member;
    });
  }

  removeMember(driveId: number, email: string): Promise<void> {
    return this.#writeDrive(driveId, async (transaction, drive) => {
      const { accounts } = transaction;
      const user = await readUserIn(accounts, email);
      checkManagerLeft(await accounts.members(drive.id), user);
      if (!(await accounts.removeMember(drive.id, user.id))) throw noMember(drive.id, user);
      await this.#noteIn(transaction, 'member-changed', user.id, { drive: drive.id, role: null });
    });
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
    /** Runs in the transaction that makes it, and throws to refuse. */
    readonly also?: (transaction: StoreTransaction, owner: UserRow) => Promise<void>;
  }): Promise<{ readonly row: AppPasswordRow; readonly secret: string }> {
    const name = checkDisplayName(password.name, "The app password's name");
    const { scopeId, allowance, expiresAt } = password;
    if (scopeId !== null && password.driveId === null) throw new Error('a folder is on some drive');
    const now = this.#now();
    if (expiresAt !== null && !(expiresAt > now)) {
      throw new AccountError('invalid-number', 'The app password would have expired already; give a later date.');
    }
    // Before argon2 runs, and again in the transaction.
    await this.metadata.read([], ({ accounts }) => this.#ownerOf(accounts, password));
    for (;;) {
      const { text, secret, selector } = makeAppPassword();
      const hash = await this.#passwords.hashPassword(secret);
      try {
        const row = await this.metadata.write([], async (transaction) => {
          const { user, driveId } = await this.#ownerOf(transaction.accounts, password);
          await password.also?.(transaction, user);
          const fresh = { userId: user.id, name, selector, hash, mac: null, driveId, scopeId, allowance, expiresAt };
          const made = await transaction.accounts.createAppPassword(fresh, now);
          const details = { number: made.id, name, drive: driveId, allowance };
          await this.#noteIn(transaction, 'app-password-made', user.id, details);
          return made;
        });
        return { row, secret: text };
      } catch (error) {
        // Another one happens to have the same public part.
        if (!(error instanceof SelectorTakenError)) throw error;
      }
    }
  }

  /** Whose an app password is to be, and for which drive. Throws `AccountError` where they may have none. */
  async #ownerOf(
    accounts: AccountView,
    { email, driveId }: { readonly email: string; readonly driveId: number | null },
  ): Promise<{ readonly user: UserRow; readonly driveId: DriveId | null }> {
    const user = await readUserIn(accounts, email);
    if (this.#actor !== OPERATOR) await checkFactorIn(accounts, user.id);
    return { user, driveId: driveId === null ? null : (await readMemberIn(accounts, driveId, user)).driveId };
  }

  revokeAppPassword(email: string, id: number): Promise<void> {
    return this.metadata.write([], async (transaction) => {
      const user = await readUserIn(transaction.accounts, email);
      if (!(await transaction.accounts.revokeAppPassword(user.id, id as AppPasswordId, this.#now()))) {
        throw new AccountError('no-such-app-password', `${user.email} has no app password ${id} in force.`);
      }
      await this.#noteIn(transaction, 'app-password-revoked', user.id, { number: id });
    });
  }

  /** Returns how many there were. */
  revokeAppPasswords(email: string): Promise<number> {
    return this.metadata.write([], async (transaction) => {
      const user = await readUserIn(transaction.accounts, email);
      const revoked = await transaction.accounts.revokeAppPasswords(user.id, this.#now());
      if (revoked > 0) await this.#noteIn(transaction, 'app-password-revoked', user.id, { all: revoked });
      return revoked;
    });
  }

  async #insertUser(transaction: StoreTransaction, user: NewUser): Promise<UserRow> {
    const made = await transaction.accounts.createUser(user, this.#now());
    await this.#noteIn(transaction, 'user-made', made.id, { isAdmin: made.isAdmin });
    return made;
  }

  async #insertDrive(transaction: StoreTransaction, drive: NewDrive, owner: UserRow): Promise<DriveRow> {
    const now = this.#now();
    const created = await transaction.accounts.createDrive(drive, now);
    await transaction.accounts.putMember(created.id, owner.id, 'manager', null, now);
    await this.#noteIn(transaction, 'drive-made', owner.id, { drive: created.id, name: drive.name });
    return created;
  }

  /** A change to a drive that is there. */
  #writeDrive<T>(id: number, work: (transaction: StoreTransaction, drive: DriveRow) => Promise<T>): Promise<T> {
    return this.metadata.write(
      [id as DriveId],
      async (transaction) => work(transaction, await readDriveIn(transaction.accounts, id)),
      MAKES_ROOM,
    );
  }

  #checkLimits({ quotaBytes, uploadMaxBytes }: { quotaBytes: number | null; uploadMaxBytes: number | null }): void {
    checkBytes(quotaBytes, 'The quota');
    checkBytes(uploadMaxBytes, 'The largest upload', this.#uploadMaxBytes);
  }

  #noteIn(
    transaction: StoreTransaction,
    kind: AuditKind,
    userId: UserId | null,
    details: AuditDetails = {},
  ): Promise<void> {
    return this.#audit.noteIn(transaction, kind, userId, this.#actor, details);
  }
}

async function orEmailTaken<T>(email: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof EmailTakenError ? emailTaken(email, error) : error;
  }
}
