import type { Route } from '../route.js';
import { adminDriveRoutes } from './admin-drives.js';
import { adminReportRoutes } from './admin-reports.js';
import { adminUserRoutes } from './admin-users.js';
import { appPasswordRoutes } from './app-passwords.js';
import { downloadRoutes } from './downloads.js';
import { driveRoutes } from './drives.js';
import { fileRoutes, transferRoutes, trashRoutes } from './files.js';
import { importRoutes } from './imports.js';
import { passkeyRoutes } from './passkeys.js';
import { pastRoutes } from './past.js';
import { securityRoutes } from './security.js';
import { sessionRoutes } from './session.js';
import { uploadRoutes } from './uploads.js';
import { versionRoutes } from './versions.js';

/** Every route of the JSON API, in the order of docs/openapi.json. */
export const ROUTES: readonly Route[] = [
  ...sessionRoutes,
  ...passkeyRoutes,
  ...securityRoutes,
  ...appPasswordRoutes,
  ...driveRoutes,
  ...fileRoutes,
  ...transferRoutes,
  ...trashRoutes,
  ...downloadRoutes,
  ...versionRoutes,
  ...pastRoutes,
  ...uploadRoutes,
  ...importRoutes,
  ...adminUserRoutes,
  ...adminDriveRoutes,
  ...adminReportRoutes,
];
