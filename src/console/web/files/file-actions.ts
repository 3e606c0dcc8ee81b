import type { FileEntry } from '../../contract/files.js';
import { toast, toastError } from '../ui/toasts.js';
import { contentAddress, deleteAll, restoreAll, transfer, zipAddress } from './file-api.js';
import { joinPath, nameOf, parentOf } from './file-paths.js';
import type { Listing } from './listing.js';
import { text } from './texts.js';

/** Fetches again what is looked at. */
export type Refresh = () => unknown;

/** Deletes at once, and offers to take it back. */
export async function deleteFiles(
  driveId: number,
  listing: Listing,
  files: readonly FileEntry[],
  onChange: Refresh,
): Promise<void> {
  const paths = files.map(({ path }) => path);
  listing.removeAll(new Set(paths));
  try {
    const trashed = await deleteAll(driveId, paths);
    const undo = async () => {
      try {
        await restoreAll(driveId, trashed);
        toast({ text: text.restored(files.length) });
      } catch (error) {
        toastError(error);
      }
      onChange();
    };
    toast({ text: text.deleted(files.length, files[0]!.name), onUndo: undo });
  } catch (error) {
    toastError(error);
  }
  onChange();
}

/** Moves or copies to a folder; what is taken there gets a number. */
export async function transferFiles(
  driveId: number,
  kind: 'move' | 'copy',
  files: readonly FileEntry[],
  folder: string,
  onChange: Refresh,
): Promise<void> {
  const moved: { readonly from: string; readonly to: string }[] = [];
  try {
    for (const { path, name } of files) {
      const to = await transfer(driveId, kind, { from: path, to: joinPath(folder, name), mayRename: true });
      moved.push({ from: path, to });
    }
  } catch (error) {
    toastError(error);
  }
  if (moved.length > 0) {
    const said = (kind === 'move' ? text.moved : text.copied)(moved.length, nameOf(folder));
    toast({ text: said, onUndo: () => takeBack(driveId, kind, moved, onChange) });
  }
  onChange();
}

/** Throws what the server says, for the dialog to show. */
export async function renameFile(driveId: number, file: FileEntry, name: string, onChange: Refresh): Promise<void> {
  const to = await transfer(driveId, 'move', { from: file.path, to: joinPath(parentOf(file.path), name) });
  toast({
    text: text.renamed(nameOf(to)),
    onUndo: () => takeBack(driveId, 'move', [{ from: file.path, to }], onChange),
  });
  onChange();
}

/** The address by which a browser saves them: one file as it is, folders and several as a ZIP file. */
export function downloadAddress(driveId: number, files: readonly FileEntry[]): string {
  const [first] = files;
  if (files.length === 1 && first && !first.isFolder) return contentAddress(driveId, first.path, true);
  return zipAddress(
    driveId,
    files.map(({ path }) => path),
  );
}

async function takeBack(
  driveId: number,
  kind: 'move' | 'copy',
  moved: readonly { readonly from: string; readonly to: string }[],
  onChange: Refresh,
): Promise<void> {
  try {
    if (kind === 'copy') {
      await deleteAll(
        driveId,
        moved.map(({ to }) => to),
      );
    } else {
      for (const { from, to } of moved) await transfer(driveId, 'move', { from: to, to: from, mayRename: true });
    }
  } catch (error) {
    toastError(error);
  }
  onChange();
}
