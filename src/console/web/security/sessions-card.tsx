import { useState } from 'preact/hooks';
import type { SessionEntry } from '../../contract.js';
import { remove } from '../api.js';
import { clientName } from '../client-names.js';
import { formatAgo } from '../format.js';
import { Button } from '../ui/button.js';
import { Badge } from '../ui/feedback.js';
import { DevicesIcon } from '../ui/icons.js';
import { Card } from '../ui/page.js';
import { Question } from '../ui/question.js';
import { toast } from '../ui/toast.js';
import { s } from './texts.js';

interface SessionsCardProps {
  readonly sessions: readonly SessionEntry[];
  readonly onChange: () => Promise<void>;
}

export function SessionsCard({ sessions, onChange }: SessionsCardProps) {
  const end = async (path: string) => {
    await remove(path);
    toast({ text: s.sessionEnded });
    await onChange();
  };
  const [isAsking, setAsking] = useState(false);
  const others = sessions.length - 1;
  const endOthers = others > 0 ? <Button onClick={() => setAsking(true)}>{s.endOthers}</Button> : null;
  return (
    <Card title={s.sessionsTitle} lead={s.sessionsLead} actions={endOthers}>
      <ul class="lines">
        {sessions.map(({ id, isThis, client, address, seenAt }) => {
          const name = clientName(client) || s.unknownClient;
          return (
            <li key={id}>
              <DevicesIcon />
              <div>
                <strong>{name}</strong> {isThis ? <Badge tone="good">{s.thisBrowser}</Badge> : null}
                <p class="soft small">{s.seen(formatAgo(seenAt), address)}</p>
              </div>
              {isThis ? null : (
                <Button slim onClick={() => end(`/api/security/sessions/${id}`)}>
                  {s.endSession}
                  <span class="visually-hidden">{`: ${name}`}</span>
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      {isAsking ? (
        <Question
          title={s.endOthersTitle(others)}
          action={s.endOthers}
          onYes={() => end('/api/security/sessions')}
          onClose={() => setAsking(false)}
        >
          {s.endOthersText}
        </Question>
      ) : null}
    </Card>
  );
}
