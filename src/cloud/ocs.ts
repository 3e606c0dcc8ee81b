import { AccountError } from '../accounts/account-error.js';
import type { Accounts } from '../accounts/accounts.js';
import type { Actor } from '../accounts/audit.js';
import { PasswordsBusyError } from '../accounts/passwords.js';
import { passwordsBusy, toHttpError } from '../dav/drive-errors.js';
import { type CredentialRef, emailKey } from '../stores/account-store.js';
import { clientName } from './client-name.js';
import { type OcsData, type OcsResult, ocsAnswer } from './ocs-envelope.js';
import type { CloudAnswer, CloudRequest } from './request.js';
import { CLOUD_STATUS, CLOUD_VERSION } from './status.js';

/** Who asks, as OCS shows them. */
export interface CloudUser {
  readonly email: string;
  readonly name: string;
  readonly credential: CredentialRef;
  /** Of the drive in bytes; `available` null: no limit. */
  readonly quota: { readonly used: number; readonly available: number | null };
}

/** What Nextcloud gives for "no limit". */
const UNLIMITED = -3;

const UNKNOWN: OcsResult = { status: 404, message: 'Invalid query, please check the syntax. There is no such method.' };

/**
 * ownCloud's and Nextcloud's OCS interface, as far as sync programs need it; all else fails softly, inside its envelope
 * (client-requirements 2.12), wrong credentials and what the stores refuse as well. `findUser` throws `HttpError` where nobody has signed in; it
 * isn't asked for what everybody may see, unless credentials come with the request: programs try them there.
 */
export async function ocs(
  request: CloudRequest,
  findUser: () => Promise<CloudUser>,
  accounts: Accounts,
): Promise<CloudAnswer> {
  try {
    return ocsAnswer(request, await resultOf(request, findUser, accounts));
  } catch (error) {
    const known = error instanceof PasswordsBusyError ? passwordsBusy() : toHttpError(error, null);
    if (!known) throw error;
    const { status, message, headers } = known;
    return ocsAnswer(request, { status, message, headers });
  }
}

async function resultOf(
  request: CloudRequest,
  findUser: () => Promise<CloudUser>,
  accounts: Accounts,
): Promise<OcsResult> {
  const path = request.path.replace(/^\/ocs\/v[12]\.php\//, '');
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const open = isRead ? OPEN.get(path) : undefined;
  if (open && request.headers.authorization === undefined)
    return { status: 200, data: open(request.headers['user-agent']) };
  const user = await findUser();
  if (open) return { status: 200, data: open(request.headers['user-agent']) };
  if (path === 'cloud/user' && isRead) return { status: 200, data: describe(user) };
  if (path.startsWith('cloud/users/') && isRead) {
    const isSelf = emailKey(path.slice('cloud/users/'.length)) === emailKey(user.email);
    return isSelf ? { status: 200, data: describe(user) } : { status: 404, message: 'User does not exist' };
  }
  if (path === 'core/getapppassword' && isRead) return makeAppPassword(request, user, accounts);
  if (path === 'core/apppassword' && request.method === 'DELETE') return revokeAppPassword(request, user, accounts);
  if (path === 'core/navigation/apps' && isRead) return { status: 200, data: [] };
  return UNKNOWN;
}

/** What can be asked without credentials. */
const OPEN: ReadonlyMap<string, (userAgent: string | undefined) => OcsData> = new Map([
  ['cloud/capabilities', capabilities],
  ['config', () => ({ version: '1.7', website: 'Firn', host: '', contact: '', ssl: 'false' })],
]);

/**
 * Whether a program can send many small files in one request. Nextcloud's desktop program before 3.10 breaks such a
 * request off when one of the files is empty, and nextcloudcmd never gets past it (nextcloud/desktop#4157, #5871).
 */
function sendsInBulk(userAgent = ''): boolean {
  const [, major, minor] = /\bmirall\/(\d+)\.(\d+)/.exec(userAgent) ?? [];
  if (major === undefined) return true;
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 10);
}

/** What is left out is not there: sharing, comments, notifications, the editor. */
function capabilities(userAgent: string | undefined): OcsData {
  return {
    version: CLOUD_VERSION,
    capabilities: {
      core: {
        pollinterval: 30,
        'webdav-root': 'remote.php/webdav',
        'reference-api': false,
        status: CLOUD_STATUS,
      },
      dav: { chunking: '1.0', ...(sendsInBulk(userAgent) ? { bulkupload: '1.0' } : {}) },
      files: {
        bigfilechunking: true,
        undelete: true,
        versioning: true,
        version_labeling: false,
        version_deletion: false,
        comments: false,
      },
      checksums: { supportedTypes: ['SHA1', 'MD5', 'SHA256'], preferredUploadType: 'SHA1' },
      files_sharing: { api_enabled: false, public: { enabled: false }, resharing: false },
      theming: { name: 'Firn', slogan: '', url: '', color: '#2f6f8f' },
    },
  };
}

function describe({ email, name, quota }: CloudUser): OcsData {
  const total = quota.available === null ? null : quota.used + quota.available;
  return {
    id: email,
    enabled: true,
    email,
    'display-name': name,
    displayname: name,
    groups: [],
    language: 'en',
    quota: {
      free: quota.available ?? UNLIMITED,
      used: quota.used,
      total: total ?? UNLIMITED,
      relative: total ? Math.round((quota.used / total) * 10_000) / 100 : 0,
      quota: total ?? UNLIMITED,
    },
  };
}

/**
 * A program that was given the account password changes it for an app password of its own. The header is one that no
 * other site can have its visitor's browser send, with a password that the browser remembers.
 */
async function makeAppPassword(request: CloudRequest, user: CloudUser, accounts: Accounts): Promise<OcsResult> {
  if (user.credential.kind === 'app') return { status: 403, message: 'This is an app password already' };
  if (request.headers['ocs-apirequest'] === undefined) return { status: 412, message: 'OCS-APIRequest is missing' };
  try {
    const { secret } = await accounts.as(actorOf(request, user)).createAppPassword({
      email: user.email,
      name: clientName(request.headers['user-agent']),
      driveId: request.driveId,
      scopeId: null,
      allowance: 'full',
      expiresAt: null,
    });
    return { status: 200, data: { apppassword: secret } };
  } catch (error) {
    // Rights that have ended since the sign-in, or a second factor that is required and missing.
    if (!(error instanceof AccountError)) throw error;
    return { status: 403, message: error.message };
  }
}

function actorOf({ remoteAddress, headers }: CloudRequest, { email: name }: CloudUser): Actor {
  return { name, remoteAddress, client: headers['user-agent'] ?? '' };
}

/** What a program does when its user signs out. */
async function revokeAppPassword(request: CloudRequest, user: CloudUser, accounts: Accounts): Promise<OcsResult> {
  if (user.credential.kind !== 'app') return { status: 403, message: 'This is no app password' };
  try {
    await accounts.as(actorOf(request, user)).revokeAppPassword(user.email, user.credential.id);
  } catch (error) {
    // Somebody else was faster; it is revoked either way.
    if (!(error instanceof AccountError)) throw error;
  }
  return { status: 200 };
}
