import { useCallback, useEffect, useState } from 'preact/hooks';
import type { FileEntry } from '../../contract/files.js';
import type { DrivePageProps } from '../drive-page.js';
import { formatAgo, formatBytes, formatTime } from '../format.js';
import { navigate } from '../router.js';
import { common } from '../strings.js';
import { UploadIcon } from '../ui/icons.js';
import { toast } from '../ui/toasts.js';
import { Crumbs, filesPlace } from './crumbs.js';
import type { Picked } from './dropped-files.js';
import { deleteFiles, renameFile, transferFiles } from './file-actions.js';
import { folderPages, homeOf, makeFolder, searchPages } from './file-api.js';
import { FileGrid, type GridColumn } from './file-grid.js';
import { KindIcon } from './file-icons.js';
import { kindOf } from './file-kinds.js';
import { isInside, joinPath, nameOf, parentOf } from './file-paths.js';
import { FolderTools, SearchBox, SelectionTools } from './file-tools.js';
import { FolderDialog } from './folder-dialog.js';
import type { Listing } from './listing.js';
import { ListingShown } from './listing-shown.js';
import { NameDialog } from './name-dialog.js';
import { Preview } from './preview.js';
import { PutBackDialog } from './put-back-dialog.js';
import { keepThere, NOTHING_SELECTED, type Selection } from './selection.js';
import { text } from './texts.js';
import { seldom, uploads, uploadTo } from './uploads.js';
import { useDrop } from './use-drop.js';
import { useListing } from './use-listing.js';
import { useSettled } from './use-settled.js';
import { VersionsDialog } from './versions-dialog.js';

type OpenDialog = 'rename' | 'new-folder' | 'move' | 'copy' | 'versions' | 'put-back' | null;
const SEARCH_SETTLES_MS = 250;
const REFRESH_EVERY_MS = 700;
/** A refresh fetches no more than was looked at from the top. */
const REFRESHED_ROWS = 1000;

/** A folder of a drive, or what a search found on it. */
export function FilesPage({ drive, path: place }: DrivePageProps) {
  const home = homeOf(drive);
  const path = place === '/' ? home : place.replace(/\/+$/, '');
  const { typed, setTyped, search, key, listing, refresh } = useFolder(drive.id, path);
  const [selection, setSelection] = useState(NOTHING_SELECTED);
  const [dialog, setDialog] = useState<OpenDialog>(null);
  const [shown, setShown] = useState<string | null>(null);
  useEffect(() => setSelection(NOTHING_SELECTED), [key]);
  const chosen = listing.members.filter((member) => selection.paths.has(member.path));
  const folder = search === '' ? listing.folder : null;
  const mayAdd = folder?.mayAdd ?? false;
  const add = useCallback((picked: Picked) => uploadTo(drive.id, path, picked), [drive.id, path]);
  const isOver = useDrop(mayAdd ? add : null);
  const open = (file: FileEntry) => {
    if (file.isFolder) navigate(filesPlace(drive.id, file.path));
    else setShown(file.path);
  };
  const showVersions = (file: FileEntry) => {
    setSelection({ ...selection, paths: new Set([file.path]) });
    setDialog('versions');
  };
  const removeChosen = async () => {
    const files = toRemove(listing, selection);
    if (files.length === 0) return;
    setSelection(without(files, listing, selection));
    await deleteFiles(drive.id, listing, files, refresh);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Delete') void removeChosen();
    else if (event.key === 'F2' && chosen.length === 1 && chosen[0]!.mayChange) setDialog('rename');
    else if (event.key === 'Backspace' && path !== home) navigate(filesPlace(drive.id, parentOf(path)));
    else return false;
    return true;
  };
  const clear = () => setSelection({ ...selection, paths: new Set() });
  return (
    <div class="page wide files-page">
      <FilesHead drive={drive} path={path}>
        <SearchBox value={typed} onInput={setTyped} />
        <FolderTools
          mayAdd={mayAdd}
          onPick={add}
          onNewFolder={() => setDialog('new-folder')}
          onPutBack={() => setDialog('put-back')}
        />
      </FilesHead>
      <div class="card files-card">
        {chosen.length > 0 ? (
          <SelectionTools driveId={drive.id} files={chosen} onAsk={setDialog} onDelete={removeChosen} onClear={clear} />
        ) : null}
        <ListingShown listing={listing} empty={emptyTexts(search, mayAdd)}>
          <FileGrid
            key={key}
            label={search === '' ? text.list(nameOf(path)) : text.found(search)}
            listing={listing}
            columns={columnsFor(search !== '')}
            selection={selection}
            onSelect={setSelection}
            onOpen={open}
            onKey={press}
          />
        </ListingShown>
      </div>
      {isOver ? <DropVeil path={path} /> : null}
      <ShownFile driveId={drive.id} listing={listing} path={shown} onShow={setShown} onVersions={showVersions} />
      <Dialogs {...{ drive, path, dialog, chosen, refresh, clear }} onClose={() => setDialog(null)} />
    </div>
  );
}

/** A folder, or what is found for what was typed into its search box; it follows the uploads into it. */
function useFolder(driveId: number, path: string) {
  const [typed, setTyped] = useState('');
  const search = useSettled(typed.trim(), SEARCH_SETTLES_MS);
  const key = search === '' ? path : `search ${search}`;
  const listing = useListing(key, search === '' ? folderPages(driveId, path) : searchPages(driveId, search));
  const refresh = useCallback(() => listing.refresh(REFRESHED_ROWS), [listing]);
  useEffect(() => {
    setTyped('');
    document.title = `${nameOf(path)} · ${common.appName}`;
  }, [path]);
  useEffect(() => refreshAfterUploads(path, refresh), [path, refresh]);
  return { typed, setTyped, search, key, listing, refresh };
}

