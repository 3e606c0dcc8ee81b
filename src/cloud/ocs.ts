import type { Accounts } from '../accounts/accounts.js';
import { type CredentialRef, emailKey } from '../stores/account-store.js';
import { clientName } from './client-name.js';
import { type OcsData, type OcsResult, ocsAnswer } from './ocs-envelope.js';
import type { CloudAnswer, CloudRequest } from './request.js';
import { CLOUD_VERSION } from './status.js';

/** Who asks, as OCS shows them. */
export interface CloudUser {
  readonly email: string;
  readonly name: string;
  readonly credential: CredentialRef;
  /** Of the drive in bytes; `available` null: no limit. Null where the user has no drive. */
  readonly quota: { readonly used: number; readonly available: number | null } | null;
}

/** What Nextcloud gives for "no limit". */
const UNLIMITED = -3;

const UNKNOWN: OcsResult = { status: 404, message: 'Invalid query, please check the syntax. There is no such method.' };

/**
 * ownCloud's and Nextcloud's OCS interface, as far as sync programs need it; all else fails softly, inside its envelope
 * (CLIENTS 2.12). `user` null: nobody has signed in, and capabilities are all there is to see.
 */
export async function ocs(request: CloudRequest, user: CloudUser | null, accounts: Accounts): Promise<CloudAnswer> {
  const path = request.path.replace(/^\/ocs\/v[12]\.php\//, '').replace(/\/+$/, '');
  return ocsAnswer(request, await resultOf(request, path, user, accounts));
}

async function resultOf(
  request: CloudRequest,
  path: string,
  user: CloudUser | null,
  accounts: Accounts,
): Promise<OcsResult> {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (path === 'cloud/capabilities' && isRead)
    return { status: 200, data: capabilities(request.headers['user-agent']) };
  if (path === 'config' && isRead) {
    return { status: 200, data: { version: '1.7', website: 'Firn', host: '', contact: '', ssl: 'false' } };
  }
  if (user === null) return { status: 401, message: 'Current user is not logged in' };
  if (path === 'cloud/user' && isRead) return { status: 200, data: describe(user) };
  if (path.startsWith('cloud/users/') && isRead) {
    const isSelf = emailKey(path.slice('cloud/users/'.length)) === emailKey(user.email);
    return isSelf ? { status: 200, data: describe(user) } : { status: 404, message: 'User does not exist' };
  }
  if (path === 'core/getapppassword' && isRead) return makeAppPassword(request, user, accounts);
  if (path === 'core/apppassword' && request.method === 'DELETE') return revokeAppPassword(user, accounts);
  if (path === 'core/navigation/apps' && isRead) return { status: 200, data: [] };
  return UNKNOWN;
}

/**
 * Whether a program can send many small files in one request. Nextcloud's desktop program before 3.10 breaks such a
 * request off when one of the files is empty, and nextcloudcmd never gets past it (nextcloud/desktop#4157, #5871).
 */
function sendsInBulk(userAgent = ''): boolean {
  const [, major, minor] = /\bmirall\/(\d+)\.(\d+)/.exec(userAgent) ?? [];
  if (major === undefined) return true;
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 10);
}

/** What is left out is not there: sharing, comments, notifications, versions, the editor. */
function capabilities(userAgent: string | undefined): OcsData {
  return {
    version: CLOUD_VERSION,
    capabilities: {
      core: {
        pollinterval: 30,
        'webdav-root': 'remote.php/webdav',
        'reference-api': false,
        status: {
          installed: true,
          maintenance: false,
          needsDbUpgrade: false,
          version: `${CLOUD_VERSION.string}.1`,
          versionstring: CLOUD_VERSION.string,
          edition: '',
          productname: 'Firn',
        },
      },
      dav: { chunking: '1.0', ...(sendsInBulk(userAgent) ? { bulkupload: '1.0' } : {}) },
      files: { bigfilechunking: true, undelete: true, versioning: false, comments: false },
      checksums: { supportedTypes: ['SHA1', 'MD5', 'SHA256'], preferredUploadType: 'SHA1' },
      files_sharing: { api_enabled: false, public: { enabled: false }, resharing: false },
      theming: { name: 'Firn', slogan: '', url: '', color: '#2f6f8f' },
    },
  };
}

function describe({ email, name, quota }: CloudUser): OcsData {
  const total = quota === null || quota.available === null ? null : quota.used + quota.available;
  return {
    id: email,
    enabled: true,
    email,
    'display-name': name,
    displayname: name,
    groups: [],
    language: 'en',
    quota: {
      free: quota?.available ?? UNLIMITED,
      used: quota?.used ?? 0,
      total: total ?? UNLIMITED,
      relative: total ? Math.round(((quota?.used ?? 0) / total) * 10_000) / 100 : 0,
      quota: total ?? UNLIMITED,
    },
  };
}

/** A program that was given the account password changes it for an app password of its own. */
async function makeAppPassword(request: CloudRequest, user: CloudUser, accounts: Accounts): Promise<OcsResult> {
  if (user.credential.kind === 'app') return { status: 403, message: 'This is an app password already' };
  const { secret } = await accounts.createAppPassword({
    email: user.email,
    name: clientName(request.headers['user-agent']),
    driveId: request.driveId,
    scopeId: null,
    allowance: 'full',
    expiresAt: null,
  });
  return { status: 200, data: { apppassword: secret } };
}

/** What a program does when its user signs out. */
async function revokeAppPassword(user: CloudUser, accounts: Accounts): Promise<OcsResult> {
  if (user.credential.kind !== 'app') return { status: 403, message: 'This is no app password' };
  await accounts.revokeAppPassword(user.email, user.credential.id);
  return { status: 200 };
}
