import { formatBytes } from '../format.js';
import { texts } from '../i18n.js';
import { en } from '../strings/en-audit.js';
import { fr } from '../strings/fr-audit.js';

export const text = texts({ en, fr });

/** A newer server's kinds are shown as they are called there. */
export function kindText(kind: string): string {
  return text.kinds[kind] ?? kind;
}

/** One detail of a record, `quota: 5 GB`. */
export function factText(name: string, value: string | number | boolean | null): string {
  return `${text.facts[name] ?? name}: ${valueText(name, value)}`;
}

function valueText(name: string, value: string | number | boolean | null): string {
  if (value === null) return text.nothing;
  if (typeof value === 'boolean') return value ? text.yes : text.no;
  return typeof value === 'number' && name.endsWith('Bytes') ? formatBytes(value) : String(value);
}

export function kindTone(kind: string): 'neutral' | 'good' | 'warn' | 'bad' | 'accent' {
  if (/refused$/.test(kind)) return 'bad';
  if (/(off|reset|revoked|removed|recovery-code-used|emptied)$/.test(kind)) return 'warn';
  return /^(second-factor|passkey)/.test(kind) ? 'good' : 'neutral';
}
