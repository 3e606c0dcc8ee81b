import { useState } from 'preact/hooks';
import type { SecondStepBody } from '../../contract/session.js';
import { ApiError, api, messageOf } from '../api.js';
import { common } from '../strings.js';
import { signOut } from '../ui/account-menu.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/feedback.js';
import { Field } from '../ui/field.js';
import { Gate } from '../ui/gate.js';
import { KeyIcon } from '../ui/icons.js';
import { useForm } from '../use-form.js';
import { provePasskey } from './passkeys.js';

/** A code of the authenticator, a recovery code, or a passkey. */
export function SecondStep({ ways }: { readonly ways: { readonly code: boolean; readonly passkey: boolean } }) {
  const [isRecovery, setRecovery] = useState(false);
  const [code, setCode] = useState('');
  const { isBusy, error, submit } = useForm(async () => {
    const body: SecondStepBody = { code: isRecovery ? code.trim() : code.replace(/\s/g, '') };
    await api('POST /api/session/second-step', { body });
  });
  const passkey = useForm(provePasskey);
  const shown = error ?? passkey.error;
  const swap = () => {
    setRecovery(!isRecovery);
    setCode('');
  };
  return (
    <Gate title={common.secondStepTitle} lead={common.secondStepText}>
      {shown ? <Notice tone="bad">{shown instanceof ApiError ? messageOf(shown) : common.passkeyFailed}</Notice> : null}
      {ways.passkey ? (
        <Button
          look={ways.code ? 'plain' : 'primary'}
          wide
          icon={<KeyIcon />}
          isBusy={passkey.isBusy}
          onClick={() => passkey.submit()}
        >
          {common.usePasskey}
        </Button>
      ) : null}
      {ways.code ? (
        <form class="stack" onSubmit={submit}>
          <Field
            key={String(isRecovery)}
            label={isRecovery ? common.recoveryCode : common.authenticatorCode}
            hint={isRecovery ? common.recoveryHint : undefined}
            value={code}
            onInput={setCode}
            autocomplete="one-time-code"
            inputMode={isRecovery ? 'text' : 'numeric'}
            isCode
            required
            autoFocus
          />
          <Button type="submit" look="primary" wide isBusy={isBusy}>
            {common.next}
          </Button>
          <Button look="quiet" wide onClick={swap}>
            {isRecovery ? common.useAuthenticator : common.useRecoveryCode}
          </Button>
        </form>
      ) : null}
      <Button look="quiet" wide onClick={signOut}>
        {common.otherAccount}
      </Button>
    </Gate>
  );
}
