import type { AnchorHTMLAttributes, ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { messageOf } from '../api.js';
import { toast } from './toasts.js';

type Look = 'primary' | 'plain' | 'quiet' | 'danger';

export interface ButtonProps {
  readonly children?: ComponentChildren;
  readonly look?: Look;
  readonly type?: 'button' | 'submit';
  /** For what has no text. */
  readonly label?: string;
  readonly icon?: ComponentChildren;
  readonly slim?: boolean;
  readonly wide?: boolean;
  readonly disabled?: boolean;
  readonly isBusy?: boolean;
  /** While what it gives is under way, the button is busy; a failure becomes a toast. */
  readonly onClick?: (event: MouseEvent) => unknown;
  readonly autoFocus?: boolean;
  readonly describedBy?: string;
}

export function Button(props: ButtonProps) {
  const { children, look = 'plain', type = 'button', label, icon, onClick, disabled = false } = props;
  const [isWorking, setWorking] = useState(false);
  const isBusy = props.isBusy || isWorking;
  const click = async (event: MouseEvent) => {
    if (isBusy || disabled || !onClick) return;
    const result = onClick(event);
    if (!(result instanceof Promise)) return;
    setWorking(true);
    await result.catch((error: unknown) => toast({ text: messageOf(error), isBad: true }));
    setWorking(false);
  };
  return (
    <button
      type={type}
      class={classesOf(look, props)}
      aria-label={label}
      title={label}
      aria-busy={isBusy}
      aria-describedby={props.describedBy}
      disabled={disabled}
      autofocus={props.autoFocus ?? false}
      // A button that is off while it works would lose the focus.
      aria-disabled={isBusy}
      onClick={type === 'submit' ? (event: MouseEvent) => isBusy && event.preventDefault() : click}
    >
      {isBusy ? <span class="spinner" /> : icon}
      {children}
    </button>
  );
}

interface LinkButtonProps {
  readonly href: string;
  readonly children: ComponentChildren;
  readonly look?: Look;
  readonly icon?: ComponentChildren;
  readonly slim?: boolean;
  readonly wide?: boolean;
  /** A file name: the browser keeps it rather than to show it. */
  readonly download?: string | boolean;
  readonly target?: AnchorHTMLAttributes['target'];
}

export function LinkButton({ href, children, look = 'plain', icon, download, target, ...rest }: LinkButtonProps) {
  return (
    <a class={classesOf(look, rest)} href={href} download={download} target={target}>
      {icon}
      {children}
    </a>
  );
}

function classesOf(look: Look, props: { slim?: boolean; wide?: boolean; label?: string; children?: unknown }): string {
  const { slim, wide } = props;
  const isIcon = props.label !== undefined && props.children === undefined;
  return ['button', look, slim && 'slim', wide && 'wide', isIcon && 'icon'].filter(Boolean).join(' ');
}
