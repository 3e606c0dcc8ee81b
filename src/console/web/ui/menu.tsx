import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface Choice {
  readonly text: string;
  readonly icon?: ComponentChildren;
  readonly isBad?: boolean;
  readonly disabled?: boolean;
  /** A line above it. */
  readonly isApart?: boolean;
  /** One of several that are chosen among. */
  readonly isChosen?: boolean;
  readonly onChoose: () => void;
}

interface MenuProps {
  readonly label: string;
  readonly choices: readonly Choice[];
  /** In place of an icon alone. */
  readonly text?: ComponentChildren;
  readonly icon?: ComponentChildren;
  readonly look?: 'plain' | 'quiet' | 'primary';
  readonly slim?: boolean;
  /** Where the choices line up with the button. */
  readonly side?: 'start' | 'end';
}

/** Between the button and the choices, and between these and the window's edge, in pixels. */
const GAP = 6;

/** A button that opens choices: arrows move, a letter jumps, Escape closes. */
export function Menu({ label, choices, text, icon, look = 'quiet', slim = false, side = 'end' }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (isOpen) putBeside(root.current!, side);
  }, [isOpen, side]);
  useEffect(() => {
    if (!isOpen) return;
    root.current?.querySelector<HTMLElement>('[role^=menuitem]:not([disabled])')?.focus({ preventScroll: true });
    const close = (event: Event) => root.current?.contains(event.target as Node) || setOpen(false);
    document.addEventListener('pointerdown', close);
    document.addEventListener('focusin', close);
    // It stays where it was put; what it belongs to doesn't.
    document.addEventListener('scroll', close, true);
    window.addEventListener('resize', close);
    return () => {
      document.removeEventListener('pointerdown', close);
      document.removeEventListener('focusin', close);
      document.removeEventListener('scroll', close, true);
      window.removeEventListener('resize', close);
    };
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    root.current?.querySelector<HTMLElement>('button')?.focus();
  };
  const choose = (choice: Choice) => {
    close();
    choice.onChoose();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys come up from the button and the choices
    <div class="menu" ref={root} onKeyDown={(event) => isOpen && press(event, root.current!, close)}>
      <Opener {...{ label, text, icon, look, slim, isOpen }} onClick={() => setOpen(!isOpen)} />
      {isOpen ? (
        <div role="menu" aria-label={label}>
          {choices.map((choice) => [
            choice.isApart ? <hr key={`${choice.text}-line`} /> : null,
            // biome-ignore lint/a11y/useAriaPropsSupportedByRole: only with the role that has it
            <button
              key={choice.text}
              type="button"
              role={choice.isChosen === undefined ? 'menuitem' : 'menuitemradio'}
              aria-checked={choice.isChosen}
              tabIndex={-1}
              class={choice.isBad ? 'bad' : ''}
              disabled={choice.disabled}
              onClick={() => choose(choice)}
            >
              {choice.icon}
              {choice.text}
            </button>,
          ])}
        </div>
      ) : null}
    </div>
  );
}

/** Below the button where there is room, else above it; never cut off by what is around the button. */
function putBeside(root: HTMLElement, side: 'start' | 'end'): void {
  const button = root.querySelector('button')!.getBoundingClientRect();
  const menu = root.querySelector<HTMLElement>('[role=menu]')!;
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = side === 'start' ? button.left : button.right - width;
  const below = button.bottom + GAP;
  const isRoom = below + height + GAP <= innerHeight;
  menu.style.left = `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`;
  menu.style.top = `${isRoom ? below : Math.max(GAP, button.top - GAP - height)}px`;
}

interface OpenerProps {
  readonly label: string;
  readonly text: ComponentChildren;
  readonly icon: ComponentChildren;
  readonly look: 'plain' | 'quiet' | 'primary';
  readonly slim: boolean;
  readonly isOpen: boolean;
  readonly onClick: () => void;
}

function Opener({ label, text, icon, look, slim, isOpen, onClick }: OpenerProps) {
  const classes = ['button', look, slim && 'slim', text === undefined && 'icon'].filter(Boolean).join(' ');
  return (
    <button
      type="button"
      class={classes}
      aria-label={text === undefined ? label : undefined}
      title={text === undefined ? label : undefined}
      aria-haspopup="menu"
      aria-expanded={isOpen}
      onClick={onClick}
    >
      {icon}
      {text}
    </button>
  );
}

function press(event: KeyboardEvent, root: HTMLElement, close: () => void): void {
  const stops = [...root.querySelectorAll<HTMLElement>('[role^=menuitem]:not([disabled])')];
  const at = stops.indexOf(document.activeElement as HTMLElement);
  const go = (index: number) => stops[(index + stops.length) % stops.length]?.focus();
  if (event.key === 'Escape' || event.key === 'Tab') close();
  else if (event.key === 'ArrowDown') go(at + 1);
  else if (event.key === 'ArrowUp') go(at - 1);
  else if (event.key === 'Home') go(0);
  else if (event.key === 'End') go(-1);
  else if (event.key.length === 1 && event.key !== ' ') jump(event.key, stops, at);
  else return;
  if (event.key === 'Tab') return;
  event.preventDefault();
  event.stopPropagation();
}

function jump(letter: string, stops: readonly HTMLElement[], at: number): void {
  const order = [...stops.slice(at + 1), ...stops.slice(0, at + 1)];
  order.find(({ textContent }) => textContent?.trim().toLowerCase().startsWith(letter.toLowerCase()))?.focus();
}
