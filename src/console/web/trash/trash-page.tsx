import { useState } from 'preact/hooks';
import type { FileEntry } from '../../contract/files.js';
import type { DrivePageProps } from '../drive-page.js';
import { loadDrives } from '../drives.js';
import { deleteAll, emptyTrash, folderPages, restoreAll, TRASH } from '../files/file-api.js';
import { FileGrid, type GridColumn } from '../files/file-grid.js';
import { KindIcon, RestoreIcon } from '../files/file-icons.js';
import { kindOf } from '../files/file-kinds.js';
import { parentOf } from '../files/file-paths.js';
import { SelectionBar, Tool } from '../files/file-tools.js';
import { ListingShown } from '../files/listing-shown.js';
import { NOTHING_SELECTED } from '../files/selection.js';
import { text } from '../files/texts.js';
import { useListing } from '../files/use-listing.js';
import { formatAgo, formatBytes } from '../format.js';
import { Button } from '../ui/button.js';
import { TrashIcon } from '../ui/icons.js';
import { Page } from '../ui/page.js';
import { Question } from '../ui/question.js';
import { toast, toastError } from '../ui/toasts.js';
import './trash.css';

type Asked = 'empty' | 'delete' | null;
const REFRESHED_ROWS = 1000;

/** What was deleted: back to where it was, or gone for good. */
export function TrashPage({ drive }: DrivePageProps) {
  const trash = useTrash(drive.id);
  const { listing, chosen, selection, select } = trash;
  const [question, setQuestion] = useState<Asked>(null);
  const mayChange = drive.role !== 'viewer';
  const press = (event: KeyboardEvent) => {
    if (event.key !== 'Delete' || chosen.length === 0 || !mayChange) return false;
    setQuestion('delete');
    return true;
  };
  const emptyButton =
    mayChange && listing.members.length > 0 ? (
      <Button look="danger" icon={<TrashIcon />} onClick={() => setQuestion('empty')}>
        {text.emptyTrash}
      </Button>
    ) : null;
  return (
    <div class="trash-page">
      <Page title={text.trashTitle} lead={text.trashLead} wide actions={emptyButton}>
        <div class="card files-card">
          {chosen.length > 0 ? (
            <SelectionBar count={chosen.length} onClear={() => select([])}>
              {mayChange ? (
                <>
                  <Tool text={text.restore} icon={<RestoreIcon />} onClick={trash.restore} />
                  <Tool text={text.deleteForGood} icon={<TrashIcon />} onClick={() => setQuestion('delete')} />
                </>
              ) : null}
            </SelectionBar>
          ) : null}
          <ListingShown listing={listing} empty={{ title: text.trashEmptyTitle, text: text.trashEmpty }}>
            <FileGrid
              label={text.trashTitle}
              listing={listing}
              columns={COLUMNS()}
              selection={selection}
              onSelect={trash.setSelection}
              onOpen={({ path }) => select([path])}
              onKey={press}
            />
          </ListingShown>
        </div>
      </Page>
      <Questions
        question={question}
        chosen={chosen}
        onEmpty={trash.empty}
        onDelete={trash.deleteForGood}
        onClose={() => setQuestion(null)}
      />
    </div>
  );
}

/** The trash of a drive, what of it is chosen, and what can be done with that. */
function useTrash(driveId: number) {
  const listing = useListing(TRASH, folderPages(driveId, TRASH));
  const [selection, setSelection] = useState(NOTHING_SELECTED);
  const chosen = listing.members.filter(({ path }) => selection.paths.has(path));
  const change = async (work: (paths: readonly string[]) => Promise<void>) => {
    if (chosen.length === 0) return;
    const paths = chosen.map(({ path }) => path);
    setSelection(NOTHING_SELECTED);
    listing.removeAll(new Set(paths));
    await work(paths).catch(toastError);
    await listing.refresh(REFRESHED_ROWS);
  };
  const restore = () =>
    change(async (paths) => {
      const [place] = await restoreAll(driveId, paths);
      toast({ text: paths.length === 1 && place ? text.restoredTo(place) : text.restored(paths.length) });
    });
  const deleteForGood = () =>
    change(async (paths) => {
      await deleteAll(driveId, paths);
      toast({ text: text.goneForGood(paths.length) });
      void loadDrives();
    });
  const empty = async () => {
    await emptyTrash(driveId);
    toast({ text: text.trashEmptied });
    void loadDrives();
    await listing.refresh(REFRESHED_ROWS);
  };
  const select = (paths: readonly string[]) => setSelection({ ...selection, paths: new Set(paths) });
  return { listing, selection, setSelection, select, chosen, restore, deleteForGood, empty };
}

function COLUMNS(): readonly GridColumn[] {
  const name = (file: FileEntry) => (
    <>
      <KindIcon kind={kindOf(file)} />
      <span class="file-name">
        <span class="clip" title={file.name}>
          {file.name}
        </span>
        <span class="clip soft file-note narrow">{`${placeOf(file)} · ${file.trash ? formatAgo(file.trash.deletedAt) : ''}`}</span>
      </span>
    </>
  );
  return [
    { name: 'name', title: text.trashColumns.name, cell: name },
    { name: 'place', title: text.trashColumns.place, cell: (file) => <span class="clip">{placeOf(file)}</span> },
    {
      name: 'deleted',
      title: text.trashColumns.deleted,
      cell: ({ trash }) => (trash ? <time dateTime={trash.deletedAt}>{formatAgo(trash.deletedAt)}</time> : null),
    },
    {
      name: 'by',
      title: text.trashColumns.by,
      cell: ({ trash }) => <span class="clip">{trash?.deletedBy ?? '—'}</span>,
    },
    { name: 'size', title: text.trashColumns.size, cell: (file) => (file.isFolder ? '—' : formatBytes(file.size)) },
  ];
}

function placeOf({ trash }: FileEntry): string {
  return trash ? parentOf(trash.originalPath) : '';
}

interface QuestionsProps {
  readonly question: Asked;
  readonly chosen: readonly FileEntry[];
  readonly onEmpty: () => Promise<void>;
  readonly onDelete: () => Promise<void>;
  readonly onClose: () => void;
}

/** What can't be undone is asked about. */
function Questions({ question, chosen, onEmpty, onDelete, onClose }: QuestionsProps) {
  if (question === null) return null;
  const isEmpty = question === 'empty';
  const title = isEmpty ? text.emptyTrashQuestion : text.deleteForGoodQuestion(chosen.length, chosen[0]?.name ?? '');
  const action = isEmpty ? text.emptyTrash : text.deleteForGood;
  return (
    <Question title={title} action={action} onYes={isEmpty ? onEmpty : onDelete} onClose={onClose}>
      {isEmpty ? text.emptyTrashText : text.deleteForGoodText}
    </Question>
  );
}
