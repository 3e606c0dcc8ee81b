import type { ProofBody } from '../../contract/session.js';
import { api } from '../api.js';
import { proofWanted } from '../proof.js';
import { currentUser } from '../session.js';
import { common } from '../strings.js';
import { Dialog } from '../ui/dialog.js';
import { ProofForm } from './proof-form.js';

/** Asks who is there for the password again, and for a code where there is a second factor. */
export function ProofDialog() {
  const prove = async (proof: ProofBody) => {
    await api('POST /api/session/proof', { body: proof });
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
