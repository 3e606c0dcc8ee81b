import { useState } from 'preact/hooks';
import type { PasskeyBody, PasskeyEntry } from '../../contract/passkeys.js';
import { ApiError, api } from '../api.js';
import { formatAgo } from '../format.js';
import { refreshSession } from '../session.js';
import { hasPasskeys } from '../sign-in/passkeys.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
import { FormDialog } from '../ui/form-dialog.js';
import { KeyIcon, PlusIcon, TrashIcon } from '../ui/icons.js';
import { Card } from '../ui/page.js';
import { Question } from '../ui/question.js';
import { toast } from '../ui/toasts.js';
import { useForm } from '../use-form.js';
import { RecoveryCodes } from './recovery-codes.js';
import { text } from './texts.js';

interface PasskeysCardProps {
  readonly passkeys: readonly PasskeyEntry[];
  readonly onChange: () => Promise<void>;
}

export function PasskeysCard({ passkeys, onChange }: PasskeysCardProps) {
  const [isAdding, setAdding] = useState(false);
  const [going, setGoing] = useState<PasskeyEntry | null>(null);
  const canAdd = hasPasskeys();
  const drop = async ({ id, name }: PasskeyEntry) => {
    await api('DELETE /api/security/passkeys/:id', { parameters: { id } });
    toast({ text: text.passkeyRemoved(name) });
    await Promise.all([onChange(), refreshSession()]);
  };
  const add = (
    <Button icon={<PlusIcon size={18} />} disabled={!canAdd} onClick={() => setAdding(true)}>
      {text.addPasskey}
    </Button>
  );
  return (
    <Card title={text.passkeysTitle} lead={text.passkeysLead} actions={add}>
      {canAdd ? null : <p class="soft small">{text.passkeysNeedTls}</p>}
      {passkeys.length === 0 ? <p class="soft">{text.noPasskeys}</p> : null}
      <ul class="lines">
        {passkeys.map((passkey) => (
          <li key={passkey.id}>
            <KeyIcon />
            <div>
              <strong>{passkey.name}</strong>
              <p class="soft small">
                {text.added(formatAgo(passkey.createdAt))},{' '}
                {passkey.lastUsedAt ? text.usedAgo(formatAgo(passkey.lastUsedAt)) : text.neverUsed}
              </p>
            </div>
            <Button
              look="quiet"
              label={text.removePasskey(passkey.name)}
              icon={<TrashIcon />}
              onClick={() => setGoing(passkey)}
            />
          </li>
        ))}
      </ul>
      {going ? (
        <Question
          title={text.removePasskeyTitle(going.name)}
          action={common.remove}
          onYes={() => drop(going)}
          onClose={() => setGoing(null)}
        >
          {text.removePasskeyText}
        </Question>
      ) : null}
      {isAdding ? (
        <AddPasskey
          onClose={() => {
            setAdding(false);
            void onChange();
          }}
        />
      ) : null}
    </Card>
  );
}

export function AddPasskey({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const close = async () => {
    await refreshSession();
    onClose();
  };
  const { isBusy, error, submit } = useForm(async () => {
    const optionsJSON = await api('POST /api/security/passkeys/options');
    const { startRegistration } = await import('@simplewebauthn/browser');
    const body: PasskeyBody = { name: name.trim(), response: await startRegistration({ optionsJSON }) };
    const { recoveryCodes } = await api('POST /api/security/passkeys', { body });
    // Of a first second factor; shown this once, so before anything else may take the dialog away.
    if (recoveryCodes) setCodes(recoveryCodes);
    else await close();
  });
  if (codes) {
    return (
      <Dialog title={text.recoveryTitle} onClose={close} isKept>
        <RecoveryCodes codes={codes} onKept={close} />
      </Dialog>
    );
  }
  return (
    <FormDialog
      title={text.addPasskey}
      action={common.next}
      isBusy={isBusy}
      error={error && !(error instanceof ApiError) ? text.passkeyNotMade : error}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field label={text.passkeyName} value={name} onInput={setName} placeholder={text.passkeyPlaceholder} required />
    </FormDialog>
  );
}
