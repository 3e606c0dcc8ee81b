import { useEffect, useState } from 'preact/hooks';
import { useStore } from '../store.js';
import { common } from '../strings.js';
import { Button } from './button.js';
import { AlertIcon, CheckIcon, CloseIcon } from './icons.js';
import { dropToast, type Toast, toasts } from './toasts.js';

/** WCAG 2.2.1: what can be undone stays long enough to be found; it waits while it is pointed at or focused. */
const STAYS_MS = 6_000;
const UNDO_STAYS_MS = 12_000;

export function Toasts() {
  const shown = useStore(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <Line key={one.id} toast={one} onDone={() => dropToast(one.id)} />
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
          {common.undo}
        </Button>
      ) : null}
      <Button look="quiet" slim label={common.close} icon={<CloseIcon size={16} />} onClick={onDone} />
    </div>
  );
}
