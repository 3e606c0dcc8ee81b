import { useState } from 'preact/hooks';
import type { TakenBack } from '../../contract/past.js';
import { formatNumber } from '../format.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Badge, EmptyState } from '../ui/feedback.js';
import { Field } from '../ui/field.js';
import { ActionForm } from '../ui/form-dialog.js';
import { toast } from '../ui/toasts.js';
import { useForm } from '../use-form.js';
import { text } from './texts.js';

/** Steps that are shown one by one. */
const SHOWN_MAX = 200;
const HOUR_MS = 3_600_000;

interface TakeBackDialogProps {
  readonly title: string;
  readonly lead: string;
  /** What the moment is called. */
  readonly label: string;
  /** What is done in the end, as a verb. */
  readonly action: string;
  /** Asks what would be done, or does it. */
  readonly send: (moment: string, isDryRun: boolean) => Promise<TakenBack>;
  readonly onDone: () => unknown;
  readonly onClose: () => void;
}

/** Asks for a moment, shows what going back to it would do, and does it. */
export function TakeBackDialog({ title, lead, label, action, send, onDone, onClose }: TakeBackDialogProps) {
  const [moment, setMoment] = useState(() => localText(Date.now() - HOUR_MS));
  const [foreseen, setForeseen] = useState<TakenBack | null>(null);
  const iso = () => new Date(moment).toISOString();
  const look = useForm(async () => setForeseen(await send(iso(), true)));
  const carryOut = useForm(async () => {
    const done = await send(iso(), false);
    toast({ text: text.done(done.count) });
    onClose();
    await onDone();
  });
  if (foreseen === null) {
    return (
      <Dialog title={title} onClose={onClose}>
        <ActionForm
          action={text.look}
          isBusy={look.isBusy}
          error={look.rest('at', 'since')}
          onSubmit={look.submit}
          onCancel={onClose}
        >
          <p class="soft">{lead}</p>
          <Field
            type="moment"
            label={label}
            hint={text.momentHint}
            value={moment}
            onInput={setMoment}
            wrong={look.wrong('at') ?? look.wrong('since')}
            required
          />
        </ActionForm>
      </Dialog>
    );
  }
  return (
    <Dialog title={title} large onClose={onClose}>
      {foreseen.count === 0 ? (
        <>
          <EmptyState title={text.nothingTitle}>{text.nothing}</EmptyState>
          <Kept of={foreseen} />
          <div class="actions">
            <Button onClick={() => setForeseen(null)}>{text.otherMoment}</Button>
          </div>
        </>
      ) : (
        <ActionForm
          action={action}
          back={text.otherMoment}
          isBusy={carryOut.isBusy}
          error={carryOut.error}
          onSubmit={carryOut.submit}
          onCancel={() => setForeseen(null)}
        >
          <p class="soft">{text.foreseen(foreseen.count)}</p>
          <Steps of={foreseen} />
          <Kept of={foreseen} />
        </ActionForm>
      )}
    </Dialog>
  );
}

const TONES = { back: 'good', changed: 'accent', moved: 'accent', trashed: 'warn' } as const;

function Steps({ of: { steps, count } }: { readonly of: TakenBack }) {
  return (
    <>
      <ul class="lines" aria-label={text.steps}>
        {steps.slice(0, SHOWN_MAX).map(({ what, path, isFolder }) => (
          <li key={`${what} ${path}`}>
            <div>
              <code class="path">{isFolder ? `${path}/` : path}</code>{' '}
              <Badge tone={TONES[what]}>{text.what[what]}</Badge>
            </div>
          </li>
        ))}
      </ul>
      <More count={count - Math.min(steps.length, SHOWN_MAX)} />
    </>
  );
}

/** What stays, as others have gone on with it. */
function Kept({ of: { kept, keptCount } }: { readonly of: TakenBack }) {
  if (keptCount === 0) return null;
  return (
    <>
      <h3>{text.keptTitle(keptCount)}</h3>
      <ul class="lines" aria-label={text.keptTitle(keptCount)}>
        {kept.slice(0, SHOWN_MAX).map(({ why, path, isFolder }) => (
          <li key={`${why} ${path}`}>
            <div>
              <code class="path">{isFolder ? `${path}/` : path}</code>
              <p class="soft small">{text.why[why]}</p>
            </div>
          </li>
        ))}
      </ul>
      <More count={keptCount - Math.min(kept.length, SHOWN_MAX)} />
    </>
  );
}

function More({ count }: { readonly count: number }) {
  return count > 0 ? <p class="soft">{text.more(formatNumber(count))}</p> : null;
}

/** As `datetime-local` has it: by the clock of who looks. */
function localText(time: number): string {
  const date = new Date(time - new Date(time).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19);
}
