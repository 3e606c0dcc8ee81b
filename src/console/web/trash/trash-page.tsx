import { useState } from 'preact/hooks';
import type { FileEntry } from '../../contract.js';
import { loadDrives } from '../drives.js';
import { deleteAll, emptyTrash, folderPages, restoreAll, TRASH } from '../files/file-api.js';
import { FileGrid, type GridColumn } from '../files/file-grid.js';
import { KindIcon, RestoreIcon } from '../files/file-icons.js';
import { kindOf } from '../files/file-kinds.js';
import { parentOf } from '../files/file-paths.js';
import { Tool } from '../files/file-tools.js';
import { NOTHING_SELECTED } from '../files/selection.js';
import { s } from '../files/texts.js';
import { useListing } from '../files/use-listing.js';
import { formatAgo, formatBytes } from '../format.js';
import type { DrivePageProps } from '../pages.js';
import { Button } from '../ui/button.js';
import { EmptyState, LoadFailed, Skeleton } from '../ui/feedback.js';
import { CloseIcon, TrashIcon } from '../ui/icons.js';
import { Page } from '../ui/page.js';
import { Question } from '../ui/question.js';
import { toast, toastError } from '../ui/toast.js';
import './trash.css';

type Asked = 'empty' | 'delete' | null;
const REFRESHED_ROWS = 1000;

/** What was deleted: back to where it was, or gone for good. */
export function TrashPage({ drive }: DrivePageProps) {
  const listing = useListing(TRASH, folderPages(drive.id, TRASH));
  const [selection, setSelection] = useState(NOTHING_SELECTED);
  const [question, setQuestion] = useState<Asked>(null);
  const chosen = listing.members.filter(({ path }) => selection.paths.has(path));
  const { members, folder, error, isComplete } = listing;
  const mayChange = drive.role !== 'viewer';
  const change = async (files: readonly FileEntry[], work: (paths: readonly string[]) => Promise<void>) => {
    if (files.length === 0) return;
    const paths = files.map(({ path }) => path);
    setSelection(NOTHING_SELECTED);
    listing.removeAll(new Set(paths));
    await work(paths).catch(toastError);
    await listing.refresh(REFRESHED_ROWS);
  };
  const restore = (files: readonly FileEntry[]) =>
    change(files, async (paths) => {
      const [place] = await restoreAll(drive.id, paths);
      toast({ text: files.length === 1 && place ? s.restoredTo(place) : s.restored(files.length) });
    });
  const deleteForGood = () =>
    change(chosen, async (paths) => {
      await deleteAll(drive.id, paths);
      toast({ text: s.goneForGood(paths.length) });
      void loadDrives();
    });
  const empty = async () => {
    await emptyTrash(drive.id);
    toast({ text: s.trashEmptied });
    void loadDrives();
    await listing.refresh(REFRESHED_ROWS);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key !== 'Delete' || chosen.length === 0 || !mayChange) return false;
    setQuestion('delete');
    return true;
  };
  const emptyButton =
    mayChange && members.length > 0 ? (
      <Button look="danger" icon={<TrashIcon />} onClick={() => setQuestion('empty')}>
        {s.emptyTrash}
      </Button>
    ) : null;
  return (
    <div class="trash-page">
      <Page title={s.trashTitle} lead={s.trashLead} wide actions={emptyButton}>
        <div class="card files-card">
          {chosen.length > 0 ? (
            <div class="selection-tools" role="toolbar" aria-label={s.selected(chosen.length)}>
              <Button
                look="quiet"
                slim
                label={s.clearSelection}
                icon={<CloseIcon />}
                onClick={() => setSelection({ ...selection, paths: new Set() })}
              />
              <strong class="number" role="status">
                {s.selected(chosen.length)}
              </strong>
              {mayChange ? (
                <span class="selection-actions">
                  <Tool text={s.restore} icon={<RestoreIcon />} onClick={() => restore(chosen)} />
                  <Tool text={s.deleteForGood} icon={<TrashIcon />} onClick={() => setQuestion('delete')} />
                </span>
              ) : null}
            </div>
          ) : null}
          {error ? <LoadFailed error={error} onRetry={() => listing.retry()} /> : null}
          {!folder && !error ? (
            <div class="files-coming">
              <Skeleton lines={6} />
            </div>
          ) : null}
          {isComplete && members.length === 0 ? (
            <EmptyState title={s.trashEmptyTitle}>{s.trashEmpty}</EmptyState>
          ) : null}
          {members.length > 0 ? (
            <FileGrid
              label={s.trashTitle}
              listing={listing}
              columns={COLUMNS()}
              selection={selection}
              onSelect={setSelection}
              onOpen={(file) => setSelection({ ...selection, paths: new Set([file.path]) })}
              onKey={press}
            />
          ) : null}
        </div>
      </Page>
      <Questions
        question={question}
        chosen={chosen}
        onEmpty={empty}
        onDelete={deleteForGood}
        onClose={() => setQuestion(null)}
      />
    </div>
  );
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
    { name: 'name', title: s.trashColumns.name, cell: name },
    { name: 'place', title: s.trashColumns.place, cell: (file) => <span class="clip">{placeOf(file)}</span> },
    {
      name: 'deleted',
      title: s.trashColumns.deleted,
      cell: ({ trash }) => (trash ? <time dateTime={trash.deletedAt}>{formatAgo(trash.deletedAt)}</time> : null),
    },
    { name: 'by', title: s.trashColumns.by, cell: ({ trash }) => <span class="clip">{trash?.deletedBy ?? '—'}</span> },
    { name: 'size', title: s.trashColumns.size, cell: (file) => (file.isFolder ? '—' : formatBytes(file.size)) },
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
  const title = isEmpty ? s.emptyTrashQuestion : s.deleteForGoodQuestion(chosen.length, chosen[0]?.name ?? '');
  const action = isEmpty ? s.emptyTrash : s.deleteForGood;
  return (
    <Question title={title} action={action} onYes={isEmpty ? onEmpty : onDelete} onClose={onClose}>
      {isEmpty ? s.emptyTrashText : s.deleteForGoodText}
    </Question>
  );
}
