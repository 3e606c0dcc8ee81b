import { useState } from 'preact/hooks';
import { refreshSession } from '../session.js';
import { hasPasskeys } from '../sign-in/passkeys.js';
import { t } from '../strings.js';
import { signOut } from '../ui/account-menu.js';
import { Button } from '../ui/button.js';
import { Gate } from '../ui/gate.js';
import { KeyIcon } from '../ui/icons.js';
import { AddPasskey } from './passkeys-card.js';
import { RecoveryCodes } from './recovery-codes.js';
import { s } from './texts.js';
import { TotpSetUp } from './totp-set-up.js';

/** The organization wants a second factor of everyone: nothing else opens before (PRODUCT S4). */
export function RequiredSetUp() {
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [isPasskey, setPasskey] = useState(false);
  if (codes) {
    return (
      <Gate title={s.recoveryTitle} large>
        <RecoveryCodes codes={codes} onKept={() => void refreshSession()} />
      </Gate>
    );
  }
  return (
    <Gate title={t.requiredTitle} lead={t.requiredText} large>
      <TotpSetUp onCodes={setCodes} />
      {hasPasskeys() ? (
        <Button wide icon={<KeyIcon />} onClick={() => setPasskey(true)}>
          {s.addPasskey}
        </Button>
      ) : null}
      <Button look="quiet" wide onClick={signOut}>
        {t.signOut}
      </Button>
      {isPasskey ? <AddPasskey onClose={() => setPasskey(false)} /> : null}
    </Gate>
  );
}
