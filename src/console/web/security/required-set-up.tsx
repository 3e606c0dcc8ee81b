import { useState } from 'preact/hooks';
import { refreshSession } from '../session.js';
import { hasPasskeys } from '../sign-in/passkeys.js';
import { common } from '../strings.js';
import { signOut } from '../ui/account-menu.js';
import { Button } from '../ui/button.js';
import { Gate } from '../ui/gate.js';
import { KeyIcon } from '../ui/icons.js';
import { AddPasskey } from './passkeys-card.js';
import { RecoveryCodes } from './recovery-codes.js';
import { text } from './texts.js';
import { TotpSetUp } from './totp-set-up.js';

/** The organization wants a second factor of everyone: nothing else opens before (PRODUCT S4). */
export function RequiredSetUp() {
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [isPasskey, setPasskey] = useState(false);
  if (codes) {
    return (
      <Gate title={text.recoveryTitle} large>
        <RecoveryCodes codes={codes} onKept={() => void refreshSession()} />
      </Gate>
    );
  }
  return (
    <Gate title={common.requiredTitle} lead={common.requiredText} large>
      <TotpSetUp onCodes={setCodes} />
      {hasPasskeys() ? (
        <Button wide icon={<KeyIcon />} onClick={() => setPasskey(true)}>
          {text.addPasskey}
        </Button>
      ) : null}
      <Button look="quiet" wide onClick={signOut}>
        {common.signOut}
      </Button>
      {isPasskey ? <AddPasskey onClose={() => setPasskey(false)} /> : null}
    </Gate>
  );
}
