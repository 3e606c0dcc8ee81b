import { useState } from 'preact/hooks';
import type { ProofBody } from '../../contract/session.js';
import { ApiError } from '../api.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { ActionForm } from '../ui/form-dialog.js';
import { KeyIcon } from '../ui/icons.js';
import { PasswordField } from '../ui/password-field.js';
import { useForm } from '../use-form.js';
import { askPasskey, hasPasskeys } from './passkeys.js';

interface ProofFormProps {
  /** Whether the password alone is not enough. */
  readonly hasSecondFactor: boolean;
  readonly action: string;
  readonly isDangerous?: boolean;
  /** Throws what the server says against it. */
  readonly onProof: (proof: ProofBody) => Promise<void>;
  readonly onCancel: () => void;
}

/** The password, and with a second factor a code or a passkey. */
export function ProofForm({ hasSecondFactor, action, isDangerous = false, onProof, onCancel }: ProofFormProps) {
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const { isBusy, submit, wrong, rest } = useForm(() =>
    onProof({ password, ...(hasSecondFactor ? { code: code.trim() } : {}) }),
  );
  const byPasskey = useForm(async () => onProof({ password, passkey: await askPasskey() }));
  const failed = byPasskey.error && !(byPasskey.error instanceof ApiError) ? common.passkeyFailed : null;
  const error = rest('password', 'code') ?? byPasskey.error;
  return (
    <ActionForm
      action={action}
      isDangerous={isDangerous}
      isBusy={isBusy}
      error={failed ?? error}
      onSubmit={submit}
      onCancel={onCancel}
    >
      <PasswordField
        label={common.password}
        autocomplete="current-password"
        value={password}
        onInput={setPassword}
        wrong={wrong('password')}
        autoFocus
      />
      {hasSecondFactor ? (
        <Field
          label={common.code}
          hint={common.codeHint}
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
          {common.usePasskey}
        </Button>
      ) : null}
    </ActionForm>
  );
}
