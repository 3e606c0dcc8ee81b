import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../api.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
import { nameProblem, stemLength } from './file-paths.js';
import { text } from './texts.js';

interface NameDialogProps {
  readonly title: string;
  readonly label: string;
  readonly action: string;
  /** What it is called now. */
  readonly name?: string;
  readonly isFolder: boolean;
  /** Throws what the server says against it. */
  readonly onName: (name: string) => Promise<void>;
  readonly onClose: () => void;
}

export function NameDialog({ title, label, action, name = '', isFolder, onName, onClose }: NameDialogProps) {
  const [value, setValue] = useState(name);
  const [wrong, setWrong] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    const input = form.current?.querySelector('input');
    input?.focus();
    input?.setSelectionRange(0, stemLength(name, isFolder));
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const wish = value.trim();
    const problem = nameProblem(wish);
    if (problem) return setWrong(text.nameProblems[problem]);
    if (wish === name) return onClose();
    setBusy(true);
    try {
      await onName(wish);
      onClose();
    } catch (error) {
      setWrong(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form ref={form} class="stack" onSubmit={submit} noValidate>
        <Field
          label={label}
          value={value}
          wrong={wrong}
          onInput={(text) => {
            setValue(text);
            setWrong(null);
          }}
        />
        <div class="actions">
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" look="primary" isBusy={isBusy}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
