import type { StaleDevice } from '../../contract/security.js';
import { clientName } from '../client-names.js';
import { formatAgo } from '../format.js';
import { href } from '../router.js';
import { common } from '../strings.js';
import { LinkButton } from '../ui/button.js';
import { Card } from '../ui/page.js';
import { text } from './texts.js';

/** Programs that can't get in any more, so that their owner mends them (PRODUCT S5). */
export function StaleDevices({ devices }: { readonly devices: readonly StaleDevice[] }) {
  const action = <LinkButton href={href('/app-passwords')}>{common.appPasswords}</LinkButton>;
  return (
    <Card title={text.staleTitle} lead={text.staleLead} actions={action}>
      <ul class="lines">
        {devices.map(({ appPassword, client, at }) => (
          <li key={`${appPassword}-${client}`}>
            <div>
              <strong>{clientName(client) || text.unknownClient}</strong>
              <p class="soft small">
                {text.staleLine(appPassword === null ? text.staleAccount : `“${appPassword}”`, formatAgo(at))}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}
