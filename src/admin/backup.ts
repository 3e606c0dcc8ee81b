import { existsSync, readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { readConfig } from '../config.js';
import { backup, type CopyReport, restore } from '../jobs/backup.js';
import { openRestore } from '../parts.js';
import { CommandError, UsageError } from './command-error.js';
import { type OutputOptions, print, remark, WorkCommand } from './workplace.js';

export function backupCommand(): Command {
  return new WorkCommand('backup')
    .description('copy everything that is stored to a folder, also while the server runs')
    .argument('<dir>', 'folder; another backup into the same one copies only what is new')
    .works('firn backup /mnt/backup/firn', async ({ engines, now }, dir: string, options: OutputOptions) => {
      checkFolder(dir);
      const { blobs, blobIndex } = engines;
      const beginCopy = () => engines.beginCopy(resolve(dir));
      const report = await backup({ blobs, blobIndex, now, beginCopy });
      tell(options, report, `${report.copied} contents copied, ${report.skipped} were there already.`);
    });
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('fill an empty storage from a backup')
    .argument('<dir>', 'folder that "firn backup" has written')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ firn restore /mnt/backup/firn')
    .action(async (dir: string, options: OutputOptions) => {
      const config = readConfig();
      const { storage } = config;
      const source = resolve(dir);
      checkFolder(dir);
      if (!existsSync(source)) throw new CommandError(`There is no backup in ${source}.`);
      if (existsSync(storage) && readdirSync(storage).some((name) => name !== 'README.md')) {
        throw new CommandError(`${storage} is not empty; restore into an empty folder (FIRN_STORAGE names it).`);
      }
      const { blobs, beginCopy } = await openRestore(config, source);
      const report = await restore(blobs, beginCopy, Date.now());
      tell(options, report, `${report.copied} contents restored and checked.`);
    });
}

/** Throws `UsageError` for what is there and is no folder. */
function checkFolder(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) throw new UsageError(`${path} is a file; a backup is a folder.`);
}

/** Prints what was copied. Throws `CommandError` where something could not be: the rest is whole. */
function tell(options: OutputOptions, report: CopyReport, text: string): void {
  for (const problem of report.problems) remark(`error: ${problem}`);
  print(options, report, text);
  if (report.problems.length > 0) {
    throw new CommandError(`${report.problems.length} contents are not in the copy; "firn fsck" names their files.`);
  }
}
