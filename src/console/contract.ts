/**
 * What the console's pages and the JSON API say to each other. Types alone: both sides import them. Times are ISO 8601
 * texts, sizes bytes. `docs/openapi.json` says the same for others; a test holds the two together.
 */

import type { RefusalKind } from './refusal-kind.js';

export type Stage = 'signed-out' | 'second-step' | 'full';

/** GET /api/session */
export interface SessionAnswer {
  readonly stage: Stage;
  /** To be sent as `X-CSRF-Token` with whatever isn't a GET. Null when signed out. */
  readonly csrfToken: string | null;
  /** Null when signed out, and before the second step. */
  readonly user: SessionUser | null;
  /** What the second step can be done with. */
  readonly secondStep: { readonly code: boolean; readonly passkey: boolean } | null;
}
export interface SessionUser {
  readonly email: string;
  readonly name: string;
  readonly isAdmin: boolean;
  readonly hasSecondFactor: boolean;
  /** The organization wants a second factor, and this user has none: nothing else can be done. */
  readonly mustSetUpSecondFactor: boolean;
  /** An administrator asks for a second factor. */
  readonly isAlerted: boolean;
  /** Whether what an administrator does needs a new proof first: not when true. */
  readonly isFresh: boolean;
  /** The administrator of a new Firn, who has not changed the password that was made up: to be led through. */
  readonly isFirstStart: boolean;
}

/** POST /api/session */
export interface SignInBody {
  readonly email: string;
  readonly password: string;
}
/** POST /api/session/second-step */
export interface SecondStepBody {
  readonly code: string;
}
/**
 * POST /api/session/passkey: the second step by a passkey; answers a SessionAnswer. POST /api/session/passkey/options, without
 * a body, gives what `startAuthentication` of @simplewebauthn/browser takes as `optionsJSON`, before each try.
 */
export interface PasskeyStepBody {
  /** What `startAuthentication` gave. */
  readonly response: unknown;
}
/**
 * POST /api/session/proof: for what an administrator does, and where an error says `not-fresh`; answers a SessionAnswer.
 * With a second factor on, a code or a passkey too.
 */
export interface ProofBody {
  readonly password: string;
  readonly code?: string | undefined;
  /** What `startAuthentication` gave, with the options of POST /api/session/passkey/options. */
  readonly passkey?: unknown;
}
/** GET /api/security */
export interface SecurityAnswer {
  readonly isTotpOn: boolean;
  readonly recoveryCodes: number;
  readonly passkeys: readonly PasskeyEntry[];
  readonly sessions: readonly SessionEntry[];
  /** Programs that still try a password that isn't valid any more, or the account password while 2FA is on. */
  readonly staleDevices: readonly StaleDevice[];
  readonly isSecondFactorRequired: boolean;
}
export interface PasskeyEntry {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
}
export interface SessionEntry {
  readonly id: number;
  readonly isThis: boolean;
  readonly client: string;
  readonly address: string;
  readonly createdAt: string;
  readonly seenAt: string;
}
export interface StaleDevice {
  /** The app password's name; null: the account password. */
  readonly appPassword: string | null;
  readonly client: string;
  readonly at: string;
}
/**
 * DELETE /api/security/sessions/ID ends one, DELETE /api/security/sessions all but this one; 204. Of one's own the browser
 * is signed out.
 */

/** POST /api/security/password: ends all other sessions; answers a SessionAnswer, with a new token against forgery. */
export interface PasswordBody {
  readonly current: string;
  readonly next: string;
}
/** POST /api/security/totp */
export interface TotpAnswer {
  readonly secret: string;
  readonly uri: string;
  /** An SVG picture of the QR code. */
  readonly qrSvg: string;
}
/** POST /api/security/totp/confirm: answers a RecoveryCodesAnswer, and ends all other sessions. */
export interface TotpConfirmBody {
  readonly code: string;
}
/** POST /api/security/recovery-codes: instead of all others. Without a code the proof has to be fresh (403 `not-fresh`). */
export interface RecoveryCodesBody {
  readonly code?: string | undefined;
}
/** Recovery codes, shown once. */
export interface RecoveryCodesAnswer {
  readonly recoveryCodes: readonly string[];
}
/** DELETE /api/security/second-factor: all of it; 204. One of code and passkey is wanted. */
export type SecondFactorOffBody = ProofBody;
/**
 * POST /api/security/passkeys; POST /api/security/passkeys/options, without a body, gives before what `startRegistration`
 * takes as `optionsJSON`. With a second factor on, both want a fresh proof (403 `not-fresh`), and so does
 * DELETE /api/security/passkeys/ID, which answers 204, or 409 `last-second-factor`.
 */
