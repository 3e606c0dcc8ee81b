import { useEffect, useState } from 'preact/hooks';
import type { NewUserAnswer, NewUserBody, UserChangeBody, UserEntry } from '../../contract/admin-users.js';
import { api } from '../api.js';
import { refreshSession } from '../session.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Copyable } from '../ui/copy-button.js';
import { Dialog } from '../ui/dialog.js';
import { LoadFailed, Skeleton } from '../ui/feedback.js';
import { Check, Field } from '../ui/field.js';
import { FormDialog } from '../ui/form-dialog.js';
import { useForm } from '../use-form.js';
import { text } from './texts.js';

interface UserFormProps {
  readonly user: UserEntry;
  readonly onClose: () => void;
}

/** The password is made up by the server, and shown once. */
export function NewUser({ onClose }: { readonly onClose: () => void }) {
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [isAdmin, setAdmin] = useState(false);
  const [made, setMade] = useState<NewUserAnswer | null>(null);
  const { isBusy, submit, wrong, rest } = useForm(async () => {
    const body: NewUserBody = { email: email.trim(), name: name.trim(), isAdmin };
    setMade(await api('POST /api/admin/users', { body }));
  });
  if (made)
    return <PasswordShown title={text.userMade} email={made.user.email} password={made.password} onClose={onClose} />;
  return (
    <FormDialog
      title={text.newUser}
      action={common.create}
      isBusy={isBusy}
      error={rest('email', 'name')}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field label={common.email} type="email" value={email} onInput={setEmail} wrong={wrong('email')} required />
      <Field label={common.name} value={name} onInput={setName} wrong={wrong('name')} required />
      <Check label={text.isAdmin} hint={text.isAdminHint} isOn={isAdmin} onChange={setAdmin} />
    </FormDialog>
  );
}

export function RenameUser({ user, onClose }: UserFormProps) {
  const [name, setName] = useState(user.name);
  const { isBusy, submit, wrong, rest } = useForm(async () => {
    const body: UserChangeBody = { name: name.trim() };
    await api('PATCH /api/admin/users/:email', { parameters: { email: user.email }, body });
    await refreshSession();
    onClose();
  });
  return (
    <FormDialog
      title={text.rename}
      action={common.save}
      isBusy={isBusy}
      error={rest('name')}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field label={common.name} hint={user.email} value={name} onInput={setName} wrong={wrong('name')} required />
    </FormDialog>
  );
}

/** Makes a new one up at once; the old one ends. */
export function NewPassword({ user, onClose }: UserFormProps) {
  const [password, setPassword] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isAsked, setAsked] = useState(false);
  const make = () =>
    api('POST /api/admin/users/:email/password', { parameters: { email: user.email }, body: {} }).then(
      (made) => setPassword(made.password),
      setError,
    );
  useEffect(() => {
    if (isAsked) void make();
  }, [isAsked]);
  if (password !== null) {
    return <PasswordShown title={text.passwordMade} email={user.email} password={password} onClose={onClose} />;
  }
  return (
    <Dialog title={text.newPassword} onClose={onClose}>
      <p>
        <strong>{user.email}</strong>
      </p>
      {error ? <LoadFailed error={error} onRetry={make} /> : null}
      {isAsked && !error ? <Skeleton lines={2} /> : null}
      <div class="actions">
        <Button onClick={onClose}>{common.cancel}</Button>
        <Button look="primary" disabled={isAsked} onClick={() => setAsked(true)}>
          {text.newPassword}
        </Button>
      </div>
    </Dialog>
  );
}

interface ShownProps {
  readonly title: string;
  readonly email: string;
  readonly password: string | null;
  readonly onClose: () => void;
}

function PasswordShown({ title, email, password, onClose }: ShownProps) {
  return (
    <Dialog title={title} onClose={onClose} isKept>
      <p>
        <strong>{email}</strong>
      </p>
      {password === null ? null : (
        <>
          <p class="soft">{text.passwordOnce}</p>
          <Copyable text={password} what={text.thePassword} />
        </>
      )}
      <div class="actions">
        <Button look="primary" onClick={onClose}>
          {common.done}
        </Button>
      </div>
    </Dialog>
  );
}
