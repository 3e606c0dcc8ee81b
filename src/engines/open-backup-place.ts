import type { BackupPlace } from '../stores/backup-place.js';
import { FolderBackupPlace } from './disk/folder-backup-place.js';
import type { S3Config } from './s3/open-s3-blobs.js';

/** Where backups go. */
export type BackupPlaceConfig =
  | { readonly engine: 'folder'; readonly path: string }
  | ({ readonly engine: 's3' } & S3Config);

/** Opens the place of backups. Throws `StorageFormatError` where its access key can't be read. */
export async function openBackupPlace(config: BackupPlaceConfig): Promise<BackupPlace> {
  if (config.engine === 'folder') return new FolderBackupPlace(config.path);
  // Loaded where it is wanted: its libraries cost memory.
  const { S3BackupPlace } = await import('./s3/s3-backup-place.js');
  return S3BackupPlace.open(config);
}
