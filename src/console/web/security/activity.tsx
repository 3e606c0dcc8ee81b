import { api } from '../api.js';
import { AuditList } from '../audit/audit-list.js';
import { LoadFailed, Skeleton } from '../ui/feedback.js';
import { Card } from '../ui/page.js';
import { useLoaded } from '../use-loaded.js';
import { text } from './texts.js';

/** One's own part of the audit log. */
export function Activity() {
  const { data, error, reload } = useLoaded('GET /api/security/audit');
  const readMore = (before: string) => api('GET /api/security/audit', { query: { before } });
  return (
    <Card title={text.activityTitle} lead={text.activityLead}>
      {error ? <LoadFailed error={error} onRetry={reload} /> : null}
      {!data && !error ? <Skeleton /> : null}
      {data?.records.length === 0 ? <p class="soft">{text.noActivity}</p> : null}
      {data && data.records.length > 0 ? <AuditList onMore={readMore} first={data} isOwn /> : null}
    </Card>
  );
}
