import { adminDriveContract } from './admin-drives.js';
import { adminReportContract } from './admin-reports.js';
import { adminUserContract } from './admin-users.js';
import { appPasswordContract } from './app-passwords.js';
import { driveContract } from './drives.js';
import { downloadContract, fileContract, transferContract, trashContract } from './files.js';
import { importContract } from './imports.js';
import { passkeyContract } from './passkeys.js';
import { pastContract } from './past.js';
import { securityContract } from './security.js';
import { sessionContract } from './session.js';
import { uploadContract } from './uploads.js';
import { versionContract } from './versions.js';

/**
 * Every route of the JSON API, in the order of docs/openapi.json: what `api/` answers, what the pages call, and what the
 * reference is made from. Pages import its type alone. Times are ISO 8601 texts, sizes bytes.
 */
export const CONTRACT = {
  ...sessionContract,
  ...passkeyContract,
  ...securityContract,
  ...appPasswordContract,
  ...driveContract,
  ...fileContract,
  ...transferContract,
  ...trashContract,
  ...downloadContract,
  ...versionContract,
  ...pastContract,
  ...uploadContract,
  ...importContract,
  ...adminUserContract,
  ...adminDriveContract,
  ...adminReportContract,
} as const;

export type Contract = typeof CONTRACT;
