import { useState } from 'preact/hooks';
import type { UserChangeBody, UserEntry } from '../../contract.js';
import { patch, post } from '../api.js';
import { currentUser } from '../session.js';
import { t } from '../strings.js';
import { DotsIcon } from '../ui/icons.js';
import { type Choice, Menu } from '../ui/menu.js';
import { toast, toastError } from '../ui/toast.js';
import { d } from './texts.js';
import { NewPassword, RenameUser } from './user-forms.js';

interface UserActionsProps {
  readonly user: UserEntry;
  readonly onChange: () => Promise<void>;
}

/** What an administrator does with one user. */
export function UserActions({ user, onChange }: UserActionsProps) {
  const [open, setOpen] = useState<'rename' | 'password' | null>(null);
  const { email, isAdmin, isDisabled, hasSecondFactor } = user;
  const path = `/api/admin/users/${encodeURIComponent(email)}`;
  const act = (work: () => Promise<void>) => () => void work().then(onChange).catch(toastError);
  const change = async (body: UserChangeBody) => {
    await patch(path, body);
  };
  const disable = async (isNow: boolean): Promise<void> => {
    await change({ isDisabled: isNow });
    const undo = () => disable(!isNow).then(onChange).catch(toastError);
    toast({ text: isNow ? d.disabledToast(email) : d.enabledToast(email), onUndo: undo });
  };
  const ask = async () => {
    const { alerted, mailed } = await post<{ alerted: number; mailed: number }>(`${path}/alert`);
    toast({ text: d.asked(alerted, mailed) });
  };
  const reset = async () => {
    await post(`${path}/reset-2fa`);
    toast({ text: d.resetToast(email) });
  };
  const isSelf = email === currentUser().email;
  const choices: readonly Choice[] = [
    { text: d.rename, onChoose: () => setOpen('rename') },
    { text: d.newPassword, onChoose: () => setOpen('password') },
    hasSecondFactor ? { text: d.reset, onChoose: act(reset) } : { text: d.ask, onChoose: act(ask) },
    {
      text: isAdmin ? d.takeAdmin : d.makeAdmin,
      disabled: isSelf,
      isApart: true,
      onChoose: act(() => change({ isAdmin: !isAdmin })),
    },
    {
      text: isDisabled ? d.enable : d.disable,
      isBad: !isDisabled,
      disabled: isSelf,
      onChoose: act(() => disable(!isDisabled)),
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
    </>
  );
}
