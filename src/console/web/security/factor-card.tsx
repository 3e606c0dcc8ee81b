import { useState } from 'preact/hooks';
import type { RecoveryCodesAnswer, SecondFactorOffBody, SecurityAnswer } from '../../contract.js';
import { ApiError, api, messageOf, post } from '../api.js';
import { refreshSession } from '../session.js';
import { askPasskey, hasPasskeys } from '../sign-in/passkeys.js';
import { t } from '../strings.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Badge, Notice } from '../ui/feedback.js';
import { Field } from '../ui/field.js';
import { KeyIcon } from '../ui/icons.js';
import { Card } from '../ui/page.js';
import { PasswordField } from '../ui/password-field.js';
import { toast } from '../ui/toast.js';
import { useForm } from '../use-form.js';
import { RecoveryCodes } from './recovery-codes.js';
import { s } from './texts.js';
import { TotpSetUp } from './totp-set-up.js';

interface FactorCardProps {
  readonly security: SecurityAnswer;
  readonly onChange: () => Promise<void>;
}

/** The second factor: set up, codes anew, off. */
export function FactorCard({ security, onChange }: FactorCardProps) {
  const [open, setOpen] = useState<'totp' | 'off' | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const { isTotpOn, recoveryCodes, passkeys, isSecondFactorRequired } = security;
  const isOn = isTotpOn || passkeys.length > 0;
  const close = () => {
    setOpen(null);
    setCodes(null);
    void onChange();
  };
  const renew = async () => {
    const made = await post<RecoveryCodesAnswer>('/api/security/recovery-codes');
    setCodes(made.recoveryCodes);
  };
  const badges = (
    <>
      {isSecondFactorRequired ? <Badge tone="accent">{s.required}</Badge> : null}
      <Badge tone={isOn ? 'good' : 'warn'}>{isOn ? s.on : s.off}</Badge>
    </>
  );
  return (
    <Card title={s.factorTitle} lead={s.factorLead} actions={badges}>
      <p>{isTotpOn ? `${s.authenticatorOn} ${s.recoveryLeft(recoveryCodes)}` : s.authenticatorOff}</p>
      <div class="row">
        {isTotpOn ? null : (
          <Button look="primary" onClick={() => setOpen('totp')}>
            {s.setUp}
          </Button>
        )}
        {isOn ? <Button onClick={renew}>{s.renewCodes}</Button> : null}
        {isOn && !isSecondFactorRequired ? (
          <Button look="danger" onClick={() => setOpen('off')}>
            {s.turnOff}
          </Button>
        ) : null}
      </div>
      {open === 'totp' ? (
        <Dialog title={s.totpTitle} onClose={close}>
          <TotpSetUp onCodes={setCodes} />
        </Dialog>
      ) : null}
      {codes ? (
        <Dialog title={s.recoveryTitle} onClose={close} isKept>
          <RecoveryCodes codes={codes} onKept={close} />
        </Dialog>
      ) : null}
      {open === 'off' ? <TurnOff onClose={close} /> : null}
    </Card>
  );
}

function TurnOff({ onClose }: { readonly onClose: () => void }) {
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const { isBusy, submit, wrong, rest } = useForm(async () => {
    const body: SecondFactorOffBody = { password, code: code.trim() };
    await api('DELETE', '/api/security/second-factor', body);
    await refreshSession();
    toast({ text: s.turnedOff });
    onClose();
  });
  const byPasskey = useForm(async () => {
    await api('DELETE', '/api/security/second-factor', { password, passkey: await askPasskey() });
    await refreshSession();
    toast({ text: s.turnedOff });
    onClose();
  });
  const failed = byPasskey.error && !(byPasskey.error instanceof ApiError) ? t.passkeyFailed : null;
  const error = rest('password', 'code') ?? byPasskey.error;
  return (
    <Dialog title={s.turnOffTitle} onClose={onClose}>
      <p class="soft">{s.turnOffText}</p>
      <form class="stack" onSubmit={submit}>
        {error ? <Notice tone="bad">{failed ?? messageOf(error)}</Notice> : null}
        <PasswordField
          label={t.password}
          autocomplete="current-password"
          value={password}
          onInput={setPassword}
          wrong={wrong('password')}
        />
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
        {hasPasskeys() ? (
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
          <Button onClick={onClose}>{t.cancel}</Button>
          <Button type="submit" look="danger" isBusy={isBusy}>
            {s.turnOff}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
