import type { Command } from 'commander';
import type { Damages } from '../jobs/damages.js';
import { checkEverything, type Finding } from '../jobs/fsck.js';
import type { Parts } from '../parts.js';
import { CommandError, UsageError } from './command-error.js';
import { type OutputOptions, print, remark, WorkCommand } from './workplace.js';

interface Options extends OutputOptions {
  readonly repair?: boolean;
  readonly from?: string;
}

export function fsckCommand(): Command {
  return new WorkCommand('fsck')
    .description('check everything that is stored: counters, names, and every byte against its hash')
    .option('--repair', 'mend what can be mended, damaged files from the backup that is configured')
    .option('--from <dir>', 'with --repair: from the backup in this folder')
    .works(
      ['firn fsck --repair', 'firn fsck --repair --from /mnt/backup/firn'],
      async (parts: Parts, options: Options) => {
        const { repair = false, from = null } = options;
        if (from !== null && !repair) throw new UsageError('--from says where to repair from: add --repair.');
        const damages = parts.makeDamages({ error: () => {}, warn: tellWarning, info: () => {} }, null);
        const { findings, leftovers } = await look(parts, repair, damages);
        if (leftovers > 0) {
          const which = leftovers === 1 ? '1 blob is' : `${leftovers} blobs are`;
          remark(`${which} named by no file; the collector removes them in time.`);
        }
        const repaired = repair ? await mend(parts, damages, from) : 0;
        if (repaired > 0) remark(`${repaired} damaged contents are right again; "firn audit" says from where.`);
        const errors = findings.length - repaired;
        print(options, { findings, errors, leftovers, repaired }, errors === 0 ? 'Everything is in order.' : '');
        if (errors > 0) {
          throw new CommandError(`${errors} errors found; docs/OPERATING.md says what to do about each kind.`);
        }
      },
    );
}

function tellWarning(_facts: unknown, text?: string): void {
  if (text !== undefined) remark(text);
}

async function look({ engines, now }: Parts, repair: boolean, damages: Damages) {
  const { blobs, blobIndex, check: metadata, durability } = engines;
  const findings: Finding[] = [];
  // A day's work leaves thousands.
  let leftovers = 0;
  const checked = { blobs, blobIndex, metadata, repair, now: now(), durability };
  const checkOne = repair
    ? { checkOne: (content: Parameters<Damages['check']>[0]) => damages.check(content, 'fsck') }
    : {};
  for await (const finding of checkEverything({ ...checked, ...checkOne })) {
    if (finding.severity === 'leftover') {
      leftovers++;
      continue;
    }
    findings.push(finding);
    remark(`error: ${finding.message}`);
  }
  return { findings, leftovers };
}

/** Returns how many contents of those that were damaged are right now. */
async function mend(parts: Parts, damages: Damages, from: string | null): Promise<number> {
  const { scrubStore } = parts.engines;
  const before = await scrubStore.countDamages();
  if (before === 0) return 0;
  const backups = parts.makeBackups(from);
  if (backups) await backups.asSource((source) => damages.mend([source]));
  else await damages.mend([]);
  return before - (await scrubStore.countDamages());
}
