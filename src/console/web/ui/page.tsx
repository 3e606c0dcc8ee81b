import type { ComponentChildren } from 'preact';
import { useEffect, useId } from 'preact/hooks';
import { common } from '../strings.js';
import { EmptyState } from './feedback.js';

interface PageProps {
  readonly title: string;
  readonly lead?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
  /** Wide pages fill the width: tables and files. */
  readonly wide?: boolean;
}

/** A page's head and body; names the document. */
export function Page({ title, lead, actions, children, wide = false }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ${common.appName}`;
  }, [title]);
  return (
    <div class={wide ? 'page wide' : 'page'}>
      <header class="page-head">
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          {lead ? <p class="lead">{lead}</p> : null}
        </div>
        {actions ? <div class="row">{actions}</div> : null}
      </header>
      {children}
    </div>
  );
}

/** At an address that leads to no page. */
export function NothingHere() {
  useEffect(() => {
    document.title = `${common.notFoundTitle} · ${common.appName}`;
  }, []);
  return (
    <EmptyState title={common.notFoundTitle} isPage>
      {common.notFound}
    </EmptyState>
  );
}

interface CardProps {
  readonly title: string;
  readonly lead?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** A part of a page that belongs together. */
export function Card({ title, lead, actions, children }: CardProps) {
  const id = useId();
  return (
    <section class="card padded" aria-labelledby={id}>
      <header>
        <div>
          <h2 id={id}>{title}</h2>
          {lead ? <p class="soft small">{lead}</p> : null}
        </div>
        {actions ? <div class="row">{actions}</div> : null}
      </header>
      {children}
    </section>
  );
}
