import type { AppPasswordEntry } from '../../contract/app-passwords.js';
import type { DriveEntry } from '../../contract/drives.js';
import { api } from '../api.js';
import { TakeBackDialog } from '../past/take-back-dialog.js';
import { text } from '../past/texts.js';

interface UndoDialogProps {
  readonly one: AppPasswordEntry;
  readonly drive: DriveEntry;
  readonly onClose: () => void;
}

/** Undoes what an app password did on a drive since a moment. */
export function UndoDialog({ one: { id, name }, drive, onClose }: UndoDialogProps) {
  return (
    <TakeBackDialog
      title={text.undoTitle(name)}
      lead={text.undoLead(drive.name)}
      label={text.undoMoment}
      action={text.undo}
      send={(since, isDryRun) =>
        api('POST /api/drives/:id/undo-changes', {
          parameters: { id: drive.id },
          body: { path: `/${drive.name}`, since, appPasswordId: id, isDryRun },
        })
      }
      onDone={() => {}}
      onClose={onClose}
    />
  );
}
