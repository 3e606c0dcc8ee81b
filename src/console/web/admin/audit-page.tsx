import { useState } from 'preact/hooks';
import { api } from '../api.js';
import { AuditList } from '../audit/audit-list.js';
import { kindText, text } from '../audit/kinds.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { EmptyState, LoadFailed, Skeleton } from '../ui/feedback.js';
import { Field, Select } from '../ui/field.js';
import { Page } from '../ui/page.js';
import { useLoaded } from '../use-loaded.js';

/** The audit log of everybody, by user and kind. */
export function AuditPage() {
  const [kind, setKind] = useState('');
  const [typed, setTyped] = useState('');
  const [user, setUser] = useState('');
  const query = { ...(kind ? { kind } : {}), ...(user ? { user } : {}) };
  const { data, error, reload } = useLoaded('GET /api/admin/audit', { query });
  const readMore = (before: string) => api('GET /api/admin/audit', { query: { ...query, before } });
  const [kinds, setKinds] = useState<readonly string[]>([]);
  if (data && data.kinds.length > kinds.length) setKinds(data.kinds);
  const submit = (event: Event) => {
    event.preventDefault();
    setUser(typed.trim());
  };
  return (
    <Page title={common.auditLog} lead={text.lead} wide>
      <form class="filters" onSubmit={submit}>
        <Select
          label={text.kind}
          value={kind}
          onChange={setKind}
          options={[{ value: '', text: text.all }, ...kinds.map((value) => ({ value, text: kindText(value) }))]}
        />
        <Field label={text.user} placeholder={text.userHint} type="email" value={typed} onInput={setTyped} />
        <Button type="submit">{text.filter}</Button>
      </form>
      <div class="card padded">
        {error ? <LoadFailed error={error} onRetry={reload} /> : null}
        {!data && !error ? <Skeleton lines={6} /> : null}
        {data?.records.length === 0 ? <EmptyState title={text.none}>{text.noneText}</EmptyState> : null}
        {data && data.records.length > 0 ? <AuditList onMore={readMore} first={data} /> : null}
      </div>
    </Page>
  );
}
