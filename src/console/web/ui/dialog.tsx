import type { ComponentChildren } from 'preact';
import { createPortal } from 'preact/compat';
import { useEffect, useId, useRef } from 'preact/hooks';
import { common } from '../strings.js';
import { Button } from './button.js';
import { CloseIcon } from './icons.js';

interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly onClose: () => void;
  readonly large?: boolean;
  /** Nothing but its own buttons closes it: what it shows is shown once. */
  readonly isKept?: boolean;
}

const FOCUSABLE = 'a[href],button:not([disabled]),input:not([disabled]),select:not([disabled]),textarea,[tabindex="0"]';

/** Over the page; keeps the focus inside, closes with Escape, and gives the focus back to where it was. */
export function Dialog({ title, children, onClose, large = false, isKept = false }: DialogProps) {
  const id = useId();
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const { overflow } = document.body.style;
    document.body.style.overflow = 'hidden';
    // An arrow key changes a choice: one that has the focus unasked is changed unawares.
    const first = frame.current?.querySelector<HTMLElement>('[autofocus], input, select, textarea');
    (first instanceof HTMLSelectElement ? frame.current : (first ?? frame.current))?.focus();
    return () => {
      document.body.style.overflow = overflow;
      before?.focus?.();
    };
  }, []);
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && !isKept && !event.defaultPrevented) {
      event.stopPropagation();
      onClose();
    }
    if (event.key === 'Tab') keepInside(event, frame.current!);
  };
  return createPortal(
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape and the button do the same
    <div class="veil" onMouseDown={(event) => event.target === event.currentTarget && !isKept && onClose()}>
      <div
        ref={frame}
        class={large ? 'dialog large' : 'dialog'}
        role="dialog"
        aria-modal="true"
        aria-labelledby={id}
        tabIndex={-1}
        onKeyDown={press}
      >
        <div class="dialog-head">
          <h2 id={id}>{title}</h2>
          {isKept ? null : <Button look="quiet" label={common.close} icon={<CloseIcon />} onClick={onClose} />}
        </div>
        {children}
      </div>
    </div>,
    document.body,
  );
}

function keepInside(event: KeyboardEvent, frame: HTMLElement): void {
  const stops = [...frame.querySelectorAll<HTMLElement>(FOCUSABLE)].filter((one) => one.offsetParent !== null);
  const [first, last] = [stops[0], stops.at(-1)];
  if (!first || !last) return;
  const { activeElement } = document;
  const isAtStart = activeElement === first || activeElement === frame;
  if (event.shiftKey ? !isAtStart : activeElement !== last) return;
  event.preventDefault();
  (event.shiftKey ? last : first).focus();
}
