import type { ComponentChildren } from 'preact';
import { messageOf } from '../api.js';
import { common } from '../strings.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { Notice } from './feedback.js';

interface ActionFormProps {
  /** The fields. */
  readonly children: ComponentChildren;
  /** What sending does, as a verb. */
  readonly action: string;
  readonly isDangerous?: boolean;
  readonly isBusy: boolean;
  /** What is wrong and no field says: an error, or a sentence of the page's own. */
  readonly error?: unknown;
  /** What the other button says in place of "Cancel". */
  readonly back?: string;
  readonly onSubmit: (event: Event) => unknown;
  readonly onCancel: () => unknown;
}

/** Fields, what is wrong with them, and two buttons: one gives up, one sends. */
export function ActionForm({
  children,
  action,
  isDangerous,
  isBusy,
  error,
  back,
  onSubmit,
  onCancel,
}: ActionFormProps) {
  return (
    <form class="stack" onSubmit={onSubmit}>
      {error ? <Notice tone="bad">{typeof error === 'string' ? error : messageOf(error)}</Notice> : null}
      {children}
      <div class="actions">
        <Button onClick={onCancel}>{back ?? common.cancel}</Button>
        <Button type="submit" look={isDangerous ? 'danger' : 'primary'} isBusy={isBusy}>
          {action}
        </Button>
      </div>
    </form>
  );
}

interface FormDialogProps extends Omit<ActionFormProps, 'onCancel'> {
  readonly title: string;
  readonly onClose: () => void;
}

/** A form over the page. */
export function FormDialog({ title, onClose, ...form }: FormDialogProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <ActionForm {...form} onCancel={onClose} />
    </Dialog>
  );
}
