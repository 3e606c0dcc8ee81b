import { useState } from 'preact/hooks';
import type {
  ImportBody,
  ImportConflict,
  ImportEntry,
  ImportSourceAnswer,
  ImportSourceBody,
} from '../../contract/imports.js';
import { api } from '../api.js';
import { drives } from '../drives.js';
import { formatBytes, formatNumber } from '../format.js';
import { useStore } from '../store.js';
import { common } from '../strings.js';
import { Dialog } from '../ui/dialog.js';
import { Notice } from '../ui/feedback.js';
import { Field, Select } from '../ui/field.js';
import { ActionForm } from '../ui/form-dialog.js';
import { PasswordField } from '../ui/password-field.js';
import { useForm } from '../use-form.js';
import { text } from './texts.js';

const CONFLICTS: readonly ImportConflict[] = ['skip', 'overwrite', 'keep-both'];

interface NewImportProps {
  /** Asks for the same again: all but the password is known. */
  readonly like: ImportEntry | null;
  readonly onStart: () => void;
  readonly onClose: () => void;
}

/** First where from, which is tried at once; then where to. */
export function NewImport({ like, onStart, onClose }: NewImportProps) {
  const [source, setSource] = useState<ImportSourceBody>({
    url: like?.url ?? '',
    user: like?.user ?? '',
    password: '',
    from: '',
  });
  const [found, setFound] = useState<ImportSourceAnswer | null>(null);
  return (
    <Dialog title={found ? text.steps.target : text.steps.source} onClose={onClose}>
      <p class="small soft">{text.step(found ? 2 : 1, 2)}</p>
      {found ? (
        <Target {...{ source, found, like, onStart }} onBack={() => setFound(null)} />
      ) : (
        <Source source={source} onInput={setSource} onFound={setFound} onClose={onClose} />
      )}
    </Dialog>
  );
}

interface SourceProps {
  readonly source: ImportSourceBody;
  readonly onInput: (source: ImportSourceBody) => void;
  readonly onFound: (found: ImportSourceAnswer) => void;
  readonly onClose: () => void;
}

function Source({ source, onInput, onFound, onClose }: SourceProps) {
  const { isBusy, submit, wrong, rest } = useForm(async () => {
    const body: ImportSourceBody = { ...source, url: source.url.trim(), from: source.from.trim() };
    onFound(await api('POST /api/imports/test', { body }));
  });
  const set = (name: keyof ImportSourceBody) => (value: string) => onInput({ ...source, [name]: value });
  const error = rest('url', 'user', 'password', 'from');
  return (
    <ActionForm action={text.test} isBusy={isBusy} error={error} onSubmit={submit} onCancel={onClose}>
      <Field
        label={text.url}
        hint={text.urlHint}
        inputMode="url"
        value={source.url}
        onInput={set('url')}
        wrong={wrong('url')}
        required
        autoFocus
      />
      <Field label={text.user} value={source.user} onInput={set('user')} wrong={wrong('user')} required />
      <PasswordField
        label={text.password}
        hint={text.passwordHint}
        autocomplete="off"
        value={source.password}
        onInput={set('password')}
        wrong={wrong('password')}
      />
      <Field label={text.from} hint={text.fromHint} value={source.from} onInput={set('from')} wrong={wrong('from')} />
    </ActionForm>
  );
}

interface TargetProps {
  readonly source: ImportSourceBody;
  readonly found: ImportSourceAnswer;
  readonly like: ImportEntry | null;
  readonly onStart: () => void;
  readonly onBack: () => void;
}

function Target({ source, found, like, onStart, onBack }: TargetProps) {
  const mine = (useStore(drives) ?? []).filter(({ role }) => role !== 'viewer');
  const [driveId, setDriveId] = useState(String(like?.driveId ?? mine[0]?.id ?? ''));
  const [to, setTo] = useState(like && like.to !== '/' ? like.to : '');
  const [conflict, setConflict] = useState<ImportConflict>(like?.conflict ?? 'skip');
  const { isBusy, submit, wrong, rest } = useForm(async () => {
    const body: ImportBody = {
      ...source,
      url: source.url.trim(),
      from: source.from.trim(),
      driveId: Number(driveId),
      to: to.trim(),
      conflict,
    };
    await api('POST /api/imports', { body });
    onStart();
  });
  const error = rest('driveId', 'to');
  return (
    <ActionForm
      action={text.begin}
      back={common.back}
      isBusy={isBusy}
      error={error}
      onSubmit={submit}
      onCancel={onBack}
    >
      <Found found={found} />
      <Select
        label={text.drive}
        value={driveId}
        onChange={setDriveId}
        options={mine.map(({ id, name }) => ({ value: String(id), text: `${name} · ${id}` }))}
        wrong={wrong('driveId')}
      />
      <Field label={text.to} hint={text.toHint} value={to} onInput={setTo} wrong={wrong('to')} />
      <Select
        label={text.conflict}
        value={conflict}
        onChange={setConflict}
        options={CONFLICTS.map((value) => ({ value, text: text.conflicts[value] }))}
      />
    </ActionForm>
  );
}

function Found({ found }: { readonly found: ImportSourceAnswer }) {
  const { folders, files, bytes, isMore, names, isDriveRoot } = found;
  const isEmpty = folders + files === 0;
  return (
    <Notice title={isEmpty ? text.foundNothing : text.found}>
      {isEmpty ? null : (
        <>
          <p>{text.foundText(formatNumber(folders), formatNumber(files), formatBytes(bytes), isMore)}</p>
          <p class="small clip-lines">{names.join('  ·  ')}</p>
        </>
      )}
      {isDriveRoot ? <p class="small">{text.trashOut}</p> : null}
    </Notice>
  );
}
