import type { ComponentChildren, ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { LoadFailed, Skeleton } from './ui/feedback.js';

/** A page whose code comes when it is first looked at. `coming` is shown meanwhile. */
export function lazy<P extends object>(
  load: () => Promise<ComponentType<P>>,
  coming: ComponentChildren = <Skeleton lines={6} />,
): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return function Lazy(props: P) {
    const [error, setError] = useState<unknown>(null);
    const [, setReady] = useState(loaded !== null);
    const begin = () =>
      load().then(
        (page) => {
          loaded = page;
          setError(null);
          setReady(true);
        },
        (reason: unknown) => setError(reason ?? new Error('not loaded')),
      );
    useEffect(() => void (loaded ?? begin()), []);
    if (loaded) {
      const Page = loaded;
      return <Page {...props} />;
    }
    return error ? <LoadFailed error={error} onRetry={begin} /> : coming;
  };
}
