import { useState } from 'preact/hooks';
import type { UserChangeBody, UserEntry } from '../../contract/admin-users.js';
import { api } from '../api.js';
import { currentUser } from '../session.js';
import { common } from '../strings.js';
import { DotsIcon } from '../ui/icons.js';
import { type Choice, Menu } from '../ui/menu.js';
import { Question } from '../ui/question.js';
import { toast, toastError } from '../ui/toasts.js';
import { text } from './texts.js';
import { NewPassword, RenameUser } from './user-forms.js';

interface UserActionsProps {
  readonly user: UserEntry;
  readonly onChange: () => Promise<void>;
}

/** What an administrator does with one user. */
export function UserActions({ user, onChange }: UserActionsProps) {
  const [open, setOpen] = useState<'rename' | 'password' | UserQuestion | null>(null);
  const { email, isAdmin, isDisabled, hasSecondFactor } = user;
  const parameters = { email };
  const act = (work: () => Promise<void>) => () => void work().then(onChange).catch(toastError);
  const enable = async () => {
    await api('PATCH /api/admin/users/:email', { parameters, body: { isDisabled: false } });
    toast({ text: text.enabledToast(email) });
  };
  const ask = async () => {
    const { alerted, mailed } = await api('POST /api/admin/users/:email/alert', { parameters });
    toast({ text: text.asked(alerted, mailed) });
  };
  const isSelf = email === currentUser().email;
  const choices: readonly Choice[] = [
    { text: text.rename, onChoose: () => setOpen('rename') },
    { text: text.newPassword, onChoose: () => setOpen('password') },
    hasSecondFactor ? { text: text.reset, onChoose: () => setOpen('reset') } : { text: text.ask, onChoose: act(ask) },
    {
      text: isAdmin ? text.takeAdmin : text.makeAdmin,
      disabled: isSelf,
      isApart: true,
      onChoose: () => setOpen(isAdmin ? 'take-admin' : 'make-admin'),
    },
    {
      text: isDisabled ? text.enable : text.disable,
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
      <Menu slim label={common.actionsFor(email)} icon={<DotsIcon />} choices={choices} />
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
  const parameters = { email };
  const change = (body: UserChangeBody) => api('PATCH /api/admin/users/:email', { parameters, body });
  const all = {
    reset: [
      text.resetTitle,
      text.resetText,
      text.reset,
      text.resetToast,
      () => api('POST /api/admin/users/:email/reset-2fa', { parameters }),
    ],
    'make-admin': [
      text.makeAdminTitle,
      text.isAdminHint,
      text.makeAdmin,
      text.madeAdmin,
      () => change({ isAdmin: true }),
    ],
    'take-admin': [
      text.takeAdminTitle,
      text.takeAdminText,
      text.takeAdmin,
      text.tookAdmin,
      () => change({ isAdmin: false }),
    ],
    disable: [
      text.disableTitle,
      text.disableText,
      text.disable,
      text.disabledToast,
      () => change({ isDisabled: true }),
    ],
  } as const;
  const [title, explanation, action, said, work] = all[question];
  const yes = async () => {
    await work();
    toast({ text: said(email) });
  };
  return (
    <Question title={title(email)} action={action} onYes={yes} onClose={onClose}>
      {explanation}
    </Question>
  );
}