export interface PasskeyBody {
  readonly name: string;
  /** What the browser's `navigator.credentials.create` gave, as @simplewebauthn/browser has it. */
  readonly response: unknown;
}
export interface PasskeyMade {
  readonly passkey: PasskeyEntry;
  /** Shown this once, where it is the first second factor; all other sessions have ended then. Null: those of before stay. */
  readonly recoveryCodes: readonly string[] | null;
}

/** GET /api/app-passwords */
export interface AppPasswordsAnswer {
  readonly appPasswords: readonly AppPasswordEntry[];
}
export interface AppPasswordEntry {
  readonly id: number;
  readonly name: string;
  readonly drive: { readonly id: number; readonly name: string } | null;
  /** Where it is now. Null: there is no limit to one, or it was deleted. */
  readonly folder: string | null;
  /** It is limited to a folder that was deleted: nothing can be done with it. */
  readonly isFolderGone: boolean;
  readonly allowance: 'full' | 'read-only' | 'add-only';
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly lastClient: string | null;
  readonly state: 'valid' | 'expired' | 'revoked';
}
/** POST /api/app-passwords, after a fresh proof (403 `not-fresh`); DELETE /api/app-passwords/ID revokes one, DELETE /api/app-passwords all; 204. */
export interface AppPasswordBody {
  readonly name: string;
  readonly driveId: number | null;
  /** A folder's path on that drive, as the user sees it; what is missing of it is made. */
  readonly folder?: string | null | undefined;
  readonly allowance?: 'full' | 'read-only' | 'add-only' | undefined;
  /** A moment, or a day like 2027-12-31, which is the last one it can be used (UTC). */
  readonly expiresAt?: string | null | undefined;
}
export interface AppPasswordMade {
  readonly appPassword: AppPasswordEntry;
  /** Shown this once. */
  readonly secret: string;
}

/** GET /api/drives */
export interface DrivesAnswer {
  readonly drives: readonly DriveEntry[];
}
export interface DriveEntry {
  readonly id: number;
  readonly name: string;
  readonly role: 'manager' | 'member' | 'viewer';
  /** Addresses for WebDAV programs, each with a slash at the end. The first is the one to show. */
  readonly addresses: readonly string[];
  readonly usedBytes: number;
  /** Null: no limit. */
  readonly availableBytes: number | null;
  readonly uploadMaxBytes: number;
}

/** GET /api/drives/ID/files?path=&after=&limit=, members by name; GET /api/drives/ID/search?name=&after= */
export interface FilesAnswer {
  readonly folder: FileEntry;
  readonly members: readonly FileEntry[];
  /** To be sent as `after` for the next page; null: this was the last. */
  readonly next: string | null;
  /** How many members there are in all, where that is known. */
  readonly total: number | null;
}
export interface FileEntry {
  /** From the drive's root, as the user sees it: `/Firn/photos/sea.jpg`. */
  readonly path: string;
  readonly name: string;
  readonly isFolder: boolean;
  readonly size: number;
  readonly modifiedAt: string;
  readonly etag: string;
  readonly contentType: string | null;
  readonly mayChange: boolean;
  readonly mayAdd: boolean;
  /** Of what lies in the trash. */
  readonly trash: {
    readonly originalPath: string;
    readonly deletedAt: string;
    readonly deletedBy: string | null;
  } | null;
}
/** POST /api/drives/ID/folders */
export interface FolderBody {
  readonly path: string;
}
/** POST /api/drives/ID/move and /copy */
export interface TransferBody {
  readonly from: string;
  readonly to: string;
  /** Where the name is taken: `name (2)` instead of a refusal. */
  readonly mayRename?: boolean | undefined;
}
/** POST /api/drives/ID/delete: into the trash; what is there already goes for good. */
export interface DeleteBody {
  readonly paths: readonly string[];
}
/** What a change left: where things are now. */
export interface PathsAnswer {
  readonly paths: readonly string[];
}
/** POST /api/drives/ID/trash/restore: back to where they were, or to `name (2)`. */
export interface RestoreBody {
  readonly paths: readonly string[];
}
/** DELETE /api/drives/ID/trash */
export interface TrashEmptiedAnswer {
  /** How many files and folders, each with what was in it, are gone for good. */
  readonly removed: number;
}

/**
 * Uploads speak TUS 1.0.0: POST to /api/drives/ID/uploads, then PATCH, HEAD and DELETE of the address in `Location`, each
 * with `X-CSRF-Token`. These are the keys of `Upload-Metadata`, with values in base64 of UTF-8. A taken name is
 * overwritten, unless there is `mayRename` or the POST has `If-None-Match: *`, which is then refused with 412.
 *
 * GET /api/drives/ID/content?path= gives a file's bytes for a preview, with `&download=1` to be saved;
 * GET /api/drives/ID/zip?path=&path= files and folders in one ZIP file.
 */
