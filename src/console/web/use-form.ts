import { useState } from 'preact/hooks';
import { ApiError } from './api.js';

export interface Form {
  readonly isBusy: boolean;
  readonly error: unknown;
  readonly submit: (event?: Event) => Promise<void>;
  /** The sentence for a field, where it is that field which is wrong. */
  readonly wrong: (field: string) => string | null;
  /** The error where it is about no field of `fields`. */
  readonly rest: (...fields: readonly string[]) => unknown;
}

/** One sending at a time; what it throws is kept for the form to show. */
export function useForm(send: () => Promise<void>): Form {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (event?: Event) => {
    event?.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setError(null);
    await send().catch((reason: unknown) => setError(reason));
    setBusy(false);
  };
  const field = error instanceof ApiError ? error.field : null;
  const wrong = (name: string) => (field === name ? (error as ApiError).message : null);
  const rest = (...names: readonly string[]) => (field !== null && names.includes(field) ? null : error);
  return { isBusy, error, submit, wrong, rest };
}
