import { texts } from '../i18n.js';
import { en } from '../strings/en-audit.js';
import { fr } from '../strings/fr-audit.js';

export const a = texts({ en, fr });

/** A newer server's kinds are shown as they are called there. */
export function kindText(kind: string): string {
  return a.kinds[kind] ?? kind;
}

export function kindTone(kind: string): 'neutral' | 'good' | 'warn' | 'bad' | 'accent' {
  if (/refused$/.test(kind)) return 'bad';
  if (/(off|reset|revoked|removed|recovery-code-used|emptied)$/.test(kind)) return 'warn';
  return /^(second-factor|passkey)/.test(kind) ? 'good' : 'neutral';
}
