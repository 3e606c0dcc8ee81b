import type { ComponentType } from 'preact';
import type { DrivePageProps } from './drive-page.js';
import { lazy } from './lazy.js';

type DrivePage = ComponentType<DrivePageProps>;

/** `/console/NAME/DRIVE-ID/…` */
export const DRIVE_PAGES: ReadonlyMap<string, DrivePage> = new Map<string, DrivePage>([
  ['files', lazy<DrivePageProps>(async () => (await import('./files/files-page.js')).FilesPage)],
  ['trash', lazy<DrivePageProps>(async () => (await import('./trash/trash-page.js')).TrashPage)],
  ['connect', lazy<DrivePageProps>(async () => (await import('./connect/connect-page.js')).ConnectPage)],
]);

/** `/console/NAME`, for everybody. */
export const PAGES: ReadonlyMap<string, ComponentType> = new Map<string, ComponentType>([
  ['app-passwords', lazy(async () => (await import('./app-passwords/app-passwords-page.js')).AppPasswordsPage)],
  ['imports', lazy(async () => (await import('./imports/imports-page.js')).ImportsPage)],
  ['security', lazy(async () => (await import('./security/security-page.js')).SecurityPage)],
]);

/** `/console/admin/NAME`, for administrators. */
export const ADMIN_PAGES: ReadonlyMap<string, ComponentType> = new Map<string, ComponentType>([
  ['users', lazy(async () => (await import('./admin/users-page.js')).UsersPage)],
  ['drives', lazy(async () => (await import('./admin/drives-page.js')).DrivesPage)],
  ['storage', lazy(async () => (await import('./admin/storage-page.js')).StoragePage)],
  ['audit', lazy(async () => (await import('./admin/audit-page.js')).AuditPage)],
]);
