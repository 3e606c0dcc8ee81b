import { useState } from 'preact/hooks';
import type { OrganizationBody, UserEntry, UsersAnswer } from '../../contract.js';
import { get, post, put } from '../api.js';
import { formatAgo, formatDate, formatNumber } from '../format.js';
import { currentUser, refreshSession } from '../session.js';
import { t } from '../strings.js';
import { Button } from '../ui/button.js';
import { Badge, EmptyState, LoadFailed, Skeleton } from '../ui/feedback.js';
import { PlusIcon } from '../ui/icons.js';
import { Card, Page } from '../ui/page.js';
import { Question } from '../ui/question.js';
import { type Column, Table } from '../ui/table.js';
import { Tabs } from '../ui/tabs.js';
import { toast } from '../ui/toast.js';
import { useLoaded } from '../use-loaded.js';
import { d } from './texts.js';
import { UserActions } from './user-actions.js';
import { NewUser } from './user-forms.js';

type Filter = 'all' | 'none';

/** All users, or those without a second factor (PRODUCT S4). */
export function UsersPage() {
  const [filter, setFilter] = useState<Filter>('all');
  const [isMaking, setMaking] = useState(false);
  const path = filter === 'none' ? '/api/admin/users?secondFactor=none' : '/api/admin/users';
  const { data, error, reload, set } = useLoaded<UsersAnswer>(path);
  const [count, setCount] = useState(0);
  if (data && data.withoutSecondFactor !== count) setCount(data.withoutSecondFactor);
  const more = async () => {
    if (!data?.next) return;
    const page = await get<UsersAnswer>(
      `${path}${filter === 'none' ? '&' : '?'}after=${encodeURIComponent(data.next)}`,
    );
    set({ ...page, users: [...data.users, ...page.users] });
  };
  const make = (
    <Button look="primary" icon={<PlusIcon size={18} />} onClick={() => setMaking(true)}>
      {d.newUser}
    </Button>
  );
  return (
    <Page title={t.users} lead={d.usersLead} wide actions={make}>
      {data ? <Rule isRequired={data.isSecondFactorRequired} without={count} onChange={reload} /> : null}
      <div class="card">
        <Tabs
          label={d.filterLabel}
          tabs={[
            { value: 'all', text: d.everyone },
            { value: 'none', text: d.without(count) },
          ]}
          value={filter}
          onChange={setFilter}
        >
          {error ? <LoadFailed error={error} onRetry={reload} /> : null}
          {!data && !error ? <Skeleton lines={5} /> : null}
          {data?.users.length === 0 ? <EmptyState title={d.noUsers}>{d.noUsersText}</EmptyState> : null}
          {data && data.users.length > 0 ? (
            <Table label={t.users} columns={columns(reload)} rows={data.users} keyOf={({ email }) => email} />
          ) : null}
        </Tabs>
      </div>
      {data?.next ? (
        <div>
          <Button onClick={more}>{t.more}</Button>
        </div>
      ) : null}
      {isMaking ? (
        <NewUser
          onClose={() => {
            setMaking(false);
            void reload();
          }}
        />
      ) : null}
    </Page>
  );
}

function columns(reload: () => Promise<void>): readonly Column<UserEntry>[] {
  return [
    {
      title: t.name,
      isLead: true,
      cell: ({ name, email }) => (
        <span class="two-lines">
          <strong>{name || email}</strong>
          <span class="soft small">{email}</span>
        </span>
      ),
    },
    {
      title: d.role,
      cell: ({ isAdmin, isDisabled }) => (
        <span class="row tight">
          {isAdmin ? <Badge tone="accent">{d.administrator}</Badge> : <span class="soft">{d.user}</span>}
          {isDisabled ? <Badge tone="bad">{d.disabled}</Badge> : null}
        </span>
      ),
    },
    {
      title: d.secondFactor,
      cell: ({ hasSecondFactor, alertedAt }) => (
        <span class="row tight">
          <Badge tone={hasSecondFactor ? 'good' : 'warn'}>{hasSecondFactor ? d.on : d.off}</Badge>
          {!hasSecondFactor && alertedAt ? <span class="soft small">{d.alerted(formatAgo(alertedAt))}</span> : null}
        </span>
      ),
    },
    { title: d.drives, isEnd: true, cell: ({ drives }) => formatNumber(drives) },
    { title: d.since, cell: ({ createdAt }) => <span class="number">{formatDate(createdAt)}</span> },
    { title: t.actionsFor(t.users), isActions: true, cell: (user) => <UserActions user={user} onChange={reload} /> },
  ];
}

interface RuleProps {
  readonly isRequired: boolean;
  readonly without: number;
  readonly onChange: () => Promise<void>;
}

function Rule({ isRequired, without, onChange }: RuleProps) {
  const [question, setQuestion] = useState<'rule' | 'ask' | null>(null);
  const change = async () => {
    const body: OrganizationBody = { isSecondFactorRequired: !isRequired };
    await put('/api/admin/organization', body);
    toast({ text: isRequired ? d.nowOptional : d.nowRequired });
    // The rule holds for who makes it, too.
    await Promise.all([onChange(), refreshSession()]);
  };
  const ask = async () => {
    const { alerted, mailed } = await post<{ alerted: number; mailed: number }>('/api/admin/alert');
    toast({ text: d.asked(alerted, mailed) });
    await onChange();
  };
  const close = () => setQuestion(null);
  return (
    <Card
      title={d.requireTitle}
      lead={d.requireText}
      actions={
        <>
          {without > 0 ? <Button onClick={() => setQuestion('ask')}>{d.askAll}</Button> : null}
          <Button onClick={() => setQuestion('rule')}>{isRequired ? d.requireOff : d.require}</Button>
        </>
      }
    >
      {question === 'ask' ? (
        <Question title={d.askAllTitle(without)} action={d.askAllYes} isDangerous={false} onYes={ask} onClose={close}>
          {d.askAllText}
        </Question>
      ) : null}
      {question === 'rule' ? (
        <Question
          title={isRequired ? d.requireOffTitle : d.requireQuestion}
          action={isRequired ? d.requireOff : d.require}
          onYes={change}
          onClose={close}
        >
          {isRequired ? d.requireOffText : d.requireWarning(without, !currentUser().hasSecondFactor)}
        </Question>
      ) : null}
    </Card>
  );
}
