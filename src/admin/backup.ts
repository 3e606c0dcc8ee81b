import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { type Config, readConfig } from '../config.js';
import { backup, type CopyReport, restore } from '../jobs/backup.js';
import { isBackupUnderWay, noteByHand } from '../jobs/backup-jobs.js';
import { type Backups, openForRestore } from '../jobs/backups.js';
import { beginRestore, openBackupPlace, openRestore, type Parts } from '../parts.js';
import { formatByteSize } from './byte-size.js';
import { CommandError, UsageError } from './command-error.js';
import { table } from './table.js';
import { type OutputOptions, print, remark, toMinute, WorkCommand } from './workplace.js';

export function backupCommand(): Command {
  return new WorkCommand('backup')
    .description('copy everything that is stored, also while the server runs')
    .argument(
      '[dir]',
      'folder for one copy, of which another one renews what is new; else where "backup" in the configuration says',
    )
    .works(
      ['firn backup', 'firn backup /mnt/backup/firn'],
      async (parts, dir: string | undefined, options: OutputOptions) => {
        if (dir === undefined) return makeNow(parts, options);
        const { engines, now } = parts;
        checkFolder(dir);
        const { blobs, blobIndex } = engines;
        const beginCopy = () => engines.beginCopy(resolve(dir));
        const report = await backup({ blobs, blobIndex, now, beginCopy });
        tell(options, report, `${report.copied} contents copied, ${report.skipped} were there already.`);
      },
    )
    .addCommand(list())
    .addCommand(rehearse());
}

async function makeNow(parts: Parts, options: OutputOptions): Promise<void> {
  const { engines, now } = parts;
  const backups = backupsOf(parts);
  if (await isBackupUnderWay(engines.metadata)) throw new CommandError('The server makes a backup just now.');
  const report = await backups.make();
  await noteByHand(engines.metadata, { backup: report }, now());
  for (const problem of report.problems) remark(`error: ${problem}`);
  if (!report.mayDelete)
    remark('The credentials may not delete there: old backups stay until their keeper removes them.');
  const all = `${report.contents} contents, ${formatByteSize(report.contentBytes)}`;
  print(options, report, `${report.name}: ${all}; ${report.copied} were new (${formatByteSize(report.copiedBytes)}).`);
  if (report.problemCount > 0) throw new CommandError(`${report.problemCount} contents are not in the backup.`);
}

function list(): Command {
  return new WorkCommand('list')
    .description('list the backups where the configuration says')
    .works('firn backup list', async (parts, options: OutputOptions) => {
      const found = (await backupsOf(parts).list()).map(({ name, record }) => ({
        name,
        state: record === null ? 'unfinished' : record.problemCount === 0 ? 'whole' : 'lacks contents',
        at: record?.at ?? null,
        contents: record?.counts.contents ?? null,
        bytes: record?.counts.contentBytes ?? null,
        problems: record?.problemCount ?? null,
      }));
      const rows = found.map(({ name, state, at, contents, bytes }) => [
        name,
        at === null ? '-' : toMinute(Date.parse(at)),
        state,
        `${contents ?? '-'}`,
        bytes === null ? '-' : formatByteSize(bytes),
      ]);
      print(options, found, table(['NAME', 'AS OF', 'STATE', 'CONTENTS', 'SIZE'], rows));
    });
}

function rehearse(): Command {
  return new WorkCommand('rehearse')
    .description('restore a backup to a temporary place, check every byte, and remove it again')
    .argument('[name]', 'the newest whole one when left out')
    .works('firn backup rehearse', async (parts, name: string | undefined, options: OutputOptions) => {
      const report = await backupsOf(parts).rehearse(name ?? null);
      await noteByHand(parts.engines.metadata, { rehearsal: report }, parts.now());
      for (const problem of report.problems) remark(`error: ${problem}`);
      const { counts, problemCount } = report;
      const all = counts ? `${counts.contents} contents, ${formatByteSize(counts.contentBytes)}` : 'nothing';
      print(options, report, problemCount === 0 ? `${report.name} is whole: ${all}.` : '');
      if (problemCount > 0)
        throw new CommandError(`${problemCount} errors: a restoration of this backup lacks something.`);
    });
}

function backupsOf(parts: Parts): Backups {
  const backups = parts.makeBackups();
  if (backups) return backups;
  throw new UsageError('No place for backups is configured: set "backup" (docs/OPERATING.md), or name a folder.');
}

interface RestoreOptions extends OutputOptions {
  readonly backup?: string;
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('fill an empty storage from a backup')
    .argument(
      '[dir]',
      'folder of backups, or one that "firn backup DIR" has written; else where "backup" in the configuration says',
    )
    .option('--backup <name>', 'one of "firn backup list"; the newest whole one when left out')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ firn restore /mnt/backup/firn\n  $ firn restore --backup 2027-01-31T02-00-00-000Z',
    )
    .action(async (dir: string | undefined, options: RestoreOptions) => {
      const config = readConfig();
      if (dir !== undefined) checkFolder(dir);
      const source = dir === undefined ? null : resolve(dir);
      if (source !== null && !existsSync(source)) throw new CommandError(`There is no backup in ${source}.`);
      checkEmpty(config.storage);
      const isOne = source !== null && !existsSync(join(source, 'backups'));
      const report = isOne
        ? await restoreOne(config, source)
        : await restoreSet(config, source, options.backup ?? null);
      remark(CAME_BACK);
      tell(options, report, `${report.copied} contents restored and checked.`);
    });
}

const CAME_BACK =
  'All are signed out of the console. App passwords, passwords and members are as of the backup: what was revoked or removed since has come back. ' +
  'Look at "firn user list", "firn drive members" and "firn app-password list" before you start the server.';

async function restoreOne(config: Config, source: string): Promise<CopyReport> {
  const { blobs, beginCopy } = await openRestore(config, source);
  return restore(blobs, beginCopy, Date.now());
}

async function restoreSet(config: Config, source: string | null, name: string | null): Promise<CopyReport> {
  const to = source === null ? config.backup?.to : { engine: 'folder' as const, path: source };
  if (!to) throw new UsageError('Name the folder of the backup, or set "backup" in the configuration.');
  const place = await openBackupPlace(to);
  // On the disk of the storage, which has room for it.
  const work = await mkdtemp(join(dirname(config.storage), '.firn-restore-'));
  try {
    const opened = await openForRestore(place, name, join(work, 'firn.db')).catch((error: Error) => {
      throw new CommandError(error.message);
    });
    remark(`From ${opened.name}.`);
    const report = await restore(opened.blobs, () => beginRestore(config, work), Date.now());
    return report;
  } finally {
    await rm(work, { recursive: true, force: true });
    place.close();
  }
}

/** Throws `CommandError` where something is there: a restoration never mixes with what is stored. */
function checkEmpty(storage: string): void {
  if (!existsSync(storage) || readdirSync(storage).every((name) => name === 'README.md')) return;
  throw new CommandError(`${storage} is not empty; restore into an empty folder (FIRN_STORAGE names it).`);
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
