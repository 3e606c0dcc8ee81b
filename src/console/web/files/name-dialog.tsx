import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../api.js';
import { Field } from '../ui/field.js';
import { FormDialog } from '../ui/form-dialog.js';
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
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const input = frame.current?.querySelector('input');
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
    <FormDialog title={title} action={action} isBusy={isBusy} onSubmit={submit} onClose={onClose}>
      <div ref={frame}>
        <Field
          label={label}
          value={value}
          wrong={wrong}
          onInput={(typed) => {
            setValue(typed);
            setWrong(null);
          }}
        />
      </div>
    </FormDialog>
  );
}
