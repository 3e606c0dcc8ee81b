import { useState } from 'preact/hooks';
import type { AdminDriveEntry, DriveChangeBody, NewDriveBody } from '../../contract/admin-drives.js';
import { api } from '../api.js';
import { formatBytes, parseBytes } from '../format.js';
import { currentUser } from '../session.js';
import { common } from '../strings.js';
import { Field } from '../ui/field.js';
import { FormDialog } from '../ui/form-dialog.js';
import { type Form, useForm } from '../use-form.js';
import { text } from './texts.js';

export function NewDrive({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [owner, setOwner] = useState(currentUser().email);
  const limits = useLimits(null, null);
  const form = useForm(async () => {
    if (!limits.isRight) return;
    const { quotaBytes, uploadMaxBytes } = limits;
    const body: NewDriveBody = { name: name.trim(), ownerEmail: owner.trim(), quotaBytes, uploadMaxBytes };
    await api('POST /api/admin/drives', { body });
    onClose();
  });
  return (
    <FormDialog title={text.newDrive} action={common.create} {...sendingOf(form)} onClose={onClose}>
      <Field label={text.driveName} value={name} onInput={setName} wrong={form.wrong('name')} required />
      <Field
        label={text.owner}
        hint={text.ownerHint}
        type="email"
        value={owner}
        onInput={setOwner}
        wrong={form.wrong('ownerEmail')}
        required
      />
      <LimitFields limits={limits} form={form} />
    </FormDialog>
  );
}

export function ChangeDrive({ drive, onClose }: { readonly drive: AdminDriveEntry; readonly onClose: () => void }) {
  const [name, setName] = useState(drive.name);
  const limits = useLimits(drive.quotaBytes, drive.uploadMaxBytes);
  const form = useForm(async () => {
    if (!limits.isRight) return;
    const { quotaBytes, uploadMaxBytes } = limits;
    const body: DriveChangeBody = { name: name.trim(), quotaBytes, uploadMaxBytes };
    await api('PATCH /api/admin/drives/:id', { parameters: { id: drive.id }, body });
    onClose();
  });
  return (
    <FormDialog title={text.editOf(drive.name)} action={common.save} {...sendingOf(form)} onClose={onClose}>
      <Field label={text.driveName} value={name} onInput={setName} wrong={form.wrong('name')} required />
      <LimitFields limits={limits} form={form} />
    </FormDialog>
  );
}

/** What no field says is said above all of them. */
function sendingOf({ isBusy, submit, rest }: Form) {
  return { isBusy, onSubmit: submit, error: rest('name', 'ownerEmail', 'quotaBytes', 'uploadMaxBytes') };
}

interface Limits {
  readonly quota: LimitField;
  readonly upload: LimitField;
  readonly quotaBytes: number | null;
  readonly uploadMaxBytes: number | null;
  /** Whether both are empty or sizes. */
  readonly isRight: boolean;
}
interface LimitField {
  readonly text: string;
  readonly set: (text: string) => void;
  readonly bytes: number | null;
  readonly isWrong: boolean;
}

function useLimits(quotaBytes: number | null, uploadMaxBytes: number | null): Limits {
  const quota = useLimit(quotaBytes);
  const upload = useLimit(uploadMaxBytes);
  const isRight = !quota.isWrong && !upload.isWrong;
  return { quota, upload, quotaBytes: quota.bytes, uploadMaxBytes: upload.bytes, isRight };
}

/** What wasn't touched stays as it is to the byte, however it is rounded to be read. */
export function useLimit(first: number | null): LimitField {
  const shown = first === null ? '' : formatBytes(first);
  const [text, set] = useState(shown);
  if (text === shown) return { text, set, bytes: first, isWrong: false };
  const bytes = text.trim() === '' ? null : parseBytes(text);
  return { text, set, bytes, isWrong: bytes === null && text.trim() !== '' };
}

function LimitFields({ limits: { quota, upload }, form }: { readonly limits: Limits; readonly form: Form }) {
  return (
    <>
      <Field
        label={text.quota}
        hint={text.quotaHint}
        value={quota.text}
        onInput={quota.set}
        wrong={quota.isWrong ? text.notBytes : form.wrong('quotaBytes')}
      />
      <Field
        label={text.upload}
        hint={text.uploadHint}
        value={upload.text}
        onInput={upload.set}
        wrong={upload.isWrong ? text.notBytes : form.wrong('uploadMaxBytes')}
      />
    </>
  );
}
