import { useEffect, useRef, useState } from 'preact/hooks';
import type { AdminDriveEntry, MemberBody, MemberEntry } from '../../contract.js';
import { messageOf, put, remove } from '../api.js';
import { formatBytes } from '../format.js';
import { t } from '../strings.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Notice } from '../ui/feedback.js';
import { Field, Select } from '../ui/field.js';
import { CloseIcon } from '../ui/icons.js';
import { toast } from '../ui/toast.js';
import { useForm } from '../use-form.js';
import { useLimit } from './drive-forms.js';
import { d } from './texts.js';

type Role = MemberEntry['role'];
const ROLES: readonly Role[] = ['manager', 'member', 'viewer'];
const roleOptions = () => ROLES.map((value) => ({ value, text: d.roles[value] }));

interface MembersProps {
  readonly drive: AdminDriveEntry;
  readonly onChange: () => Promise<void>;
  readonly onClose: () => void;
}

export function Members({ drive, onChange, onClose }: MembersProps) {
  return (
    <Dialog title={d.membersOf(drive.name)} onClose={onClose} large>
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
  const path = `/api/admin/drives/${drive.id}/members/${encodeURIComponent(email)}`;
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
    await put(path, body);
    toast({ text: d.roleChanged(email, d.roles[wish]) });
    await onChange();
    focusBack();
  };
  const drop = async () => {
    await remove(path);
    toast({ text: d.memberRemoved(email) });
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
        <Sure text={d.removeQuestion} action={d.removeYes} onYes={drop} onNo={decline} isDangerous />
      ) : (
        <>
          <select
            class="input slim"
            aria-label={`${d.role}: ${email}`}
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
            <Button look="quiet" label={d.removeMember(email)} icon={<CloseIcon />} onClick={() => setRemoving(true)} />
          ) : (
            <Sure action={t.save} onYes={save} onNo={decline} />
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
        {t.cancel}
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
    await put(`/api/admin/drives/${drive.id}/members/${encodeURIComponent(email.trim())}`, body);
    setEmail('');
    quota.set('');
    await onChange();
  });
  return (
    <form class="stack" onSubmit={submit}>
      <h3>{d.addMember}</h3>
      {error ? <Notice tone="bad">{messageOf(error)}</Notice> : null}
      <div class="filters">
        <Field label={t.email} type="email" value={email} onInput={setEmail} required />
        <Select label={d.role} value={role} onChange={setRole} options={roleOptions()} />
        <Field label={d.quota} value={quota.text} onInput={quota.set} wrong={quota.isWrong ? d.notBytes : null} />
        <Button type="submit" look="primary" isBusy={isBusy}>
          {d.add}
        </Button>
      </div>
    </form>
  );
}
