import { useState } from 'preact/hooks';
import type { AppPasswordBody, AppPasswordMade } from '../../contract/app-passwords.js';
import { api } from '../api.js';
import { drives } from '../drives.js';
import { currentUser } from '../session.js';
import { useStore } from '../store.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Copyable } from '../ui/copy-button.js';
import { Dialog } from '../ui/dialog.js';
import { Field, Select } from '../ui/field.js';
import { ActionForm } from '../ui/form-dialog.js';
import { useForm } from '../use-form.js';
import { text } from './texts.js';

type Allowance = 'full' | 'read-only' | 'add-only';
const ALLOWANCES: readonly Allowance[] = ['full', 'read-only', 'add-only'];

interface MakeProps {
  readonly onClose: () => void;
  /** Already known, for one of the programs of the page "Connect". */
  readonly name?: string;
  readonly driveId?: number;
}

/** Asks for name and limits, then shows the secret, once. */
export function MakeAppPassword({ onClose, name = '', driveId }: MakeProps) {
  const [made, setMade] = useState<AppPasswordMade | null>(null);
  if (made) return <Secret made={made} onClose={onClose} />;
  return (
    <Dialog title={text.make} onClose={onClose}>
      <Form name={name} driveId={driveId ?? null} onMade={setMade} onClose={onClose} />
    </Dialog>
  );
}

interface FormProps {
  readonly name: string;
  readonly driveId: number | null;
  readonly onMade: (made: AppPasswordMade) => void;
  readonly onClose: () => void;
}

function Form({ onMade, onClose, ...first }: FormProps) {
  const all = useStore(drives) ?? [];
  const [name, setName] = useState(first.name);
  const [drive, setDrive] = useState(first.driveId === null ? '' : String(first.driveId));
  const [folder, setFolder] = useState('');
  const [allowance, setAllowance] = useState<Allowance>('full');
  const [until, setUntil] = useState('');
  const { isBusy, submit, wrong, rest } = useForm(async () => {
    const body: AppPasswordBody = {
      name: name.trim(),
      driveId: drive === '' ? null : Number(drive),
      folder: drive === '' || folder.trim() === '' ? null : folder.trim(),
      allowance,
      // To the end of that day, where the user is.
      expiresAt: until === '' ? null : new Date(`${until}T23:59:59`).toISOString(),
    };
    onMade(await api('POST /api/app-passwords', { body }));
  });
  const error = rest('name', 'folder', 'expiresAt');
  const scopes = [
    { value: '', text: text.allDrives },
    ...all.map((one) => ({ value: String(one.id), text: one.name })),
  ];
  return (
    <ActionForm action={common.create} isBusy={isBusy} error={error} onSubmit={submit} onCancel={onClose}>
      <Field
        label={text.deviceName}
        hint={text.deviceHint}
        placeholder={text.devicePlaceholder}
        value={name}
        onInput={setName}
        wrong={wrong('name')}
        required
      />
      <Select label={text.scope} value={drive} onChange={setDrive} options={scopes} />
      {drive === '' ? null : (
        <Field label={text.folder} hint={text.folderHint} value={folder} onInput={setFolder} wrong={wrong('folder')} />
      )}
      <Select
        label={text.allowance}
        value={allowance}
        onChange={setAllowance}
        options={ALLOWANCES.map((value) => ({ value, text: text.allowances[value] }))}
      />
      <Field
        label={text.expires}
        type="date"
        value={until}
        onInput={setUntil}
        min={new Date().toISOString().slice(0, 10)}
        wrong={wrong('expiresAt')}
      />
    </ActionForm>
  );
}

function Secret({ made, onClose }: { readonly made: AppPasswordMade; readonly onClose: () => void }) {
  return (
    <Dialog title={text.madeTitle} onClose={onClose} isKept>
      <SecretShown name={made.appPassword.name} secret={made.secret} />
      <div class="actions">
        <Button look="primary" onClick={onClose}>
          {text.haveIt}
        </Button>
      </div>
    </Dialog>
  );
}

/** User name and secret, to be copied. */
export function SecretShown({ name, secret }: { readonly name: string; readonly secret: string }) {
  return (
    <div class="stack">
      <p class="soft">
        <strong>{name}</strong>. {text.madeText}
      </p>
      <div class="stack tight">
        <p class="small soft">{text.user}</p>
        <Copyable text={currentUser().email} what={text.theUser} />
      </div>
      <div class="stack tight">
        <p class="small soft">{text.secret}</p>
        <Copyable text={secret} what={text.theSecret} />
      </div>
    </div>
  );
}
