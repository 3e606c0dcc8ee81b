import { useState } from 'preact/hooks';
import type { AppPasswordEntry, AppPasswordsAnswer } from '../../contract.js';
import { remove } from '../api.js';
import { clientName } from '../client-names.js';
import { formatAgo, formatDate } from '../format.js';
import { t } from '../strings.js';
import { Button } from '../ui/button.js';
import { Badge, EmptyState, LoadFailed, Skeleton } from '../ui/feedback.js';
import { PlusIcon } from '../ui/icons.js';
import { Page } from '../ui/page.js';
import { Question } from '../ui/question.js';
import { type Column, Table } from '../ui/table.js';
import { toast } from '../ui/toast.js';
import { useLoaded } from '../use-loaded.js';
import { MakeAppPassword } from './make-app-password.js';
import { p } from './texts.js';

const PATH = '/api/app-passwords';

export function AppPasswordsPage() {
  const { data, error, reload } = useLoaded<AppPasswordsAnswer>(PATH);
  const [open, setOpen] = useState<'make' | 'revoke-all' | null>(null);
  const [going, setGoing] = useState<AppPasswordEntry | null>(null);
  const [isAllShown, setAllShown] = useState(false);
  const all = data?.appPasswords ?? [];
  const valid = all.filter(({ state }) => state === 'valid');
  const shown = isAllShown ? all : valid;
  const close = () => {
    setOpen(null);
    void reload();
  };
  const make = (
    <Button look="primary" icon={<PlusIcon size={18} />} onClick={() => setOpen('make')}>
      {p.make}
    </Button>
  );
  const revokeAll =
    valid.length > 1 ? (
      <Button look="danger" onClick={() => setOpen('revoke-all')}>
        {p.revokeAll}
      </Button>
    ) : null;
  return (
    <Page
      title={t.appPasswords}
      lead={p.lead}
      wide
      actions={
        <>
          {revokeAll}
          {valid.length > 0 ? make : null}
        </>
      }
    >
      {error ? <LoadFailed error={error} onRetry={reload} /> : null}
      {!data && !error ? <Skeleton lines={6} /> : null}
      {data ? (
        <div class="card">
          {shown.length === 0 ? (
            <EmptyState title={p.none} action={make}>
              {p.noneText}
            </EmptyState>
          ) : (
            <Table label={t.appPasswords} columns={columns(setGoing)} rows={shown} keyOf={({ id }) => id} />
          )}
        </div>
      ) : null}
      {all.length > valid.length && !isAllShown ? (
        <div>
          <Button look="quiet" onClick={() => setAllShown(true)}>
            {p.showRevoked(all.length - valid.length)}
          </Button>
        </div>
      ) : null}
      {open === 'make' ? <MakeAppPassword onClose={close} /> : null}
      {open === 'revoke-all' ? <RevokeAll count={valid.length} onClose={close} /> : null}
      {going ? <Revoke one={going} onDone={reload} onClose={() => setGoing(null)} /> : null}
    </Page>
  );
}

function columns(revoke: (one: AppPasswordEntry) => void): readonly Column<AppPasswordEntry>[] {
  return [
    { title: t.name, isLead: true, cell: ({ name }) => <strong>{name}</strong> },
    { title: p.limits, cell: (one) => <Limits of={one} /> },
    { title: p.lastUse, cell: (one) => <LastUse of={one} /> },
    { title: p.created, cell: ({ createdAt }) => <span class="number">{formatDate(createdAt)}</span> },
    {
      title: t.actionsFor(t.appPasswords),
      isActions: true,
      cell: (one) =>
        one.state === 'valid' ? (
          <Button slim look="danger" onClick={() => revoke(one)}>
            {p.revoke}
            <span class="visually-hidden">{` ${one.name}`}</span>
          </Button>
        ) : (
          <Badge>{one.state === 'expired' ? p.expired : p.revoked}</Badge>
        ),
    },
  ];
}

function Limits({ of: { drive, folder, allowance, expiresAt } }: { readonly of: AppPasswordEntry }) {
  return (
    <span class="row tight">
      <span>
        {drive ? drive.name : p.allDrives}
        {folder ? <code class="path">{` ${folder}`}</code> : null}
      </span>
      {allowance === 'full' ? null : <Badge tone="accent">{p.shortAllowances[allowance]}</Badge>}
      {expiresAt ? <Badge>{p.until(formatDate(expiresAt))}</Badge> : null}
    </span>
  );
}

function LastUse({ of: { lastUsedAt, lastClient } }: { readonly of: AppPasswordEntry }) {
  if (!lastUsedAt) return <span class="soft">{p.neverUsed}</span>;
  return (
    <span title={lastClient ?? undefined}>
      {formatAgo(lastUsedAt)}
      {lastClient ? <span class="soft">{` · ${clientName(lastClient)}`}</span> : null}
    </span>
  );
}

/** Asked first: this can't be taken back. */
function RevokeAll({ count, onClose }: { readonly count: number; readonly onClose: () => void }) {
  const revoke = async () => {
    await remove(PATH);
    toast({ text: p.allRevoked });
  };
  return (
    <Question title={p.revokeAllTitle} action={p.revokeAll} onYes={revoke} onClose={onClose}>
      {p.revokeAllText(count)}
    </Question>
  );
}

interface RevokeProps {
  readonly one: AppPasswordEntry;
  readonly onDone: () => Promise<void>;
  readonly onClose: () => void;
}

function Revoke({ one: { id, name }, onDone, onClose }: RevokeProps) {
  const revoke = async () => {
    await remove(`${PATH}/${id}`);
    toast({ text: p.revokedToast(name) });
    await onDone();
  };
  return (
    <Question title={p.revokeTitle(name)} action={p.revoke} onYes={revoke} onClose={onClose}>
      {p.revokeText}
    </Question>
  );
}
