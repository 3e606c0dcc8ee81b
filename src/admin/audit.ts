import type { Command } from 'commander';
import { AUDIT_KINDS } from '../accounts/audit.js';
import type { AuditRow } from '../stores/security-store.js';
import { toNumber } from './arguments.js';
import { UsageError } from './command-error.js';
import { table } from './table.js';
import { type OutputOptions, print, toIso, WorkCommand } from './workplace.js';

interface AuditOptions extends OutputOptions {
  readonly user?: string;
  readonly kind?: string;
  readonly limit?: number;
}

const LIMIT_DEFAULT = 100;

export function auditCommand(): Command {
  return new WorkCommand('audit')
    .description('what happened to accounts: sign-ins, refusals, app passwords, two-factor authentication, changes')
    .option('--user <email>', 'of one user alone')
    .option('--kind <kind>', `of one kind alone: ${AUDIT_KINDS.join(', ')}`)
    .option('--limit <number>', `how many, the latest first (${LIMIT_DEFAULT})`, toNumber)
    .works(
      'firn audit --user anna@example.org --kind sign-in-refused',
      async ({ accounts, audit }, options: AuditOptions) => {
        const { kind, limit = LIMIT_DEFAULT } = options;
        if (kind !== undefined && !(AUDIT_KINDS as readonly string[]).includes(kind)) {
          throw new UsageError(`There is no kind "${kind}"; there are ${AUDIT_KINDS.join(', ')}.`);
        }
        const user = options.user === undefined ? null : await accounts.readUser(options.user);
        const filter = { ...(user ? { userId: user.id } : {}), ...(kind === undefined ? {} : { kind }) };
        const rows = await audit.list(filter, null, limit);
        print(
          options,
          rows.map(describe),
          table(['TIME', 'WHAT', 'WHOSE', 'BY', 'FROM', 'DETAILS'], rows.map(toCells)),
        );
      },
    );
}

function toCells({ at, kind, email, actor, address, client, details }: AuditRow): string[] {
  const from = [address, client].filter((text) => text !== '').join(' ');
  const facts = Object.entries(details).map(([name, value]) => `${name}: ${value}`);
  return [toIso(at).slice(0, 19), kind, email ?? '-', actor || '-', from || '-', facts.join(', ') || '-'];
}

function describe({ id, at, kind, email, actor, address, client, details }: AuditRow) {
  return { id, at: toIso(at), kind, user: email, actor, address, client, details };
}
