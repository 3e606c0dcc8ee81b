import type { ComponentChildren } from 'preact';
import { messageOf } from '../api.js';
import { common } from '../strings.js';
import { Button } from './button.js';
import { AlertIcon, InfoIcon } from './icons.js';

type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'accent';

export function Badge({ tone = 'neutral', children }: { readonly tone?: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** Lines in place of what is still to come. */
export function Skeleton({ lines = 3 }: { readonly lines?: number }) {
  return (
    <div class="stack" role="status" aria-label={common.loading}>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} class="skeleton" style={{ width: `${92 - ((index * 29) % 47)}%` }} />
      ))}
    </div>
  );
}

interface EmptyStateProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly action?: ComponentChildren;
  /** In place of a whole page. */
  readonly isPage?: boolean;
}

/** Where there is nothing yet: what will be here, and how it gets here. */
export function EmptyState({ title, children, action, isPage = false }: EmptyStateProps) {
  return (
    <div class="empty">
      <Ridge />
      {isPage ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children ? <p>{children}</p> : null}
      {action}
    </div>
  );
}

interface NoticeProps {
  readonly tone?: 'accent' | 'warn' | 'bad';
  readonly title?: string;
  readonly children?: ComponentChildren;
  readonly action?: ComponentChildren;
}

export function Notice({ tone = 'accent', title, children, action }: NoticeProps) {
  return (
    <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      {tone === 'accent' ? <InfoIcon /> : <AlertIcon />}
      <div>
        {title ? <strong>{title}</strong> : null}
        {children ? <div>{children}</div> : null}
      </div>
      {action}
    </div>
  );
}

/** What could not be loaded, with a way to try again. */
export function LoadFailed({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => unknown }) {
  return (
    <Notice
      tone="bad"
      action={
        <Button slim onClick={onRetry}>
          {common.tryAgain}
        </Button>
      }
    >
      {messageOf(error)}
    </Notice>
  );
}

interface ProgressProps {
  /** 0 to 1. */
  readonly part: number;
  readonly label: string;
  /** Of what has a limit: nearly full is bad. */
  readonly isQuota?: boolean;
}

export function Progress({ part, label, isQuota = false }: ProgressProps) {
  const percent = Math.round(Math.min(1, Math.max(0, part)) * 100);
  return (
    <div
      class={isQuota && part >= 0.95 ? 'progress full' : 'progress'}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <div style={{ width: `${percent}%` }} />
    </div>
  );
}

/** Layers of old snow. */
function Ridge() {
  return (
    <svg viewBox="0 0 144 84" fill="none" aria-hidden="true" focusable="false" class="ridge">
      <path class="far" d="M8 66 46 20l19 22 14-14 33 38z" />
      <path class="snow" d="m46 20 11.3 13-6 4-5-4-6 5-6-1.500z" />
      <path class="near" d="M0 72c22-10 40-10 62-3s44 7 82-5v14H0z" />
      <path class="line" d="M14 78c24-5 42-4 58-1s38 3 58-2" />
    </svg>
  );
}
