import { useState } from 'preact/hooks';
import type { AppPasswordBody, AppPasswordMade } from '../../contract/app-passwords.js';
import { api } from '../api.js';
import { MakeAppPassword, SecretShown } from '../app-passwords/make-app-password.js';
import type { DrivePageProps } from '../drive-page.js';
import { currentUser } from '../session.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Copyable } from '../ui/copy-button.js';
import { KeyIcon } from '../ui/icons.js';
import { Card, Page } from '../ui/page.js';
import { Tabs } from '../ui/tabs.js';
import { PROGRAMS, type Program, toAddress } from './programs.js';
import { text } from './texts.js';

/** This drive's addresses, and the steps for each program with the real address in them. */
export function ConnectPage({ drive }: DrivePageProps) {
  const [chosen, setChosen] = useState(guessProgram());
  const program = PROGRAMS.find(({ id }) => id === chosen) ?? PROGRAMS[0]!;
  const { email } = currentUser();
  const [first = `${location.origin}/dav/${drive.id}/`, ...others] = drive.addresses;
  return (
    <Page title={common.connect} lead={text.lead}>
      <Card title={text.addressTitle}>
        <dl class="facts">
          <Fact term={text.address} text={first} what={text.theAddress} />
          <Fact term={text.driveId} text={String(drive.id)} what={text.theId} />
          <Fact term={text.user} text={email} what={text.theUser} />
          {others.map((other) => (
            <Fact key={other} term={text.otherAddress} text={other} what={text.theAddress} />
          ))}
        </dl>
      </Card>
      <section class="card programs" aria-label={text.programs}>
        <Tabs
          label={text.programs}
          tabs={PROGRAMS.map(({ id, name }) => ({ value: id, text: name }))}
          value={program.id}
          onChange={setChosen}
          isSide
        >
          <Steps key={program.id} program={program} url={first} driveId={drive.id} />
        </Tabs>
      </section>
    </Page>
  );
}

function Fact({ term, text, what }: { readonly term: string; readonly text: string; readonly what: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>
        <Copyable text={text} what={what} />
      </dd>
    </div>
  );
}

function Steps({
  program,
  url,
  driveId,
}: {
  readonly program: Program;
  readonly url: string;
  readonly driveId: number;
}) {
  const address = toAddress(url, driveId, currentUser().email);
  const note = program.note?.(address);
  return (
    <div class="stack">
      <h2>{program.name}</h2>
      <ol class="steps">
        {program.steps(address).map(({ text: step, copy }) => (
          <li key={step}>
            <p>{step}</p>
            {copy ? <Copyable text={copy} what={text.theStep} isBlock /> : null}
          </li>
        ))}
      </ol>
      <DevicePassword program={program} driveId={driveId} />
      {note ? (
        <p class="soft small aside">
          <strong>{text.goodToKnow}:</strong> {note}
        </p>
      ) : null}
    </div>
  );
}

/** One click makes an app password for this drive and this program. */
function DevicePassword({ program, driveId }: { readonly program: Program; readonly driveId: number }) {
  const [made, setMade] = useState<AppPasswordMade | null>(null);
  const [isAsking, setAsking] = useState(false);
  const name = text.device(program.name);
  const make = async () => {
    const body: AppPasswordBody = { name, driveId };
    setMade(await api('POST /api/app-passwords', { body }));
  };
  if (made) {
    return (
      <div class="device">
        <SecretShown name={made.appPassword.name} secret={made.secret} />
      </div>
    );
  }
  return (
    <div class="device">
      <p class="small">{text.makePasswordText}</p>
      <div class="row">
        <Button look="primary" icon={<KeyIcon size={18} />} onClick={make}>
          {text.makePassword}
        </Button>
        <Button look="quiet" onClick={() => setAsking(true)}>
          {text.otherLimits}
        </Button>
      </div>
      {isAsking ? <MakeAppPassword name={name} driveId={driveId} onClose={() => setAsking(false)} /> : null}
    </div>
  );
}

function guessProgram(): string {
  const { userAgent } = navigator;
  if (/Windows/.test(userAgent)) return 'windows';
  if (/iPhone|iPad|Android/.test(userAgent)) return 'nextcloud';
  return /Mac OS X/.test(userAgent) ? 'macos' : 'gnome';
}
