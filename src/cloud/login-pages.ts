import { createHash } from 'node:crypto';
import { escapeAttribute, escapeText } from '../dav/xml/serialize-xml.js';
import type { CloudAnswer } from './request.js';

/** Every sentence of the pages, in one place. */
const TEXTS = {
  title: 'Connect a program',
  signIn: 'Sign in',
  email: 'E-mail address',
  password: 'Account password',
  code: 'Code from your authenticator',
  codeText: 'Enter the six digits that your authenticator shows now, or one of your recovery codes.',
  go: 'Continue',
  grant: 'Allow access',
  which: 'Which drive may it use?',
  done: 'Connected',
  doneText: 'The program has its own password now. You can close this window and go back to it.',
  gone: 'This page has expired',
  goneText: 'Start again in the program that sent you here.',
  noDriveTitle: 'No drive',
  noDrive: 'You are a member of no drive yet. Ask the administrator to add you to one.',
  notThisDrive:
    'You are no member of the drive at this address. Check the address in the program, and start again there.',
  elsewhere: 'Not allowed',
  elsewhereText: 'This form was sent from another site.',
} as const;

/** The colours of pages that stand alone, light and dark. */
export const PALETTE = `
:root{color-scheme:light dark;--ground:#f3f5f4;--card:#fff;--ink:#17211d;--soft:#55635c;--line:#c9d2cd;--edge:#76847d;--mark:#1d6b52;--on-mark:#fff;--bad:#a3281c}
@media (prefers-color-scheme:dark){:root{--ground:#111614;--card:#1a211e;--ink:#e8eeeb;--soft:#9db0a7;--line:#3a4741;--edge:#74867d;--mark:#6cc5a4;--on-mark:#08130e;--bad:#ff9d90}}`;

const STYLE = `${PALETTE}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem 1rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:26rem;background:var(--card);border:1px solid var(--line);border-radius:14px;padding:2rem 1.75rem}
.name{font-weight:700;letter-spacing:.02em;color:var(--mark);margin:0 0 1.25rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem}
p{margin:0 0 1.25rem;color:var(--soft)}
main>:last-child{margin-bottom:0}
strong{color:var(--ink);overflow-wrap:anywhere}
.bad{color:var(--bad);border-left:3px solid var(--bad);padding-left:.75rem}
label{display:block;font-weight:600;margin:0 0 1rem}
input[type=text],input[type=password]{display:block;width:100%;margin-top:.35rem;padding:.7rem .8rem;font:inherit;font-weight:400;color:inherit;background:var(--ground);border:1px solid var(--edge);border-radius:8px}
fieldset{border:0;padding:0;margin:0 0 1.25rem}
legend{padding:0;font-weight:600;margin-bottom:.5rem}
.choice{display:flex;gap:.65rem;align-items:center;font-weight:400;border:1px solid var(--edge);border-radius:8px;padding:.7rem .8rem;margin:0 0 .5rem;cursor:pointer}
.choice:has(:checked){border-color:var(--mark);box-shadow:inset 0 0 0 1px var(--mark)}
.choice span{overflow-wrap:anywhere}
.choice small{color:var(--soft)}
input[type=radio]{flex:none;accent-color:var(--mark);width:1.1rem;height:1.1rem;margin:0}
button{width:100%;margin-top:.25rem;padding:.8rem;font:inherit;font-weight:600;color:var(--on-mark);background:var(--mark);border:0;border-radius:8px;cursor:pointer}
button:hover{filter:brightness(1.1)}
:focus-visible{outline:3px solid var(--mark);outline-offset:2px}
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Who asks for access: all of it is text from outside. */
export interface Asker {
  readonly client: string;
  readonly remoteAddress: string;
}

/** Why the page is there again. */
export interface PageRefusal {
  readonly status: number;
  readonly text: string;
  readonly retryAfterSeconds?: number;
}

/** No `type="email"`: browsers refuse letters beyond ASCII in it, and send another domain than was typed. */
export function signInPage(asker: Asker, refusal: PageRefusal | null = null, email = ''): CloudAnswer {
  const body = `<h1>${TEXTS.signIn}</h1>
