import { common } from '../strings.js';
import { LoadFailed, Skeleton } from '../ui/feedback.js';
import { Page } from '../ui/page.js';
import { useLoaded } from '../use-loaded.js';
import { Activity } from './activity.js';
import { FactorCard } from './factor-card.js';
import { PasskeysCard } from './passkeys-card.js';
import { PasswordCard } from './password-card.js';
import { SessionsCard } from './sessions-card.js';
import { StaleDevices } from './stale-devices.js';
import { text } from './texts.js';

export function SecurityPage() {
  const { data, error, reload } = useLoaded('GET /api/security');
  return (
    <Page title={common.security} lead={text.lead}>
      {error ? <LoadFailed error={error} onRetry={reload} /> : null}
      {data ? (
        <>
          {data.staleDevices.length > 0 ? <StaleDevices devices={data.staleDevices} /> : null}
          <FactorCard security={data} onChange={reload} />
          <PasskeysCard passkeys={data.passkeys} onChange={reload} />
          <PasswordCard onChange={reload} />
          <SessionsCard sessions={data.sessions} onChange={reload} />
          <Activity />
        </>
      ) : error ? null : (
        <Skeleton lines={8} />
      )}
    </Page>
  );
}