function emptyTexts(search: string, mayAdd: boolean) {
  if (search !== '') return { title: text.nothingFoundTitle, text: text.nothingFound(search) };
  return { title: text.emptyTitle, text: mayAdd ? text.empty : text.emptyReadOnly };
}

/** What is chosen, else the file that the focus is on; none where one of them may not be changed. */
function toRemove({ members }: Listing, { paths, focus }: Selection): readonly FileEntry[] {
  const chosen = members.filter(({ path }) => paths.has(path));
  const files = chosen.length > 0 ? chosen : members.slice(focus, focus + 1);
  return files.every(({ mayChange }) => mayChange) ? files : [];
}

/** The selection once these files are gone. */
function without(files: readonly FileEntry[], listing: Listing, selection: Selection): Selection {
  const gone = new Set(files.map(({ path }) => path));
  const rows = { count: listing.count - gone.size, pathAt: () => null };
  return keepThere(selection, rows, (path) => !gone.has(path));
}

type FilesHeadProps = DrivePageProps & { readonly children: preact.ComponentChildren };

function FilesHead({ drive, path, children }: FilesHeadProps) {
  return (
    <header class="files-head">
      <h1 class="visually-hidden">{nameOf(path)}</h1>
      <Crumbs drive={drive} path={path} />
      <div class="files-tools">{children}</div>
    </header>
  );
}

function DropVeil({ path }: { readonly path: string }) {
  return (
    <div class="drop-veil">
      <UploadIcon size={40} />
      <strong>{text.dropHere(nameOf(path))}</strong>
    </div>
  );
}

interface DialogsProps {
  readonly drive: DrivePageProps['drive'];
  readonly path: string;
  readonly dialog: OpenDialog;
  readonly chosen: readonly FileEntry[];
  readonly refresh: () => Promise<void>;
  readonly clear: () => void;
  readonly onClose: () => void;
}

function Dialogs({ drive, path, dialog, chosen, refresh, clear, onClose }: DialogsProps) {
  const [first] = chosen;
  if (dialog === 'new-folder') {
    const make = async (name: string) => {
      await makeFolder(drive.id, joinPath(path, name));
      toast({ text: text.folderMade(name) });
      void refresh();
    };
    return (
      <NameDialog
        title={text.newFolder}
        label={text.folderName}
        action={common.create}
        isFolder
        onName={make}
        onClose={onClose}
      />
    );
  }
  if (dialog === 'put-back') {
    return <PutBackDialog driveId={drive.id} path={first?.path ?? path} onDone={refresh} onClose={onClose} />;
  }
  if (!first || dialog === null) return null;
  if (dialog === 'rename') {
    const rename = (name: string) => renameFile(drive.id, first, name, refresh);
    const { name, isFolder } = first;
    return (
      <NameDialog
        title={text.rename}
        label={text.newName}
        action={text.rename}
        name={name}
        isFolder={isFolder}
        onName={rename}
        onClose={onClose}
      />
    );
  }
  if (dialog === 'versions') {
    return <VersionsDialog driveId={drive.id} file={first} onRestored={refresh} onClose={onClose} />;
  }
  const choose = async (folder: string) => {
    await transferFiles(drive.id, dialog, chosen, folder, refresh);
    clear();
  };
  return <FolderDialog drive={drive} kind={dialog} files={chosen} onChoose={choose} onClose={onClose} />;
}

interface ShownFileProps {
  readonly driveId: number;
  readonly listing: Listing;
  /** Null: none is. */
  readonly path: string | null;
  readonly onShow: (path: string | null) => void;
  readonly onVersions: (file: FileEntry) => void;
}

function ShownFile({ driveId, listing, path, onShow, onVersions }: ShownFileProps) {
  const files = listing.members.filter(({ isFolder }) => !isFolder);
  const at = files.findIndex((file) => file.path === path);
  const file = files[at];
  if (!file) return null;
  const to = (index: number) => {
    const other = files[index];
    return other ? () => onShow(other.path) : null;
  };
  return (
    <Preview
      driveId={driveId}
      file={file}
      onPrevious={to(at - 1)}
      onNext={to(at + 1)}
      onVersions={() => {
        onShow(null);
        onVersions(file);
      }}
      onClose={() => onShow(null)}
    />
  );
}

function columnsFor(isSearch: boolean): readonly GridColumn[] {
  const name = (file: FileEntry) => (
    <>
      <KindIcon kind={kindOf(file)} />
      <span class="file-name">
        <span class="clip" title={file.name}>
          {file.name}
        </span>
        <span class={isSearch ? 'clip soft file-note' : 'clip soft file-note narrow'}>
          {isSearch ? parentOf(file.path) : noteOf(file)}
        </span>
      </span>
    </>
  );
  return [
    { name: 'name', title: text.columns.name, cell: name },
    { name: 'size', title: text.columns.size, cell: (file) => (file.isFolder ? '—' : formatBytes(file.size)) },
    {
      name: 'modified',
      title: text.columns.modified,
      cell: (file) => <time dateTime={file.modifiedAt}>{formatTime(file.modifiedAt)}</time>,
    },
  ];
}

/** On a phone in place of the columns. */
function noteOf(file: FileEntry): string {
  const ago = formatAgo(file.modifiedAt);
  return file.isFolder ? ago : `${formatBytes(file.size)} · ${ago}`;
}

function refreshAfterUploads(path: string, refresh: () => unknown): () => void {
  const soon = seldom(refresh, REFRESH_EVERY_MS);
  return uploads.onDone(({ source }) => isInside(source.folder, path) && soon());
}
