import { useEffect, useState } from 'preact/hooks';
import type { TotpAnswer, TotpConfirmBody } from '../../contract/security.js';
import { api, messageOf } from '../api.js';
import { Button } from '../ui/button.js';
import { Copyable } from '../ui/copy-button.js';
import { LoadFailed, Notice, Skeleton } from '../ui/feedback.js';
import { Field } from '../ui/field.js';
import { useForm } from '../use-form.js';
import { text } from './texts.js';

/** Shows the secret of a new authenticator; it counts once its code was entered (PRODUCT S3). */
export function TotpSetUp({ onCodes }: { readonly onCodes: (codes: readonly string[]) => void }) {
  const [totp, setTotp] = useState<TotpAnswer | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [code, setCode] = useState('');
  const begin = () => api('POST /api/security/totp').then(setTotp, setFailure);
  useEffect(() => void begin(), []);
  const { isBusy, submit, wrong, rest } = useForm(async () => {
    const body: TotpConfirmBody = { code: code.replace(/\s/g, '') };
    onCodes((await api('POST /api/security/totp/confirm', { body })).recoveryCodes);
  });
  if (failure) return <LoadFailed error={failure} onRetry={begin} />;
  if (!totp) return <Skeleton lines={5} />;
  const error = rest('code');
  return (
    <form class="stack" onSubmit={submit}>
      <p>{text.totpScan}</p>
      <img class="qr" alt={text.totpQr} src={`data:image/svg+xml,${encodeURIComponent(totp.qrSvg)}`} />
      <div class="stack tight">
        <p class="soft small">{text.totpSecret}</p>
        <Copyable text={totp.secret} what={text.theKey} />
      </div>
      {error ? <Notice tone="bad">{messageOf(error)}</Notice> : null}
      <Field
        label={text.totpCode}
        value={code}
        onInput={setCode}
        wrong={wrong('code')}
        autocomplete="one-time-code"
        inputMode="numeric"
        isCode
        required
      />
      <Button type="submit" look="primary" wide isBusy={isBusy}>
        {text.turnOn}
      </Button>
    </form>
  );
}
