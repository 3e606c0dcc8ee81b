import { useState } from 'preact/hooks';
import type { AdminDriveEntry } from '../../contract/admin-drives.js';
import { loadDrives } from '../drives.js';
import { formatBytes, formatDate } from '../format.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Badge, EmptyState, LoadFailed, Progress, Skeleton } from '../ui/feedback.js';
import { PlusIcon } from '../ui/icons.js';
import { Page } from '../ui/page.js';
import { type Column, Table } from '../ui/table.js';
import { useLoaded } from '../use-loaded.js';
import { ChangeDrive, NewDrive } from './drive-forms.js';
import { Members } from './members.js';
import { text } from './texts.js';

type Open = { readonly kind: 'new' } | { readonly kind: 'change' | 'members'; readonly id: number };

export function DrivesPage() {
  const { data, error, reload } = useLoaded('GET /api/admin/drives');
  const [open, setOpen] = useState<Open | null>(null);
  const refresh = async () => {
    await Promise.all([reload(), loadDrives()]);
  };
  const close = () => {
    setOpen(null);
    void refresh();
  };
  const all = data?.drives ?? [];
  const chosen = open && open.kind !== 'new' ? all.find(({ id }) => id === open.id) : undefined;
  const make = (
    <Button look="primary" icon={<PlusIcon size={18} />} onClick={() => setOpen({ kind: 'new' })}>
      {text.newDrive}
    </Button>
  );
  return (
    <Page title={common.drives} lead={text.drivesLead} wide actions={all.length > 0 ? make : null}>
      {error ? <LoadFailed error={error} onRetry={reload} /> : null}
      {!data && !error ? <Skeleton lines={5} /> : null}
      {data ? (
        <div class="card">
          {all.length === 0 ? (
            <EmptyState title={text.noDrives} action={make}>
              {text.noDrivesText}
            </EmptyState>
          ) : (
            <Table label={common.drives} columns={columns(setOpen)} rows={all} keyOf={({ id }) => id} />
          )}
        </div>
      ) : null}
      {open?.kind === 'new' ? <NewDrive onClose={close} /> : null}
      {chosen && open?.kind === 'change' ? <ChangeDrive drive={chosen} onClose={close} /> : null}
      {chosen && open?.kind === 'members' ? <Members drive={chosen} onChange={refresh} onClose={close} /> : null}
    </Page>
  );
}

function columns(open: (wish: Open) => void): readonly Column<AdminDriveEntry>[] {
  return [
    {
      title: common.name,
      isLead: true,
      cell: ({ name, id }) => (
        <span class="two-lines">
          <strong>{name}</strong>
          <span class="soft small number">{id}</span>
        </span>
      ),
    },
    {
      title: text.verified,
      cell: ({ damaged, verifiedAt }) => (
        <span class="two-lines">
          <span>{verifiedAt === null ? text.notYet : formatDate(verifiedAt)}</span>
          {damaged > 0 ? <Badge tone="bad">{text.damagedCount(damaged)}</Badge> : null}
        </span>
      ),
    },
    { title: text.use, cell: (drive) => <Use of={drive} /> },
    {
      title: text.members,
      cell: ({ id, members }) => (
        <Button slim onClick={() => open({ kind: 'members', id })}>
          {text.memberCount(members.length)}
        </Button>
      ),
    },
    {
      title: common.actionsFor(common.drives),
      isActions: true,
      cell: ({ id, name }) => (
        <Button slim onClick={() => open({ kind: 'change', id })}>
          {text.edit}
          <span class="visually-hidden">{` ${name}`}</span>
        </Button>
      ),
    },
  ];
}

function Use({ of: { usedBytes, quotaBytes } }: { readonly of: AdminDriveEntry }) {
  const used = formatBytes(usedBytes);
  if (quotaBytes === null) return <span class="number">{text.noLimit(used)}</span>;
  const said = common.ofQuota(used, formatBytes(quotaBytes));
  return (
    <span class="quota">
      <Progress isQuota part={quotaBytes === 0 ? 1 : usedBytes / quotaBytes} label={said} />
      <span class="small soft number">{said}</span>
    </span>
  );
}
