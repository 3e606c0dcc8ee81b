import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { api } from './api.js';
import { type AnswerTo, addressOf, type Call, type Wishes } from './calls.js';

export interface Loaded<T> {
  /** Null until the first answer; stays while it is asked for again. */
  readonly data: T | null;
  readonly error: unknown;
  readonly reload: () => Promise<void>;
  /** What a change is known to have left, ahead of the server's word. */
  readonly set: (data: T) => void;
}

interface State<T> {
  readonly address: string;
  readonly data: T | null;
  readonly error: unknown;
}

/** What a GET of the JSON API answers, asked for again when its address changes. */
export function useLoaded<Name extends Call & `GET ${string}`>(
  name: Name,
  ...wishes: Wishes<Name>
): Loaded<AnswerTo<Name>> {
  const address = addressOf(name, ...wishes);
  const [state, setState] = useState<State<AnswerTo<Name>>>(nothingOf(address));
  const controller = useRef<AbortController | null>(null);
  const reload = useCallback(async () => {
    controller.current?.abort();
    controller.current = new AbortController();
    const { signal } = controller.current;
    try {
      const data = await api(name, ...([{ ...wishes[0], signal }] as Wishes<Name>));
      if (!signal.aborted) setState({ address, data, error: null });
    } catch (error) {
      if (signal.aborted) return;
      setState((before) => ({ address, data: before.address === address ? before.data : null, error }));
    }
  }, [address]);
  useEffect(() => {
    void reload();
    return () => controller.current?.abort();
  }, [reload]);
  const set = useCallback((data: AnswerTo<Name>) => setState({ address, data, error: null }), [address]);
  // An answer for another address is none for this one.
  const { data, error } = state.address === address ? state : nothingOf<AnswerTo<Name>>(address);
  return { data, error, reload, set };
}

function nothingOf<T>(address: string): State<T> {
  return { address, data: null, error: null };
}
