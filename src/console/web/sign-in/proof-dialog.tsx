import { useState } from 'preact/hooks';
import type { ProofBody, SessionAnswer } from '../../contract.js';
import { ApiError, messageOf, post } from '../api.js';
import { proofWanted } from '../proof.js';
import { currentUser } from '../session.js';
import { t } from '../strings.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Notice } from '../ui/feedback.js';
import { Field } from '../ui/field.js';
import { KeyIcon } from '../ui/icons.js';
import { PasswordField } from '../ui/password-field.js';
import { useForm } from '../use-form.js';
import { askPasskey, hasPasskeys } from './passkeys.js';

/** Asks who is there for the password again, and for a code where there is a second factor. */
export function ProofDialog() {
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const { hasSecondFactor } = currentUser();
  const { isBusy, submit, wrong, rest } = useForm(async () => {
    const body: ProofBody = { password, ...(hasSecondFactor ? { code: code.replace(/\s/g, '') } : {}) };
    await post<SessionAnswer>('/api/session/proof', body);
    proofWanted.value?.(true);
  });
  const byPasskey = useForm(async () => {
    await post<SessionAnswer>('/api/session/proof', { password, passkey: await askPasskey() });
    proofWanted.value?.(true);
  });
  const failed = byPasskey.error && !(byPasskey.error instanceof ApiError) ? t.passkeyFailed : null;
  const error = rest('password', 'code') ?? byPasskey.error;
  return (
    <Dialog title={t.proofTitle} onClose={() => proofWanted.value?.(false)}>
      <p class="soft">{t.proofText}</p>
      <form class="stack" onSubmit={submit}>
        {error ? <Notice tone="bad">{failed ?? messageOf(error)}</Notice> : null}
        <PasswordField
          label={t.password}
          autocomplete="current-password"
          value={password}
          onInput={setPassword}
          wrong={wrong('password')}
          autoFocus
        />
        {hasSecondFactor ? (
          <Field
            label={t.code}
            hint={t.codeHint}
            wrong={wrong('code')}
            value={code}
            onInput={setCode}
            autocomplete="one-time-code"
            isCode
            required
          />
        ) : null}
        {hasSecondFactor && hasPasskeys() ? (
          <Button
            icon={<KeyIcon />}
            isBusy={byPasskey.isBusy}
            disabled={password === ''}
            onClick={() => byPasskey.submit()}
          >
            {t.usePasskey}
          </Button>
        ) : null}
        <div class="actions">
          <Button onClick={() => proofWanted.value?.(false)}>{t.cancel}</Button>
          <Button type="submit" look="primary" isBusy={isBusy}>
            {t.confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
