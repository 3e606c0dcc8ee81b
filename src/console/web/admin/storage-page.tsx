import type { StorageAnswer } from '../../contract.js';
import { formatBytes, formatDate, formatNumber } from '../format.js';
import { t } from '../strings.js';
import { EmptyState, LoadFailed, Notice, Skeleton } from '../ui/feedback.js';
import { Page } from '../ui/page.js';
import { useLoaded } from '../use-loaded.js';
import { StoragePlot } from './storage-plot.js';
import { d } from './texts.js';

export function StoragePage() {
  const { data, error, reload } = useLoaded<StorageAnswer>('/api/admin/storage');
  const points = data?.points ?? [];
  const last = points.at(-1);
  return (
    <Page title={t.storage} lead={d.storageLead}>
      {error ? <LoadFailed error={error} onRetry={reload} /> : null}
      {!data && !error ? <Skeleton lines={6} /> : null}
      {data ? (
        <div class="card padded">
          <dl class="figures">
            <Figure term={d.used} text={formatBytes(last?.usedBytes ?? 0)} />
            <Figure term={d.files} text={formatNumber(last?.files ?? 0)} />
            {data.freeBytes === null ? null : <Figure term={d.free} text={formatBytes(data.freeBytes)} />}
            {data.damaged === null ? null : <Figure term={d.damaged} text={formatNumber(data.damaged)} />}
          </dl>
          {data.damaged ? <Notice tone="bad">{d.damagedText}</Notice> : null}
          {points.length < 2 ? (
            <EmptyState title={d.tooFew}>{d.tooFewText}</EmptyState>
          ) : (
            <StoragePlot points={points} />
          )}
        </div>
      ) : null}
      {points.length > 1 ? <AsTable points={points} /> : null}
    </Page>
  );
}

function Figure({ term, text }: { readonly term: string; readonly text: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{text}</dd>
    </div>
  );
}

/** The same for who can't see the plot. */
function AsTable({ points }: Pick<StorageAnswer, 'points'>) {
  return (
    <details>
      <summary>{d.asTable}</summary>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{d.day}</th>
            <th scope="col" class="end">
              {d.used}
            </th>
            <th scope="col" class="end">
              {d.files}
            </th>
          </tr>
        </thead>
        <tbody>
          {[...points].reverse().map(({ day, usedBytes, files }) => (
            <tr key={day}>
              <td>{formatDate(day)}</td>
              <td class="end number">{formatBytes(usedBytes)}</td>
              <td class="end number">{formatNumber(files)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
