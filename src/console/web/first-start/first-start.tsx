import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { DriveChangeBody, NewDriveBody } from '../../contract/admin-drives.js';
import type { UserChangeBody } from '../../contract/admin-users.js';
import type { DriveEntry } from '../../contract/drives.js';
import type { PasswordBody } from '../../contract/security.js';
import { api, messageOf } from '../api.js';
import { drives, loadDrives } from '../drives.js';
import { navigate, place } from '../router.js';
import { currentUser } from '../session.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Copyable } from '../ui/copy-button.js';
import { LoadFailed, Notice, Skeleton } from '../ui/feedback.js';
import { Field } from '../ui/field.js';
import { Gate } from '../ui/gate.js';
import { PasswordField } from '../ui/password-field.js';
import { useForm } from '../use-form.js';
import { useLoaded } from '../use-loaded.js';
import { text } from './texts.js';

const STEPS = 3;

/** Leads the administrator of a new Firn through: who they are, the first drive, the first device (PRODUCT R4). */
export function FirstStart() {
  const [step, setStep] = useState(1);
  // The server forgets that this is the first start with the first step; the address remembers.
  useEffect(() => {
    if (!place.value.path.startsWith('/welcome')) navigate('/welcome', { replace: true });
  }, []);
  if (step === 1 && currentUser().isFirstStart) return <You onDone={() => setStep(2)} />;
  if (step < 3) return <FirstDrive onDone={() => setStep(3)} />;
  return <FirstDevice />;
}

interface FrameProps {
  readonly step: number;
  readonly title: string;
  readonly lead: string;
  readonly children: ComponentChildren;
}

function Frame({ step, title, lead, children }: FrameProps) {
  return (
    <Gate title={title} lead={lead}>
      <div class="stack tight first">
        <ol class="progress-steps" aria-hidden="true">
          {Array.from({ length: STEPS }, (_, index) => (
            <li key={String(index)} class={index < step ? 'past' : ''} />
          ))}
        </ol>
        <p class="small soft">{text.step(step, STEPS)}</p>
      </div>
      {children}
    </Gate>
  );
}

function You({ onDone }: { readonly onDone: () => void }) {
  const { email, name: known } = currentUser();
  const [name, setName] = useState(known);
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const { isBusy, submit, wrong, rest } = useForm(async () => {
    const who: UserChangeBody = { name: name.trim() };
    await api('PATCH /api/admin/users/:email', { parameters: { email }, body: who });
    const body: PasswordBody = { current, next };
    await api('POST /api/security/password', { body });
    onDone();
  });
  const error = rest('name', 'current', 'next');
  return (
    <Frame step={1} title={text.youTitle} lead={text.youText}>
      <form class="stack" onSubmit={submit}>
        {error ? <Notice tone="bad">{messageOf(error)}</Notice> : null}
        <Field
          label={text.yourName}
          autocomplete="name"
          value={name}
          onInput={setName}
          wrong={wrong('name')}
          required
          autoFocus
        />
        <PasswordField
          label={text.printed}
          autocomplete="current-password"
          value={current}
          onInput={setCurrent}
          wrong={wrong('current')}
        />
        <PasswordField
          label={text.own}
          hint={text.ownHint}
          autocomplete="new-password"
          value={next}
          onInput={setNext}
          wrong={wrong('next')}
          minLength={12}
        />
        <Button type="submit" look="primary" wide isBusy={isBusy}>
          {common.next}
        </Button>
      </form>
    </Frame>
  );
}

/** The one that the first start made, or a new one where it is gone. */
function FirstDrive({ onDone }: { readonly onDone: () => void }) {
  const { data, error, reload } = useLoaded('GET /api/drives');
  return (
    <Frame step={2} title={text.driveTitle} lead={text.driveText}>
      {error ? <LoadFailed error={error} onRetry={reload} /> : null}
      {data ? <DriveName drive={data.drives[0] ?? null} onDone={onDone} /> : error ? null : <Skeleton />}
    </Frame>
  );
}

function DriveName({ drive, onDone }: { readonly drive: DriveEntry | null; readonly onDone: () => void }) {
  const [name, setName] = useState(drive?.name ?? 'Firn');
  const { isBusy, submit, wrong, rest } = useForm(async () => {
    const wish = name.trim();
    const made: NewDriveBody = { name: wish, ownerEmail: currentUser().email, quotaBytes: null, uploadMaxBytes: null };
    const changed: DriveChangeBody = { name: wish };
    if (!drive) await api('POST /api/admin/drives', { body: made });
    else if (wish !== drive.name)
      await api('PATCH /api/admin/drives/:id', { parameters: { id: drive.id }, body: changed });
    drives.set((await api('GET /api/drives')).drives);
    onDone();
  });
  const error = rest('name');
  return (
    <form class="stack" onSubmit={submit}>
      {error ? <Notice tone="bad">{messageOf(error)}</Notice> : null}
      <Field label={text.driveName} value={name} onInput={setName} wrong={wrong('name')} required autoFocus />
      <Button type="submit" look="primary" wide isBusy={isBusy}>
        {common.next}
      </Button>
    </form>
  );
}

function FirstDevice() {
  const drive = drives.value?.[0];
  const address = drive?.addresses[0];
  const leave = (path: string) => () => {
    void loadDrives();
    navigate(path, { replace: true });
  };
  return (
    <Frame step={3} title={text.connectTitle} lead={text.connectText}>
      {address ? (
        <div class="stack tight">
          <p class="small soft">{text.address}</p>
          <Copyable text={address} what={text.theAddress} />
        </div>
      ) : null}
      <div class="stack">
        <Button look="primary" wide onClick={leave(drive ? `/connect/${drive.id}/` : '/connect')}>
          {text.connect}
        </Button>
        <Button look="quiet" wide onClick={leave('/')}>
          {text.later}
        </Button>
      </div>
    </Frame>
  );
}
