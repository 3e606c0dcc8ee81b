import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { common } from '../strings.js';
import { AppearanceMenu } from './account-menu.js';
import { Mark } from './icons.js';

interface GateProps {
  readonly title: string;
  readonly lead?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly large?: boolean;
}

/** A page of its own, before the console opens. */
export function Gate({ title, lead, children, large = false }: GateProps) {
  useEffect(() => {
    document.title = `${title} · ${common.appName}`;
  }, [title]);
  return (
    <div class="gate">
      <Range />
      <div class="gate-corner">
        <AppearanceMenu />
      </div>
      <main class={large ? 'gate-card large' : 'gate-card'}>
        <p class="gate-brand">
          <Mark size={34} />
          <span>{common.appName}</span>
        </p>
        <div class="gate-head">
          <h1>{title}</h1>
          {lead ? <p class="soft">{lead}</p> : null}
        </div>
        {children}
      </main>
    </div>
  );
}

/** The mountains at the foot of the page: layers of snow, the nearest the darkest. */
function Range() {
  return (
    <svg class="range" viewBox="0 0 1440 420" preserveAspectRatio="xMidYMax slice" aria-hidden="true" focusable="false">
      <path
        class="range-1"
        d="M0 250 120 190l90 44 150-128 92 70 70-38 168 118 122-66 96 58 158-150 118 92 96-48 160 106v172H0z"
      />
      <path class="range-cap" d="m360 106 92 70-40 22-34-22-30 30-52-12zM1066 98l118 92-52 20-46-34-40 36-52-18z" />
      <path
        class="range-2"
        d="M0 318c90-44 150-62 236-40s120 38 214 10 170-70 282-34 150 56 250 30 170-66 264-30 120 34 194 16v150H0z"
      />
      <path class="range-3" d="M0 372c140-36 260-34 420-10s250 10 400-12 240-22 350 2 180 14 270-6v74H0z" />
    </svg>
  );
}
