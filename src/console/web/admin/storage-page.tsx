import type { StorageAnswer } from '../../contract/admin-reports.js';
import { formatAgo, formatBytes, formatDate, formatNumber, formatTime } from '../format.js';
import { common } from '../strings.js';
import { Badge, EmptyState, LoadFailed, Notice, Skeleton } from '../ui/feedback.js';
import { Page } from '../ui/page.js';
import { useLoaded } from '../use-loaded.js';
import { StoragePlot } from './storage-plot.js';
import { text } from './texts.js';

export function StoragePage() {
  const { data, error, reload } = useLoaded('GET /api/admin/storage');
  const points = data?.points ?? [];
  const last = points.at(-1);
  return (
    <Page title={common.storage} lead={text.storageLead}>
      {error ? <LoadFailed error={error} onRetry={reload} /> : null}
      {!data && !error ? <Skeleton lines={6} /> : null}
      {data ? (
        <div class="card padded">
          <dl class="figures">
            <Figure term={text.used} text={formatBytes(last?.usedBytes ?? 0)} />
            <Figure term={text.files} text={formatNumber(last?.files ?? 0)} />
            {data.freeBytes === null ? null : <Figure term={text.free} text={formatBytes(data.freeBytes)} />}
            <Figure term={text.verified} text={data.verifiedAt === null ? text.notYet : formatDate(data.verifiedAt)} />
            <Figure term={text.damaged} text={formatNumber(data.damaged)} />
          </dl>
          <Damages {...data} />
          {points.length < 2 ? (
            <EmptyState title={text.tooFew}>{text.tooFewText}</EmptyState>
          ) : (
            <StoragePlot points={points} />
          )}
        </div>
      ) : null}
      {data?.backups ? <Backups {...data.backups} /> : null}
      {data?.cluster ? <Servers {...data.cluster} /> : null}
      {points.length > 1 ? <AsTable points={points} /> : null}
    </Page>
  );
}

type Runs = NonNullable<StorageAnswer['backups']>['backup'];

/** Backups that the server makes, and when the last one was restored to try it. */
function Backups({ to, backup, rehearsal }: NonNullable<StorageAnswer['backups']>) {
  return (
    <section class="card padded">
      <h2>{text.backups}</h2>
      <dl class="figures">
        <Figure term={text.backupsTo} text={to} />
        <Figure term={text.lastBackup} text={whenText(backup)} />
        <Figure term={text.lastRehearsal} text={whenText(rehearsal)} />
      </dl>
      <RunProblems title={text.backupLacks} {...backup} />
      <RunProblems title={text.rehearsalFound} {...rehearsal} />
    </section>
  );
}

function whenText({ lastWholeAt }: Runs): string {
  return lastWholeAt === null ? text.notYet : formatTime(lastWholeAt);
}

function RunProblems({ title, last, error }: Runs & { readonly title: string }) {
  const problems = [...(error === null ? [] : [error]), ...(last?.problems ?? [])];
  if (problems.length === 0) return null;
  return (
    <Notice tone="bad">
      {title}
      <ul>
        {problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
    </Notice>
  );
}

/** What is damaged, with its files. */
function Damages({ damaged, damages }: StorageAnswer) {
  if (damaged === 0) return null;
  return (
    <Notice tone="bad">
      {text.damagedText}
      <ul>
        {damages.map(({ content, message, foundAt }) => (
          <li key={content}>
            {formatDate(foundAt)}: {message}
          </li>
        ))}
      </ul>
    </Notice>
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

/** Those that answer, where there are several. */
function Servers({ nodes, warnings }: NonNullable<StorageAnswer['cluster']>) {
  return (
    <section class="card padded">
      <h2>{text.servers}</h2>
      {warnings.map((warning) => (
        <Notice key={warning} tone="warn">
          {warning}
        </Notice>
      ))}
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{text.serverName}</th>
            <th scope="col">{text.version}</th>
            <th scope="col">{text.startedAt}</th>
            <th scope="col">{text.seenAt}</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map(({ name, version, startedAt, seenAt, isThis }) => (
            <tr key={`${name} ${startedAt}`}>
              <td>
                {name} {isThis ? <Badge tone="accent">{text.thisServer}</Badge> : null}
              </td>
              <td>{version}</td>
              <td>{formatTime(startedAt)}</td>
              <td>{formatAgo(seenAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The same for who can't see the plot. */
function AsTable({ points }: Pick<StorageAnswer, 'points'>) {
  return (
    <details>
      <summary>{text.asTable}</summary>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{text.day}</th>
            <th scope="col" class="end">
              {text.used}
            </th>
            <th scope="col" class="end">
              {text.files}
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
