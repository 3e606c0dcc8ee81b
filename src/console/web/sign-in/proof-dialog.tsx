import type { ProofBody, SessionAnswer } from '../../contract/session.js';
import { post } from '../api.js';
import { proofWanted } from '../proof.js';
import { currentUser } from '../session.js';
import { common } from '../strings.js';
import { Dialog } from '../ui/dialog.js';
import { ProofForm } from './proof-form.js';

/** Asks who is there for the password again, and for a code where there is a second factor. */
export function ProofDialog() {
  const prove = async (proof: ProofBody) => {
    await post<SessionAnswer>('/api/session/proof', proof);
    proofWanted.value?.(true);
  };
  const giveUp = () => proofWanted.value?.(false);
  return (
    <Dialog title={common.proofTitle} onClose={giveUp}>
      <p class="soft">{common.proofText}</p>
      <ProofForm
        hasSecondFactor={currentUser().hasSecondFactor}
        action={common.confirm}
        onProof={prove}
        onCancel={giveUp}
      />
    </Dialog>
  );
}
