import { useState } from 'preact/hooks';
import type { DriveEntry } from '../../contract/drives.js';
import type { FileEntry } from '../../contract/files.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { LoadFailed, Skeleton } from '../ui/feedback.js';
import { ChevronRightIcon } from '../ui/icons.js';
import { Crumbs } from './crumbs.js';
import { folderPages, homeOf, makeFolder } from './file-api.js';
import { FolderAddIcon, KindIcon } from './file-icons.js';
import { isInside, joinPath, parentOf } from './file-paths.js';
import { NameDialog } from './name-dialog.js';
import { text } from './texts.js';
import { useListing } from './use-listing.js';

interface FolderDialogProps {
  readonly drive: DriveEntry;
  readonly kind: 'move' | 'copy';
  readonly files: readonly FileEntry[];
  readonly onChoose: (folder: string) => Promise<void>;
  readonly onClose: () => void;
}

/** Where to move or copy to. */
export function FolderDialog({ drive, kind, files, onChoose, onClose }: FolderDialogProps) {
  const [path, setPath] = useState(parentOf(files[0]!.path));
  const [isNaming, setNaming] = useState(false);
  const listing = useListing(path, folderPages(drive.id, path));
  void listing.wantAll();
  const folders = listing.members.filter(({ isFolder }) => isFolder);
  // A folder doesn't go into itself.
  const isBarred = (folder: string) => files.some((file) => file.isFolder && isInside(folder, file.path));
  const isHere = kind === 'move' && files.every((file) => parentOf(file.path) === path);
  const titleOf = kind === 'move' ? text.moveTitle : text.copyTitle;
  if (isNaming) {
    return (
      <NameDialog
        title={text.newFolder}
        label={text.folderName}
        action={common.create}
        isFolder
        onName={async (name) => {
          await makeFolder(drive.id, joinPath(path, name));
          setPath(joinPath(path, name));
        }}
        onClose={() => setNaming(false)}
      />
    );
  }
  return (
    <Dialog title={titleOf(files.length, files[0]!.name)} onClose={onClose}>
      <Crumbs drive={drive} path={path} onGo={setPath} />
      <div class="folder-list">
        {listing.error ? <LoadFailed error={listing.error} onRetry={() => listing.retry()} /> : null}
        {!listing.folder && !listing.error ? <Skeleton lines={4} /> : null}
        {listing.isComplete && folders.length === 0 ? <p class="soft small">{text.noFolders}</p> : null}
        <ul>
          {folders.map((folder) => (
            <li key={folder.path}>
              <button type="button" disabled={isBarred(folder.path)} onClick={() => setPath(folder.path)}>
                <KindIcon kind="folder" />
                <span class="clip">{folder.name}</span>
                <ChevronRightIcon size={16} />
              </button>
            </li>
          ))}
        </ul>
      </div>
      <div class="actions">
        <span class="folder-new">
          <Button
            look="quiet"
            icon={<FolderAddIcon />}
            disabled={!listing.folder?.mayAdd}
            onClick={() => setNaming(true)}
          >
            {text.newFolder}
          </Button>
        </span>
        <Button onClick={onClose}>{common.cancel}</Button>
        <Button
          look="primary"
          disabled={isHere || !listing.folder?.mayAdd || isBarred(path)}
          onClick={async () => {
            await onChoose(path === '/' ? homeOf(drive) : path);
            onClose();
          }}
        >
          {kind === 'move' ? text.moveHere : text.copyHere}
        </Button>
      </div>
    </Dialog>
  );
}