export interface UploadMetadata {
  /** The folder that the file goes into. */
  readonly path: string;
  /** May have folders before it, which are made: `holiday/day 1/sea.jpg`. */
  readonly filename: string;
  /** When the file was changed last, in Unix seconds. */
  readonly mtime?: string;
  /** Whatever its value: where the name is taken, `name (2)`. HEAD then tells the name in `Upload-Metadata`. */
  readonly mayRename?: string;
}

/** What went wrong: any status from 400 on. */
export interface ErrorAnswer {
  readonly error: {
    /** One word for programs: `wrong-code`, `exists`, `not-signed-in`, `not-fresh`, `invalid-input` … */
    readonly kind: RefusalKind;
    /** A plain sentence for people. */
    readonly message: string;
    /** The field of the body that is wrong, where it is one. */
    readonly field?: string;
  };
  readonly requestId: string;
}

/** GET /api/admin/users?secondFactor=none&after=; `none`: who can sign in and has none. */
export interface UsersAnswer {
  readonly users: readonly UserEntry[];
  readonly next: string | null;
  readonly isSecondFactorRequired: boolean;
  readonly withoutSecondFactor: number;
}
export interface UserEntry {
  readonly email: string;
  readonly name: string;
  readonly isAdmin: boolean;
  readonly isDisabled: boolean;
  readonly hasSecondFactor: boolean;
  readonly alertedAt: string | null;
  readonly createdAt: string;
  readonly drives: number;
}
/** POST /api/admin/users */
export interface NewUserBody {
  readonly email: string;
  readonly name: string;
  readonly isAdmin: boolean;
  /** Without one, one is made up and given back once. */
  readonly password?: string | undefined;
}
export interface NewUserAnswer {
  readonly user: UserEntry;
  readonly password: string | null;
}
/** PATCH /api/admin/users/EMAIL and POST /api/admin/users/EMAIL/reset-2fa; both answer with the `UserEntry`. */
export interface UserChangeBody {
  readonly name?: string | undefined;
  readonly isAdmin?: boolean | undefined;
  readonly isDisabled?: boolean | undefined;
}
/** POST /api/admin/users/EMAIL/password */
export interface NewPasswordBody {
  /** Without one, one is made up and given back once. */
  readonly password?: string | undefined;
}
export interface NewPasswordAnswer {
  readonly password: string | null;
}
/** POST /api/admin/users/EMAIL/alert; POST /api/admin/alert: all who can sign in and have no second factor. */
export interface AlertAnswer {
  /** Users who see it at their next sign-in. */
  readonly alerted: number;
  /** Mails that went out. */
  readonly mailed: number;
  /** Whether there is a mail server at all. */
  readonly hasMailServer: boolean;
}
/** GET and PUT /api/admin/organization */
export interface OrganizationBody {
  readonly isSecondFactorRequired: boolean;
}
/** GET /api/admin/drives */
export interface AdminDrivesAnswer {
  readonly drives: readonly AdminDriveEntry[];
}
export interface AdminDriveEntry {
  readonly id: number;
  readonly name: string;
  readonly quotaBytes: number | null;
  readonly uploadMaxBytes: number | null;
  readonly usedBytes: number;
  readonly members: readonly MemberEntry[];
  readonly createdAt: string;
}
export interface MemberEntry {
  readonly email: string;
  readonly name: string;
  readonly role: 'manager' | 'member' | 'viewer';
  readonly quotaBytes: number | null;
}
/** POST /api/admin/drives; PATCH /api/admin/drives/ID without `ownerEmail`. Both answer with the `AdminDriveEntry`. */
export interface NewDriveBody {
  readonly name: string;
  readonly ownerEmail: string;
  readonly quotaBytes: number | null;
  readonly uploadMaxBytes: number | null;
}
export interface DriveChangeBody {
  readonly name?: string | undefined;
  readonly quotaBytes?: number | null | undefined;
  readonly uploadMaxBytes?: number | null | undefined;
}
/** PUT /api/admin/drives/ID/members/EMAIL, which answers with the `MemberEntry`; DELETE ends the membership. */
export interface MemberBody {
  readonly role: 'manager' | 'member' | 'viewer';
  readonly quotaBytes: number | null;
}
/** GET /api/admin/audit?user=&kind=&before=; GET /api/security/audit?before= for one's own */
export interface AuditAnswer {
  readonly records: readonly AuditEntry[];
  readonly next: number | null;
  readonly kinds: readonly string[];
}
export interface AuditEntry {
  readonly id: number;
  readonly at: string;
  readonly kind: string;
  readonly user: string | null;
  readonly actor: string;
  readonly address: string;
  readonly client: string;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}
/** GET /api/admin/storage: a point a day. `damaged`: contents; null: the server hasn't looked since its start. */
export interface StorageAnswer {
  readonly points: readonly { readonly day: string; readonly usedBytes: number; readonly files: number }[];
  readonly freeBytes: number | null;
  readonly damaged: number | null;
}