<p><strong>${escapeText(asker.client)}</strong>, from the address ${escapeText(asker.remoteAddress)}, asks for access to your files. Go on only if you have just started this yourself.</p>
${refusalOf(refusal)}
<form method="post">
<label>${TEXTS.email}<input type="text" inputmode="email" name="email" value="${escapeAttribute(email)}" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" required${email === '' ? ' autofocus' : ''}></label>
<label>${TEXTS.password}<input type="password" name="password" autocomplete="current-password" required${email === '' ? '' : ' autofocus'}></label>
<button>${TEXTS.signIn}</button>
</form>`;
  return formPage(body, refusal);
}

/** The second step, where the user has a second factor. */
export function codePage(asker: Asker, stepToken: string, refusal: PageRefusal | null = null): CloudAnswer {
  const body = `<h1>${TEXTS.signIn}</h1>
<p>${TEXTS.codeText} <strong>${escapeText(asker.client)}</strong> waits for you.</p>
${refusalOf(refusal)}
<form method="post">
<input type="hidden" name="step" value="${escapeAttribute(stepToken)}">
<label>${TEXTS.code}<input type="text" name="code" autocomplete="one-time-code" autocapitalize="none" autocorrect="off" spellcheck="false" required autofocus></label>
<button>${TEXTS.go}</button>
</form>`;
  return formPage(body, refusal);
}

function refusalOf(refusal: PageRefusal | null): string {
  return refusal === null ? '' : `<p class="bad" role="alert">${escapeText(refusal.text)}</p>`;
}

function formPage(body: string, refusal: PageRefusal | null): CloudAnswer {
  const wait = refusal?.retryAfterSeconds;
  return page(refusal?.status ?? 200, body, wait === undefined ? {} : { 'Retry-After': String(wait) });
}

export function grantPage(
  asker: Asker,
  email: string,
  drives: readonly { readonly id: number; readonly name: string }[],
  grantToken: string,
): CloudAnswer {
  const choices = drives.map(
    ({ id, name }, index) =>
      `<label class="choice"><input type="radio" name="drive" value="${id}"${index === 0 ? ' checked' : ''}>` +
      `<span>${escapeText(name)} <small>${id}</small></span></label>`,
  );
  return page(
    200,
    `<h1>${TEXTS.title}</h1>
<p>You are signed in as <strong>${escapeText(email)}</strong>. <strong>${escapeText(asker.client)}</strong> will get a password of its own, which you can revoke at any time.</p>
<form method="post">
<input type="hidden" name="grant" value="${escapeAttribute(grantToken)}">
<fieldset><legend>${TEXTS.which}</legend>${choices.join('')}</fieldset>
<button>${TEXTS.grant}</button>
</form>`,
  );
}

export function donePage(): CloudAnswer {
  return page(200, `<h1>${TEXTS.done}</h1><p>${TEXTS.doneText}</p>`);
}

export function gonePage(): CloudAnswer {
  return page(404, `<h1>${TEXTS.gone}</h1><p>${TEXTS.goneText}</p>`);
}

/** `isForOne`: the address of the program is that of one drive. Whether there is such a drive is not said. */
export function noDrivePage(isForOne: boolean): CloudAnswer {
  return page(403, `<h1>${TEXTS.noDriveTitle}</h1><p>${isForOne ? TEXTS.notThisDrive : TEXTS.noDrive}</p>`);
}

export function elsewherePage(): CloudAnswer {
  return page(403, `<h1>${TEXTS.elsewhere}</h1><p>${TEXTS.elsewhereText}</p>`);
}

function page(status: number, body: string, headers: Readonly<Record<string, string>> = {}): CloudAnswer {
  return {
    status,
    headers: {
      ...headers,
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy':
        `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self' nc:; frame-ancestors 'none'; ` +
        "base-uri 'none'",
      // Without the origin the form's own POST would look like somebody else's.
      'Referrer-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
    },
    body: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${TEXTS.title} · Firn</title><style>${STYLE}</style></head>
<body><main><p class="name">Firn</p>${body}</main></body></html>
`,
  };
}
