import { useState } from 'preact/hooks';
import type { AppPasswordEntry } from '../../contract/app-passwords.js';
import { api } from '../api.js';
import { clientName } from '../client-names.js';
import { drives, pickDrive } from '../drives.js';
import { formatAgo, formatDate } from '../format.js';
import { text as past } from '../past/texts.js';
import { useStore } from '../store.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Badge, EmptyState, LoadFailed, Skeleton } from '../ui/feedback.js';
import { PlusIcon } from '../ui/icons.js';
import { Page } from '../ui/page.js';
import { Question } from '../ui/question.js';
import { type Column, Table } from '../ui/table.js';
import { toast } from '../ui/toasts.js';
import { useLoaded } from '../use-loaded.js';
import { MakeAppPassword } from './make-app-password.js';
import { text } from './texts.js';
import { UndoDialog } from './undo-dialog.js';

export function AppPasswordsPage() {
  const { data, error, reload } = useLoaded('GET /api/app-passwords');
  const [open, setOpen] = useState<'make' | 'revoke-all' | null>(null);
  const [going, setGoing] = useState<AppPasswordEntry | null>(null);
  const [undone, setUndone] = useState<AppPasswordEntry | null>(null);
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
      {text.make}
    </Button>
  );
  const revokeAll =
    valid.length > 1 ? (
      <Button look="danger" onClick={() => setOpen('revoke-all')}>
        {text.revokeAll}
      </Button>
    ) : null;
  return (
    <Page
      title={common.appPasswords}
      lead={text.lead}
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
            <EmptyState title={text.none} action={make}>
              {text.noneText}
            </EmptyState>
          ) : (
            <Table
              label={common.appPasswords}
              columns={columns(setGoing, setUndone)}
              rows={shown}
              keyOf={({ id }) => id}
            />
          )}
        </div>
      ) : null}
      {all.length > valid.length && !isAllShown ? (
        <div>
          <Button look="quiet" onClick={() => setAllShown(true)}>
            {text.showRevoked(all.length - valid.length)}
          </Button>
        </div>
      ) : null}
      {open === 'make' ? <MakeAppPassword onClose={close} /> : null}
      {open === 'revoke-all' ? <RevokeAll count={valid.length} onClose={close} /> : null}
      {going ? <Revoke one={going} onDone={reload} onClose={() => setGoing(null)} /> : null}
      {undone ? <Undo one={undone} onClose={() => setUndone(null)} /> : null}
    </Page>
  );
}

function columns(
  revoke: (one: AppPasswordEntry) => void,
  undo: (one: AppPasswordEntry) => void,
): readonly Column<AppPasswordEntry>[] {
  return [
    { title: common.name, isLead: true, cell: ({ name }) => <strong>{name}</strong> },
    { title: text.limits, cell: (one) => <Limits of={one} /> },
    { title: text.lastUse, cell: (one) => <LastUse of={one} /> },
    { title: text.created, cell: ({ createdAt }) => <span class="number">{formatDate(createdAt)}</span> },
    {
      title: common.actionsFor(common.appPasswords),
      isActions: true,
      cell: (one) => (
        <span class="row tight">
          {one.state === 'valid' ? null : <Badge>{one.state === 'expired' ? text.expired : text.revoked}</Badge>}
          {one.lastUsedAt && one.allowance !== 'read-only' ? (
            <Button slim onClick={() => undo(one)}>
              {`${past.undo}…`}
              <span class="visually-hidden">{` ${one.name}`}</span>
            </Button>
          ) : null}
          {one.state === 'valid' ? (
            <Button slim look="danger" onClick={() => revoke(one)}>
              {text.revoke}
              <span class="visually-hidden">{` ${one.name}`}</span>
            </Button>
          ) : null}
        </span>
      ),
    },
  ];
}

function Limits({ of: { drive, folder, allowance, expiresAt } }: { readonly of: AppPasswordEntry }) {
  return (
    <span class="row tight">
      <span>
        {drive ? drive.name : text.allDrives}
        {folder ? <code class="path">{` ${folder}`}</code> : null}
      </span>
      {allowance === 'full' ? null : <Badge tone="accent">{text.shortAllowances[allowance]}</Badge>}
      {expiresAt ? <Badge>{text.until(formatDate(expiresAt))}</Badge> : null}
    </span>
  );
}

function LastUse({ of: { lastUsedAt, lastClient } }: { readonly of: AppPasswordEntry }) {
  if (!lastUsedAt) return <span class="soft">{text.neverUsed}</span>;
  return (
    <span title={lastClient ?? undefined}>
      {formatAgo(lastUsedAt)}
      {lastClient ? <span class="soft">{` · ${clientName(lastClient)}`}</span> : null}
    </span>
  );
}

/** On the drive that it opens; else on the one that was looked at last. */
function Undo({ one, onClose }: { readonly one: AppPasswordEntry; readonly onClose: () => void }) {
  const all = useStore(drives) ?? [];
  const drive = one.drive === null ? pickDrive(all, null) : all.find(({ id }) => id === one.drive!.id);
  return drive ? <UndoDialog one={one} drive={drive} onClose={onClose} /> : null;
}

/** Asked first: this can't be taken back. */
function RevokeAll({ count, onClose }: { readonly count: number; readonly onClose: () => void }) {
  const revoke = async () => {
    await api('DELETE /api/app-passwords');
    toast({ text: text.allRevoked });
  };
  return (
    <Question title={text.revokeAllTitle} action={text.revokeAll} onYes={revoke} onClose={onClose}>
      {text.revokeAllText(count)}
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
    await api('DELETE /api/app-passwords/:id', { parameters: { id } });
    toast({ text: text.revokedToast(name) });
    await onDone();
  };
  return (
    <Question title={text.revokeTitle(name)} action={text.revoke} onYes={revoke} onClose={onClose}>
      {text.revokeText}
    </Question>
  );
}
