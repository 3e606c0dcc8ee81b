import { useEffect, useRef, useState } from 'preact/hooks';
import type { AdminDriveEntry, MemberBody, MemberEntry } from '../../contract/admin-drives.js';
import { api, messageOf } from '../api.js';
import { formatBytes } from '../format.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Notice } from '../ui/feedback.js';
import { Field, Select } from '../ui/field.js';
import { CloseIcon } from '../ui/icons.js';
import { toast } from '../ui/toasts.js';
import { useForm } from '../use-form.js';
import { useLimit } from './drive-forms.js';
import { text } from './texts.js';

type Role = MemberEntry['role'];
const ROLES: readonly Role[] = ['manager', 'member', 'viewer'];
const roleOptions = () => ROLES.map((value) => ({ value, text: text.roles[value] }));

interface MembersProps {
  readonly drive: AdminDriveEntry;
  readonly onChange: () => Promise<void>;
  readonly onClose: () => void;
}

export function Members({ drive, onChange, onClose }: MembersProps) {
  return (
    <Dialog title={text.membersOf(drive.name)} onClose={onClose} large>
      <ul class="lines">
        {drive.members.map((member) => (
          <Member key={member.email} member={member} drive={drive} onChange={onChange} />
        ))}
      </ul>
      <AddMember drive={drive} onChange={onChange} />
    </Dialog>
  );
}

interface MemberProps {
  readonly member: MemberEntry;
  readonly drive: AdminDriveEntry;
  readonly onChange: () => Promise<void>;
}

function Member({ member: { email, name, role, quotaBytes }, drive, onChange }: MemberProps) {
  const parameters = { id: drive.id, email };
  const [wish, setWish] = useState<Role>(role);
  const [isRemoving, setRemoving] = useState(false);
  const line = useRef<HTMLLIElement>(null);
  /** The buttons of a yes or no take the focus with them when they go. */
  const focusBack = () => {
    const dialog = line.current?.closest<HTMLElement>('[role=dialog]');
    requestAnimationFrame(() => (line.current?.querySelector('select') ?? dialog)?.focus());
  };
  const decline = () => {
    setWish(role);
    setRemoving(false);
    focusBack();
  };
  const save = async () => {
    const body: MemberBody = { role: wish, quotaBytes };
    await api('PUT /api/admin/drives/:id/members/:email', { parameters, body });
    toast({ text: text.roleChanged(email, text.roles[wish]) });
    await onChange();
    focusBack();
  };
  const drop = async () => {
    await api('DELETE /api/admin/drives/:id/members/:email', { parameters });
    toast({ text: text.memberRemoved(email) });
    focusBack();
    await onChange();
  };
  return (
    <li ref={line}>
      <div class="two-lines">
        <strong>{name || email}</strong>
        <span class="soft small">{quotaBytes === null ? email : `${email} · ${formatBytes(quotaBytes)}`}</span>
      </div>
      {isRemoving ? (
        <Sure text={text.removeQuestion} action={text.removeYes} onYes={drop} onNo={decline} isDangerous />
      ) : (
        <>
          <select
            class="input slim"
            aria-label={`${text.role}: ${email}`}
            value={wish}
            onChange={(event) => setWish(event.currentTarget.value as Role)}
          >
            {roleOptions().map(({ value, text }) => (
              <option key={value} value={value} selected={value === wish}>
                {text}
              </option>
            ))}
          </select>
          {wish === role ? (
            <Button
              look="quiet"
              label={text.removeMember(email)}
              icon={<CloseIcon />}
              onClick={() => setRemoving(true)}
            />
          ) : (
            <Sure action={common.save} onYes={save} onNo={decline} />
          )}
        </>
      )}
    </li>
  );
}

interface SureProps {
  readonly text?: string;
  readonly action: string;
  readonly isDangerous?: boolean;
  readonly onYes: () => Promise<void>;
  readonly onNo: () => void;
}

/** The yes or no to what was chosen in a line; nothing is written before. */
function Sure({ text, action, isDangerous = false, onYes, onNo }: SureProps) {
  const group = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (text !== undefined) group.current?.querySelector('button')?.focus();
  }, []);
  return (
    // biome-ignore lint/a11y/useSemanticElements: two buttons of a line are no fieldset
    <span class="row tight" ref={group} role="group" aria-label={text ?? action}>
      {text ? <span class="small">{text}</span> : null}
      <Button slim onClick={onNo}>
        {common.cancel}
      </Button>
      <Button slim look={isDangerous ? 'danger' : 'primary'} onClick={onYes}>
        {action}
      </Button>
    </span>
  );
}

function AddMember({ drive, onChange }: Omit<MemberProps, 'member'>) {
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('member');
  const quota = useLimit(null);
  const { isBusy, error, submit } = useForm(async () => {
    if (quota.isWrong) return;
    const body: MemberBody = { role, quotaBytes: quota.bytes };
    const parameters = { id: drive.id, email: email.trim() };
    await api('PUT /api/admin/drives/:id/members/:email', { parameters, body });
    setEmail('');
    quota.set('');
    await onChange();
  });
  return (
    <form class="stack" onSubmit={submit}>
      <h3>{text.addMember}</h3>
      {error ? <Notice tone="bad">{messageOf(error)}</Notice> : null}
      <div class="filters">
        <Field label={common.email} type="email" value={email} onInput={setEmail} required />
        <Select label={text.role} value={role} onChange={setRole} options={roleOptions()} />
        <Field label={text.quota} value={quota.text} onInput={quota.set} wrong={quota.isWrong ? text.notBytes : null} />
        <Button type="submit" look="primary" isBusy={isBusy}>
          {text.add}
        </Button>
      </div>
    </form>
  );
}
