import { useState } from 'preact/hooks';
import type { SecurityAnswer } from '../../contract/security.js';
import type { ProofBody } from '../../contract/session.js';
import { api } from '../api.js';
import { refreshSession } from '../session.js';
import { ProofForm } from '../sign-in/proof-form.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Badge } from '../ui/feedback.js';
import { Card } from '../ui/page.js';
import { Question } from '../ui/question.js';
import { toast } from '../ui/toasts.js';
import { RecoveryCodes } from './recovery-codes.js';
import { text } from './texts.js';
import { TotpSetUp } from './totp-set-up.js';

interface FactorCardProps {
  readonly security: SecurityAnswer;
  readonly onChange: () => Promise<void>;
}

/** The second factor: set up, new codes, off. */
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
    const made = await api('POST /api/security/recovery-codes', { body: {} });
    setCodes(made.recoveryCodes);
  };
  const badges = (
    <>
      {isSecondFactorRequired ? <Badge tone="accent">{text.required}</Badge> : null}
      <Badge tone={isOn ? 'good' : 'warn'}>{isOn ? text.on : text.off}</Badge>
    </>
  );
  return (
    <Card title={text.factorTitle} lead={text.factorLead} actions={badges}>
      <p>{isTotpOn ? `${text.authenticatorOn} ${text.recoveryLeft(recoveryCodes)}` : text.authenticatorOff}</p>
      <div class="row">
        {isTotpOn ? null : (
          <Button look="primary" onClick={() => setOpen('totp')}>
            {text.setUp}
          </Button>
        )}
        {isOn ? <Button onClick={() => setOpen('renew')}>{text.renewCodes}</Button> : null}
        {isOn && !isSecondFactorRequired ? (
          <Button look="danger" onClick={() => setOpen('off')}>
            {text.turnOff}
          </Button>
        ) : null}
      </div>
      {open === 'totp' ? (
        <Dialog title={text.totpTitle} onClose={close}>
          <TotpSetUp onCodes={setCodes} />
        </Dialog>
      ) : null}
      {open === 'renew' && !codes ? (
        <Question title={text.renewTitle} action={text.renewCodes} onYes={renew} onClose={() => setOpen(null)}>
          {text.renewText}
        </Question>
      ) : null}
      {codes ? (
        <Dialog title={text.recoveryTitle} onClose={close} isKept>
          <RecoveryCodes codes={codes} onKept={close} />
        </Dialog>
      ) : null}
      {open === 'off' ? <TurnOff onClose={close} /> : null}
    </Card>
  );
}

function TurnOff({ onClose }: { readonly onClose: () => void }) {
  const turnOff = async (proof: ProofBody) => {
    await api('DELETE /api/security/second-factor', { body: proof });
    await refreshSession();
    toast({ text: text.turnedOff });
    onClose();
  };
  return (
    <Dialog title={text.turnOffTitle} onClose={onClose}>
      <p class="soft">{text.turnOffText}</p>
      <ProofForm hasSecondFactor action={text.turnOff} isDangerous onProof={turnOff} onCancel={onClose} />
    </Dialog>
  );
}
