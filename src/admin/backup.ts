import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { readConfig } from '../config.js';
import { type Engines, openEngines } from '../engines/open-engines.js';
import { claimStorage } from '../engines/sqlite/storage-claim.js';
import { type CopyReport, copyContents } from '../jobs/copy-contents.js';
import { CommandError } from './command-error.js';
import { atWork, type OutputOptions, print } from './workplace.js';

/** How long the collector waits for a backup that has said nothing since, in milliseconds. */
const HOLD_MS = 15 * 60_000;
/** Revisions that were given out after the backup was made are fewer than this. */
const REVISIONS_SKIPPED = 1_000_000_000;

export function backupCommand(): Command {
  return new Command('backup')
    .description('copy everything that is stored to a folder, also while the server runs')
    .argument('<dir>', 'folder; another backup into the same one copies only what is new')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ firn backup /mnt/backup/firn')
    .action((dir: string, options: OutputOptions) =>
      atWork(async ({ config, engines }) => {
        const target = resolve(dir);
        if (target === config.storage) throw new CommandError('The backup needs a folder other than the storage.');
        const report = await backup(engines, target);
        print(options, report, `${report.copied} contents copied, ${report.skipped} were there already.`);
      }),
    );
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('fill an empty storage from a backup')
    .argument('<dir>', 'folder that "firn backup" has written')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ FIRN_STORAGE=/srv/firn firn restore /mnt/backup/firn')
    .action(async (dir: string, options: OutputOptions) => {
      const { storage } = readConfig();
      const source = resolve(dir);
      if (!existsSync(resolve(source, 'FORMAT'))) throw new CommandError(`There is no backup in ${source}.`);
      if (existsSync(storage) && readdirSync(storage).some((name) => name !== 'README.md')) {
        throw new CommandError(`${storage} is not empty; restore into an empty folder (FIRN_STORAGE names it).`);
      }
      const report = await restore(source, storage);
      print(options, report, `${report.copied} contents restored and checked.`);
    });
}

/** The database first, the blobs second: what the database names is there, because the collector waits. */
async function backup(engines: Engines, target: string): Promise<CopyReport> {
  const { blobIndex } = engines;
  const hold = await blobIndex.hold(Date.now() + HOLD_MS, Date.now());
  let isHeld = true;
  const heartbeat = setInterval(async () => {
    isHeld &&= await blobIndex.extendHold(hold, Date.now() + HOLD_MS, Date.now()).catch(() => false);
  }, HOLD_MS / 5);
  try {
    await engines.copyMetadata(target);
    const report = await fill(target, engines);
    if (!isHeld) throw new CommandError('The backup was held up for too long and may not be whole; run it again.');
    return report;
  } finally {
    clearInterval(heartbeat);
    await blobIndex.endHold(hold);
  }
}

async function restore(source: string, storage: string): Promise<CopyReport> {
  const from = await openEngines({ storage: source });
  try {
    await from.copyMetadata(storage);
    const release = claimStorage(storage);
    try {
      return await fill(storage, from, (engines) => engines.skipRevisions(REVISIONS_SKIPPED));
    } finally {
      release();
    }
  } finally {
    await from.close();
  }
}

/** Copies the blobs that the metadata of the copy names. */
async function fill(folder: string, from: Engines, finish?: (copy: Engines) => Promise<void>): Promise<CopyReport> {
  const copy = await openEngines({ storage: folder });
  try {
    const report = await copyContents(copy.blobIndex, from.blobs, copy.blobs);
    await finish?.(copy);
    return report;
  } finally {
    await copy.close();
  }
}
