import { useState } from 'preact/hooks';
import type { PasswordBody } from '../../contract/security.js';
import { api, messageOf } from '../api.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/feedback.js';
import { Card } from '../ui/page.js';
import { PasswordField } from '../ui/password-field.js';
import { toast } from '../ui/toasts.js';
import { useForm } from '../use-form.js';
import { text } from './texts.js';

export function PasswordCard({ onChange }: { readonly onChange: () => Promise<void> }) {
  return (
    <Card title={text.passwordTitle} lead={text.passwordLead}>
      <PasswordForm
        onDone={async () => {
          toast({ text: text.passwordChanged });
          await onChange();
        }}
      />
    </Card>
  );
}

function PasswordForm({ onDone }: { readonly onDone: () => Promise<void> }) {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const { isBusy, submit, wrong, rest } = useForm(async () => {
    const body: PasswordBody = { current, next };
    await api('POST /api/security/password', { body });
    setCurrent('');
    setNext('');
    await onDone();
  });
  const error = rest('current', 'next');
  return (
    <form class="stack narrow" onSubmit={submit}>
      {error ? <Notice tone="bad">{messageOf(error)}</Notice> : null}
      <PasswordField
        label={text.currentPassword}
        autocomplete="current-password"
        value={current}
        onInput={setCurrent}
        wrong={wrong('current')}
      />
      <PasswordField
        label={text.newPassword}
        autocomplete="new-password"
        value={next}
        onInput={setNext}
        wrong={wrong('next')}
        minLength={12}
      />
      <div>
        <Button type="submit" look="primary" isBusy={isBusy}>
          {text.changePassword}
        </Button>
      </div>
    </form>
  );
}
