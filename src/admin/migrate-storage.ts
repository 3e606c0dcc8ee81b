import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import cliProgress from 'cli-progress';
import { Command } from 'commander';
import { type Config, readConfig } from '../config.js';
import { type MoveProgress, migrateStorage } from '../jobs/migrate-storage.js';
import { openMove } from '../parts.js';
import { formatByteSize } from './byte-size.js';
import { CommandError, UsageError } from './command-error.js';
import { type OutputOptions, print, remark } from './workplace.js';

interface Options extends OutputOptions {
  readonly to: string;
  readonly from?: string;
  readonly keepSource?: boolean;
}

export function migrateStorageCommand(): Command {
  return new Command('migrate-storage')
    .description('take everything that is stored to another database and place; the server must not run')
    .requiredOption('--to <file>', 'configuration of the server that it goes to: an empty storage')
    .option('--from <file>', 'configuration of the server that it comes from; else as the server here')
    .option('--keep-source', 'leave the source as it is: the target is a copy of it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nWhere it is broken off, the same command goes on.\n\nExample:\n  $ firn migrate-storage --to firn.cluster.json',
    )
    .action(async ({ to, from, keepSource: keepsSource = false, json = false }: Options) => {
      for (const [option, file] of Object.entries({ '--to': to, '--from': from })) checkFile(option, file);
      const target = configOf(to);
      const source = from === undefined ? readConfig() : configOf(from);
      const move = await openMove(source, target, Date.now());
      const bars = json ? null : showProgress();
      try {
        const { tell } = bars ?? { tell: () => {} };
        const report = await migrateStorage(move, { keepsSource, now: Date.now(), tell });
        bars?.stop();
        for (const problem of report.problems) remark(`error: ${problem}`);
        const { rows, blobs, problems, hasLeft } = report;
        const after = hasLeft ? 'No server starts on the source any more.' : 'The source is as it was.';
        print(
          { json },
          report,
          `${rows} rows and ${blobs} contents (${formatByteSize(report.blobBytes)}) are there, compared. ${after}`,
        );
        if (problems.length > 0) {
          throw new CommandError(
            `${problems.length} errors are in the source and in the target, which can be served both: docs/OPERATING.md says what to do.`,
          );
        }
      } finally {
        bars?.stop();
        await move.close();
      }
    });
}

/** Throws `UsageError` where there is none. */
function checkFile(option: string, file: string | undefined): void {
  if (file !== undefined && !existsSync(resolve(file))) {
    throw new UsageError(`There is no ${resolve(file)}, which ${option} names.`);
  }
}

/** As a server reads it that has this file and no variables. */
function configOf(file: string): Config {
  return readConfig({ FIRN_CONFIG: resolve(file) });
}

const STEPS: Readonly<Record<MoveProgress['step'], string>> = { copy: '', check: 'checking', compare: 'comparing' };

/** On a terminal, bars for rows and bytes. */
function showProgress(): { readonly tell: (progress: MoveProgress) => void; readonly stop: () => void } | null {
  if (!process.stderr.isTTY) return null;
  const bars = new cliProgress.MultiBar(
    { stream: process.stderr, hideCursor: true, barsize: 24, format: '{what} {bar} {text}' },
    cliProgress.Presets.shades_classic,
  );
  const rows = bars.create(1, 0, { what: 'rows ', text: '' });
  const bytes = bars.create(1, 0, { what: 'bytes', text: '' });
  return {
    tell: ({ step, all, ...done }) => {
      rows.setTotal(Math.max(1, all.rows));
      rows.update(done.rows, { text: `${done.rows} of ${all.rows} ${STEPS[step]}` });
      bytes.setTotal(Math.max(1, all.blobBytes));
      bytes.update(done.blobBytes, { text: `${formatByteSize(done.blobBytes)} of ${formatByteSize(all.blobBytes)}` });
    },
    stop: () => bars.stop(),
  };
}
