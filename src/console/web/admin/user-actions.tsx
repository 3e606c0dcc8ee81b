import { useState } from 'preact/hooks';
import type { UserChangeBody, UserEntry } from '../../contract.js';
import { patch, post } from '../api.js';
import { currentUser } from '../session.js';
import { t } from '../strings.js';
import { DotsIcon } from '../ui/icons.js';
import { type Choice, Menu } from '../ui/menu.js';
import { Question } from '../ui/question.js';
import { toast, toastError } from '../ui/toast.js';
import { d } from './texts.js';
import { NewPassword, RenameUser } from './user-forms.js';

interface UserActionsProps {
  readonly user: UserEntry;
  readonly onChange: () => Promise<void>;
}

/** What an administrator does with one user. */
export function UserActions({ user, onChange }: UserActionsProps) {
  const [open, setOpen] = useState<'rename' | 'password' | UserQuestion | null>(null);
  const { email, isAdmin, isDisabled, hasSecondFactor } = user;
  const path = `/api/admin/users/${encodeURIComponent(email)}`;
  const act = (work: () => Promise<void>) => () => void work().then(onChange).catch(toastError);
  const enable = async () => {
    await patch(path, { isDisabled: false } satisfies UserChangeBody);
    toast({ text: d.enabledToast(email) });
  };
  const ask = async () => {
    const { alerted, mailed } = await post<{ alerted: number; mailed: number }>(`${path}/alert`);
    toast({ text: d.asked(alerted, mailed) });
  };
  const isSelf = email === currentUser().email;
  const choices: readonly Choice[] = [
    { text: d.rename, onChoose: () => setOpen('rename') },
    { text: d.newPassword, onChoose: () => setOpen('password') },
    hasSecondFactor ? { text: d.reset, onChoose: () => setOpen('reset') } : { text: d.ask, onChoose: act(ask) },
    {
      text: isAdmin ? d.takeAdmin : d.makeAdmin,
      disabled: isSelf,
      isApart: true,
      onChoose: () => setOpen(isAdmin ? 'take-admin' : 'make-admin'),
    },
    {
      text: isDisabled ? d.enable : d.disable,
      isBad: !isDisabled,
      disabled: isSelf,
      onChoose: isDisabled ? act(enable) : () => setOpen('disable'),
    },
  ];
  const close = () => {
    setOpen(null);
    void onChange();
  };
  return (
    <>
      <Menu slim label={t.actionsFor(email)} icon={<DotsIcon />} choices={choices} />
      {open === 'rename' ? <RenameUser user={user} onClose={close} /> : null}
      {open === 'password' ? <NewPassword user={user} onClose={close} /> : null}
      {open !== null && open !== 'rename' && open !== 'password' ? (
        <UserQuestions question={open} email={email} onClose={close} />
      ) : null}
    </>
  );
}

type UserQuestion = 'reset' | 'make-admin' | 'take-admin' | 'disable';

interface UserQuestionsProps {
  readonly question: UserQuestion;
  readonly email: string;
  readonly onClose: () => void;
}

/** What opens or shuts an account is asked first, by name. */
function UserQuestions({ question, email, onClose }: UserQuestionsProps) {
  const path = `/api/admin/users/${encodeURIComponent(email)}`;
  const change = (body: UserChangeBody) => patch(path, body);
  const all = {
    reset: [d.resetTitle, d.resetText, d.reset, d.resetToast, () => post(`${path}/reset-2fa`)],
    'make-admin': [d.makeAdminTitle, d.isAdminHint, d.makeAdmin, d.madeAdmin, () => change({ isAdmin: true })],
    'take-admin': [d.takeAdminTitle, d.takeAdminText, d.takeAdmin, d.tookAdmin, () => change({ isAdmin: false })],
    disable: [d.disableTitle, d.disableText, d.disable, d.disabledToast, () => change({ isDisabled: true })],
  } as const;
  const [title, text, action, said, work] = all[question];
  const yes = async () => {
    await work();
    toast({ text: said(email) });
  };
  return (
    <Question title={title(email)} action={action} onYes={yes} onClose={onClose}>
      {text}
    </Question>
  );
}
