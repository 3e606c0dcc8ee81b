import type { DriveEntry } from '../../contract/drives.js';
import { encodePath, href } from '../router.js';
import { ChevronRightIcon } from '../ui/icons.js';
import { crumbsOf } from './file-paths.js';
import { text } from './texts.js';

interface CrumbsProps {
  readonly drive: DriveEntry;
  readonly path: string;
  /** Without it, they are links. */
  readonly onGo?: (path: string) => void;
}

/** From the drive down to the folder that is looked at. */
export function Crumbs({ drive, path, onGo }: CrumbsProps) {
  const crumbs = crumbsOf(path);
  return (
    <nav class="crumbs" aria-label={onGo ? text.goal : text.breadcrumbs}>
      <ol>
        {crumbs.map((crumb, at) => (
          <li key={crumb.path}>
            {at > 0 ? <ChevronRightIcon size={16} /> : null}
            {at === crumbs.length - 1 ? (
              <span class="clip" aria-current="page">
                {crumb.name}
              </span>
            ) : onGo ? (
              <button type="button" class="clip" onClick={() => onGo(crumb.path)}>
                {crumb.name}
              </button>
            ) : (
              <a class="clip" href={href(filesPlace(drive.id, crumb.path))}>
                {crumb.name}
              </a>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** Where the console shows a folder. */
export function filesPlace(driveId: number, path: string): string {
  return `/files/${driveId}${encodePath(path)}`;
}
