import { useState } from 'preact/hooks';
import type { OrganizationBody, UserEntry } from '../../contract/admin-users.js';
import { api } from '../api.js';
import { formatAgo, formatDate, formatNumber } from '../format.js';
import { currentUser, refreshSession } from '../session.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Badge, EmptyState, LoadFailed, Skeleton } from '../ui/feedback.js';
import { PlusIcon } from '../ui/icons.js';
import { Card, Page } from '../ui/page.js';
import { Question } from '../ui/question.js';
import { type Column, Table } from '../ui/table.js';
import { Tabs } from '../ui/tabs.js';
import { toast } from '../ui/toasts.js';
import { useLoaded } from '../use-loaded.js';
import { text } from './texts.js';
import { UserActions } from './user-actions.js';
import { NewUser } from './user-forms.js';

type Filter = 'all' | 'none';

/** All users, or those without a second factor (PRODUCT S4). */
export function UsersPage() {
  const [filter, setFilter] = useState<Filter>('all');
  const [isMaking, setMaking] = useState(false);
  const query = filter === 'none' ? ({ secondFactor: 'none' } as const) : {};
  const { data, error, reload, set } = useLoaded('GET /api/admin/users', { query });
  const [count, setCount] = useState(0);
  if (data && data.withoutSecondFactor !== count) setCount(data.withoutSecondFactor);
  const more = async () => {
    if (!data?.next) return;
    const page = await api('GET /api/admin/users', { query: { ...query, after: data.next } });
    set({ ...page, users: [...data.users, ...page.users] });
  };
  const make = (
    <Button look="primary" icon={<PlusIcon size={18} />} onClick={() => setMaking(true)}>
      {text.newUser}
    </Button>
  );
  return (
    <Page title={common.users} lead={text.usersLead} wide actions={make}>
      {data ? <Rule isRequired={data.isSecondFactorRequired} without={count} onChange={reload} /> : null}
      <div class="card">
        <Tabs
          label={text.filterLabel}
          tabs={[
            { value: 'all', text: text.everyone },
            { value: 'none', text: text.without(count) },
          ]}
          value={filter}
          onChange={setFilter}
        >
          {error ? <LoadFailed error={error} onRetry={reload} /> : null}
          {!data && !error ? <Skeleton lines={5} /> : null}
          {data?.users.length === 0 ? <EmptyState title={text.noUsers}>{text.noUsersText}</EmptyState> : null}
          {data && data.users.length > 0 ? (
            <Table label={common.users} columns={columns(reload)} rows={data.users} keyOf={({ email }) => email} />
          ) : null}
        </Tabs>
      </div>
      {data?.next ? (
        <div>
          <Button onClick={more}>{common.more}</Button>
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
      title: common.name,
      isLead: true,
      cell: ({ name, email }) => (
        <span class="two-lines">
          <strong>{name || email}</strong>
          <span class="soft small">{email}</span>
        </span>
      ),
    },
    {
      title: text.role,
      cell: ({ isAdmin, isDisabled }) => (
        <span class="row tight">
          {isAdmin ? <Badge tone="accent">{text.administrator}</Badge> : <span class="soft">{text.user}</span>}
          {isDisabled ? <Badge tone="bad">{text.disabled}</Badge> : null}
        </span>
      ),
    },
    {
      title: text.secondFactor,
      cell: ({ hasSecondFactor, alertedAt }) => (
        <span class="row tight">
          <Badge tone={hasSecondFactor ? 'good' : 'warn'}>{hasSecondFactor ? text.on : text.off}</Badge>
          {!hasSecondFactor && alertedAt ? <span class="soft small">{text.alerted(formatAgo(alertedAt))}</span> : null}
        </span>
      ),
    },
    { title: text.drives, isEnd: true, cell: ({ drives }) => formatNumber(drives) },
    { title: text.since, cell: ({ createdAt }) => <span class="number">{formatDate(createdAt)}</span> },
    {
      title: common.actionsFor(common.users),
      isActions: true,
      cell: (user) => <UserActions user={user} onChange={reload} />,
    },
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
    await api('PUT /api/admin/organization', { body });
    toast({ text: isRequired ? text.nowOptional : text.nowRequired });
    // The rule holds for who makes it, too.
    await Promise.all([onChange(), refreshSession()]);
  };
  const ask = async () => {
    const { alerted, mailed } = await api('POST /api/admin/alert');
    toast({ text: text.asked(alerted, mailed) });
    await onChange();
  };
  const close = () => setQuestion(null);
  return (
    <Card
      title={text.requireTitle}
      lead={text.requireText}
      actions={
        <>
          {without > 0 ? <Button onClick={() => setQuestion('ask')}>{text.askAll}</Button> : null}
          <Button onClick={() => setQuestion('rule')}>{isRequired ? text.requireOff : text.require}</Button>
        </>
      }
    >
      {question === 'ask' ? (
        <Question
          title={text.askAllTitle(without)}
          action={text.askAllYes}
          isDangerous={false}
          onYes={ask}
          onClose={close}
        >
          {text.askAllText}
        </Question>
      ) : null}
      {question === 'rule' ? (
        <Question
          title={isRequired ? text.requireOffTitle : text.requireQuestion}
          action={isRequired ? text.requireOff : text.require}
          onYes={change}
          onClose={close}
        >
          {isRequired ? text.requireOffText : text.requireWarning(without, !currentUser().hasSecondFactor)}
        </Question>
      ) : null}
    </Card>
  );
}
