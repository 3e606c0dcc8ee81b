import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get } from './api.js';

export interface Loaded<T> {
  /** Null until the first answer; stays while it is asked for again. */
  readonly data: T | null;
  readonly error: unknown;
  readonly reload: () => Promise<void>;
  /** What a change is known to have left, ahead of the server's word. */
  readonly set: (data: T) => void;
}

/** What a GET of the JSON API answers, asked for anew when the path changes. `path` null: nothing yet. */
export function useLoaded<T>(path: string | null): Loaded<T> {
  const [state, setState] = useState<{ path: string | null; data: T | null; error: unknown }>(nothingOf(path));
  const controller = useRef<AbortController | null>(null);
  const reload = useCallback(async () => {
    if (path === null) return;
    controller.current?.abort();
    controller.current = new AbortController();
    const { signal } = controller.current;
    try {
      const data = await get<T>(path, signal);
      if (!signal.aborted) setState({ path, data, error: null });
    } catch (error) {
      if (!signal.aborted) setState((before) => ({ path, data: before.path === path ? before.data : null, error }));
    }
  }, [path]);
  useEffect(() => {
    void reload();
    return () => controller.current?.abort();
  }, [reload]);
  const set = useCallback((data: T) => setState({ path, data, error: null }), [path]);
  // An answer for another path is none for this one.
  const { data, error } = state.path === path ? state : nothingOf<T>(path);
  return { data, error, reload, set };
}

function nothingOf<T>(path: string | null): { path: string | null; data: T | null; error: unknown } {
  return { path, data: null, error: null };
}
