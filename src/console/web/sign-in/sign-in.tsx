import { useState } from 'preact/hooks';
import type { SignInBody } from '../../contract/session.js';
import { api, messageOf } from '../api.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/feedback.js';
import { Field } from '../ui/field.js';
import { Gate } from '../ui/gate.js';
import { PasswordField } from '../ui/password-field.js';
import { useForm } from '../use-form.js';

/** The first step: e-mail address and password. */
export function SignIn() {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const { isBusy, error, submit } = useForm(async () => {
    const body: SignInBody = { email: email.trim(), password };
    await api('POST /api/session', { body });
  });
  return (
    <Gate title={common.signInTitle} lead={common.signInText}>
      <form class="stack" onSubmit={submit}>
        {error ? <Notice tone="bad">{messageOf(error)}</Notice> : null}
        <Field
          label={common.email}
          type="email"
          autocomplete="username"
          value={email}
          onInput={setEmail}
          required
          autoFocus
        />
        <PasswordField label={common.password} autocomplete="current-password" value={password} onInput={setPassword} />
        <Button type="submit" look="primary" wide isBusy={isBusy}>
          {common.signIn}
        </Button>
      </form>
    </Gate>
  );
}
