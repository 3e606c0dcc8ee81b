import type { Drive } from '../drive/drive.js';
import type { Version } from '../drive/past/versions.js';
import type { Resource } from '../drive/resource.js';
import type { NodeId } from '../stores/values.js';

/** Pages of versions that a program is shown; what is older is in `.snapshots`. */
const PAGES_MAX = 5;

export interface CloudVersion extends Version {
  readonly id: number;
  /** When it was written, in seconds since 1970: another number for each version of a file, and larger for a later one. */
  readonly seconds: number;
}

export interface CloudVersions {
  readonly file: Resource;
  /** Without the present one. The newest first. */
  readonly versions: readonly CloudVersion[];
}

/** What a file contained before. Rejects with `DriveError` `not-found`. */
export async function latestVersions(drive: Drive, fileId: NodeId): Promise<CloudVersions> {
  let page = await drive.versions(fileId);
  const versions: Version[] = [...page.versions];
  for (let pages = 1; page.next !== null && pages < PAGES_MAX; pages++) {
    page = await drive.versions(fileId, page.next);
    versions.push(...page.versions);
  }
  return { file: page.file, versions: withSeconds(versions) };
}

/** From the oldest on: a later save moves none, so what a program was shown goes on to name the same version. */
function withSeconds(versions: readonly Version[]): CloudVersion[] {
  let last = 0;
  const older = versions.filter((version): version is Version & { readonly id: number } => version.id !== null);
  const numbered = older.reverse().map((version) => {
    // Of the time before the past was kept only the file's own date is known, which may say anything.
    const written = version.from || Math.min(version.modified, version.until ?? version.modified);
    last = Math.max(Math.floor(written / 1000), last + 1);
    return { ...version, seconds: last };
  });
  return numbered.reverse();
}
