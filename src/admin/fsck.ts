import type { Command } from 'commander';
import { checkEverything, type Finding } from '../jobs/fsck.js';
import { CommandError } from './command-error.js';
import { type OutputOptions, print, remark, WorkCommand } from './workplace.js';

export function fsckCommand(): Command {
  return new WorkCommand('fsck')
    .description('check everything that is stored: counters, names, and every byte against its hash')
    .option('--repair', 'mend what can be mended')
    .works('firn fsck --repair', async ({ engines, now }, options: OutputOptions & { repair?: boolean }) => {
      const { blobs, blobIndex, check, durability } = engines;
      const findings: Finding[] = [];
      // A day's work leaves thousands.
      let leftovers = 0;
      const checked = {
        blobs,
        blobIndex,
        metadata: check,
        repair: options.repair === true,
        now: now(),
        durability,
      };
      for await (const finding of checkEverything(checked)) {
        if (finding.severity === 'leftover') {
          leftovers++;
          continue;
        }
        findings.push(finding);
        remark(`error: ${finding.message}`);
      }
      const errors = findings.length;
      if (leftovers > 0) {
        const which = leftovers === 1 ? '1 blob is' : `${leftovers} blobs are`;
        remark(`${which} named by no file; the collector removes them in time.`);
      }
      print(options, { findings, errors, leftovers }, errors === 0 ? 'Everything is in order.' : '');
      if (errors > 0) {
        throw new CommandError(`${errors} errors found; docs/OPERATING.md says what to do about each kind.`);
      }
    });
}
