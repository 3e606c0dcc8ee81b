import { Command } from 'commander';
import { collectGarbage } from '../jobs/gc.js';
import { toNumber } from './arguments.js';
import { atWork, type OutputOptions, print, remark } from './workplace.js';

/** The server's own: time for an operator to notice a mistake. */
const GRACE_SECONDS = 3600;

export function gcCommand(): Command {
  return new Command('gc')
    .description('free the room of what was deleted for good; the server does so every hour')
    .option('--grace <seconds>', 'how long contents must have been seen unused', toNumber, GRACE_SECONDS)
    .option('--force', 'also where the database knows nothing of most of what is stored')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ firn gc --grace 0')
    .action((options: OutputOptions & { grace: number; force?: boolean }) =>
      atWork(async ({ engines: { blobs, blobIndex } }) => {
        const { grace: graceSeconds, force: isForced = false } = options;
        const report = await collectGarbage({ blobs, blobIndex, now: Date.now, graceSeconds, isForced });
        const { condemned, deleted } = report;
        const wait = condemned > 0 ? `; ${condemned} newly seen unused go after ${options.grace} seconds` : '';
        remark(`${deleted} stored contents deleted${wait}.`);
        print(options, report, '');
      }),
    );
}
