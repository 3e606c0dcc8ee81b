import { useState } from 'preact/hooks';
import type { RecoveryCodesAnswer, SecondFactorOffBody, SecurityAnswer } from '../../contract.js';
import { api, post } from '../api.js';
import { refreshSession } from '../session.js';
import { ProofForm } from '../sign-in/proof-form.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Badge } from '../ui/feedback.js';
import { Card } from '../ui/page.js';
import { Question } from '../ui/question.js';
import { toast } from '../ui/toast.js';
import { RecoveryCodes } from './recovery-codes.js';
import { s } from './texts.js';
import { TotpSetUp } from './totp-set-up.js';

interface FactorCardProps {
  readonly security: SecurityAnswer;
  readonly onChange: () => Promise<void>;
}

/** The second factor: set up, codes anew, off. */
export function FactorCard({ security, onChange }: FactorCardProps) {
  const [open, setOpen] = useState<'totp' | 'off' | 'renew' | null>(null);
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
        {isOn ? <Button onClick={() => setOpen('renew')}>{s.renewCodes}</Button> : null}
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
      {open === 'renew' && !codes ? (
        <Question title={s.renewTitle} action={s.renewCodes} onYes={renew} onClose={() => setOpen(null)}>
          {s.renewText}
        </Question>
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
  const turnOff = async (proof: SecondFactorOffBody) => {
    await api('DELETE', '/api/security/second-factor', proof);
    await refreshSession();
    toast({ text: s.turnedOff });
    onClose();
  };
  return (
    <Dialog title={s.turnOffTitle} onClose={onClose}>
      <p class="soft">{s.turnOffText}</p>
      <ProofForm hasSecondFactor action={s.turnOff} isDangerous onProof={turnOff} onCancel={onClose} />
    </Dialog>
  );
}
