import type { ComponentChildren } from 'preact';
import { common } from '../strings.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';

interface QuestionProps {
  /** The question itself. */
  readonly title: string;
  /** What follows from a yes, and for whom. */
  readonly children: ComponentChildren;
  /** The yes, as a verb. */
  readonly action: string;
  readonly isDangerous?: boolean;
  readonly onYes: () => Promise<void>;
  readonly onClose: () => void;
}

/** Asked before what can't be taken back. The focus is on none of its buttons at first. */
export function Question({ title, children, action, isDangerous = true, onYes, onClose }: QuestionProps) {
  const answer = async () => {
    await onYes();
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{children}</p>
      <div class="actions">
        <Button onClick={onClose}>{common.cancel}</Button>
        <Button look={isDangerous ? 'danger' : 'primary'} onClick={answer}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
