import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../api.js';
import { addBelonging } from '../session.js';
import { Store, useStore } from '../store.js';
import { t } from '../strings.js';
import { Button } from './button.js';
import { AlertIcon, CheckIcon, CloseIcon } from './icons.js';

export interface Toast {
  readonly text: string;
  readonly isBad?: boolean;
  /** Takes back what was done: in the place of a question beforehand. */
  readonly onUndo?: () => unknown;
}

const SHOWN_MAX = 3;
/** WCAG 2.2.1: what can be undone stays long enough to be found; it waits while it is pointed at or focused. */
const STAYS_MS = 6_000;
const UNDO_STAYS_MS = 12_000;

let lastId = 0;
const toasts = new Store<readonly (Toast & { readonly id: number })[]>([]);

export function toast(wish: Toast): void {
  lastId += 1;
  toasts.set([...toasts.value, { ...wish, id: lastId }].slice(-SHOWN_MAX));
}

/** Says what went wrong. */
export function toastError(error: unknown): void {
  toast({ text: messageOf(error), isBad: true });
}

addBelonging({ isUnderWay: () => false, giveUp: async () => toasts.set([]), drop: () => toasts.set([]) });

const drop = (id: number) => toasts.set(toasts.value.filter((one) => one.id !== id));

export function Toasts() {
  const shown = useStore(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <Line key={one.id} toast={one} onDone={() => drop(one.id)} />
      ))}
    </div>
  );
}

function Line({ toast: { text, isBad, onUndo }, onDone }: { readonly toast: Toast; readonly onDone: () => void }) {
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (isHeld) return;
    const timer = setTimeout(onDone, onUndo || isBad ? UNDO_STAYS_MS : STAYS_MS);
    return () => clearTimeout(timer);
  }, [isHeld]);
  const undo = async () => {
    await onUndo?.();
    onDone();
  };
  return (
    <div
      class={isBad ? 'toast bad' : 'toast'}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocusCapture={() => setHeld(true)}
      onBlurCapture={() => setHeld(false)}
    >
      {isBad ? <AlertIcon /> : <CheckIcon />}
      <p>{text}</p>
      {onUndo ? (
        <Button look="quiet" slim onClick={undo}>
          {t.undo}
        </Button>
      ) : null}
      <Button look="quiet" slim label={t.close} icon={<CloseIcon size={16} />} onClick={onDone} />
    </div>
  );
}
