import { useState } from 'preact/hooks';
import type { SessionEntry } from '../../contract/security.js';
import { api } from '../api.js';
import { clientName } from '../client-names.js';
import { formatAgo } from '../format.js';
import { Button } from '../ui/button.js';
import { Badge } from '../ui/feedback.js';
import { DevicesIcon } from '../ui/icons.js';
import { Card } from '../ui/page.js';
import { Question } from '../ui/question.js';
import { toast } from '../ui/toasts.js';
import { text } from './texts.js';

interface SessionsCardProps {
  readonly sessions: readonly SessionEntry[];
  readonly onChange: () => Promise<void>;
}

export function SessionsCard({ sessions, onChange }: SessionsCardProps) {
  const end = async (work: () => Promise<void>) => {
    await work();
    toast({ text: text.sessionEnded });
    await onChange();
  };
  const [isAsking, setAsking] = useState(false);
  const others = sessions.length - 1;
  const endOthers = others > 0 ? <Button onClick={() => setAsking(true)}>{text.endOthers}</Button> : null;
  return (
    <Card title={text.sessionsTitle} lead={text.sessionsLead} actions={endOthers}>
      <ul class="lines">
        {sessions.map(({ id, isThis, client, address, seenAt }) => {
          const name = clientName(client) || text.unknownClient;
          return (
            <li key={id}>
              <DevicesIcon />
              <div>
                <strong>{name}</strong> {isThis ? <Badge tone="good">{text.thisBrowser}</Badge> : null}
                <p class="soft small">{text.seen(formatAgo(seenAt), address)}</p>
              </div>
              {isThis ? null : (
                <Button
                  slim
                  onClick={() => end(() => api('DELETE /api/security/sessions/:id', { parameters: { id } }))}
                >
                  {text.endSession}
                  <span class="visually-hidden">{`: ${name}`}</span>
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      {isAsking ? (
        <Question
          title={text.endOthersTitle(others)}
          action={text.endOthers}
          onYes={() => end(() => api('DELETE /api/security/sessions'))}
          onClose={() => setAsking(false)}
        >
          {text.endOthersText}
        </Question>
      ) : null}
    </Card>
  );
}
