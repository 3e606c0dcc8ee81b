import { useEffect, useState } from 'preact/hooks';
import type { AuditAnswer, AuditEntry } from '../../contract/audit.js';
import { clientName } from '../client-names.js';
import { formatTime } from '../format.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Badge } from '../ui/feedback.js';
import { factText, kindText, kindTone } from './kinds.js';

interface AuditListProps {
  /** Reads the page whose `before` this is. */
  readonly onMore: (before: string) => Promise<AuditAnswer>;
  readonly first: AuditAnswer;
  /** All are about one and the same user. */
  readonly isOwn?: boolean;
}

/** Records, the newest first, with more on demand. */
export function AuditList({ onMore, first, isOwn = false }: AuditListProps) {
  const [pages, setPages] = useState<readonly AuditAnswer[]>([first]);
  useEffect(() => setPages([first]), [first]);
  const next = pages.at(-1)?.next ?? null;
  const more = async () => {
    const page = await onMore(String(next));
    setPages([...pages, page]);
  };
  return (
    <>
      <ul class="lines audit">
        {pages.flatMap(({ records }) =>
          records.map((record) => <Line key={record.id} record={record} isOwn={isOwn} />),
        )}
      </ul>
      {next === null ? null : (
        <div class="row">
          <Button onClick={more}>{common.more}</Button>
        </div>
      )}
    </>
  );
}

function Line({ record, isOwn }: { readonly record: AuditEntry; readonly isOwn: boolean }) {
  const { kind, at, user, actor, address, client, details } = record;
  const who = isOwn ? null : user !== null && user !== actor ? `${actor} → ${user}` : (user ?? actor);
  // An app password for no one drive is for all of them.
  const told = Object.entries(details).filter(([name, value]) => name !== 'drive' || value !== null);
  const facts = told.map(([name, value]) => factText(name, value));
  return (
    <li>
      <div>
        <Badge tone={kindTone(kind)}>{kindText(kind)}</Badge> {who ? <strong>{who}</strong> : null}
        <p class="soft small">{[...facts, clientName(client), address].filter(Boolean).join(' · ')}</p>
      </div>
      <time class="soft small number" dateTime={at}>
        {formatTime(at)}
      </time>
    </li>
  );
}
