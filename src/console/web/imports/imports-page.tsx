import { useEffect, useState } from 'preact/hooks';
import type { ImportEntry } from '../../contract/imports.js';
import { api } from '../api.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { EmptyState, LoadFailed, Skeleton } from '../ui/feedback.js';
import { PlusIcon } from '../ui/icons.js';
import { Page } from '../ui/page.js';
import { toast } from '../ui/toasts.js';
import { useLoaded } from '../use-loaded.js';
import { ImportCard } from './import-card.js';
import { NewImport } from './new-import.js';
import { text } from './texts.js';

/** While something is under way. */
const LOOK_MS = 1000;

/** What is fetched from other servers, how far it is, and how it ended (PRODUCT I1, I2). */
export function ImportsPage() {
  const { data, error, reload, set } = useLoaded('GET /api/imports');
  /** Another import to begin with, or nothing: a new one. */
  const [wizard, setWizard] = useState<{ readonly like: ImportEntry | null } | null>(null);
  const isUnderWay = data?.imports.some(({ endedAt }) => endedAt === null) ?? false;
  useEffect(() => {
    if (!isUnderWay) return;
    const timer = setInterval(() => void reload(), LOOK_MS);
    return () => clearInterval(timer);
  }, [isUnderWay, reload]);
  const more = async () => {
    const page = await api('GET /api/imports', { query: { before: String(data!.next) } });
    set({ ...page, imports: [...data!.imports, ...page.imports] });
  };
  const begin = (
    <Button look="primary" icon={<PlusIcon size={18} />} onClick={() => setWizard({ like: null })}>
      {text.start}
    </Button>
  );
  return (
    <Page title={common.imports} lead={text.lead} actions={data && data.imports.length > 0 ? begin : null}>
      {error && !data ? <LoadFailed error={error} onRetry={reload} /> : null}
      {!data && !error ? <Skeleton lines={6} /> : null}
      {data?.imports.length === 0 ? (
        <div class="card">
          <EmptyState title={text.none} action={begin}>
            {text.noneText}
          </EmptyState>
        </div>
      ) : null}
      {data?.imports.map((one) => (
        <ImportCard key={one.id} entry={one} onChange={reload} onAgain={() => setWizard({ like: one })} />
      ))}
      {data?.next ? (
        <div>
          <Button onClick={more}>{common.more}</Button>
        </div>
      ) : null}
      {wizard ? (
        <NewImport
          like={wizard.like}
          onClose={() => setWizard(null)}
          onStart={() => {
            setWizard(null);
            toast({ text: text.startedToast });
            void reload();
          }}
        />
      ) : null}
    </Page>
  );
}
