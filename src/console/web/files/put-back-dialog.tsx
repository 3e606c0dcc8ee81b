import { TakeBackDialog } from '../past/take-back-dialog.js';
import { text } from '../past/texts.js';
import { putBack } from './file-api.js';
import { nameOf } from './file-paths.js';

interface PutBackDialogProps {
  readonly driveId: number;
  readonly path: string;
  readonly onDone: () => unknown;
  readonly onClose: () => void;
}

/** Makes a folder again what it was at a moment. */
export function PutBackDialog({ driveId, path, onDone, onClose }: PutBackDialogProps) {
  return (
    <TakeBackDialog
      title={text.putBackTitle(nameOf(path))}
      lead={text.putBackLead}
      label={text.putBackMoment}
      action={text.putBack}
      send={(moment, isDryRun) => putBack(driveId, path, moment, isDryRun)}
      onDone={onDone}
      onClose={onClose}
    />
  );
}
