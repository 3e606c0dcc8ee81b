import type { Command } from 'commander';
import { contentGraceSeconds } from '../config.js';
import { collectGarbage } from '../jobs/gc.js';
import { toNumber } from './arguments.js';
import { type OutputOptions, print, remark, WorkCommand } from './workplace.js';

export function gcCommand(): Command {
  return new WorkCommand('gc')
    .description('free the room of what was deleted for good; the server does so every hour')
    .option('--grace <seconds>', 'how long contents must have been seen unused; else as the server does', toNumber)
    .option('--force', 'also where the database knows nothing of most of what is stored')
    .works(
      'firn gc --grace 0',
      async (
        { config, engines: { blobs, blobIndex }, now },
        options: OutputOptions & { grace?: number; force?: boolean },
      ) => {
        const { grace: graceSeconds = contentGraceSeconds(config), force: isForced = false } = options;
        const wish = { now, graceSeconds, isForced, looksAtAll: true };
        const report = await collectGarbage({ blobs, blobIndex, ...wish });
        const { condemned, deleted } = report;
        const wait = condemned > 0 ? `; ${condemned} newly seen unused go after ${graceSeconds} seconds` : '';
        remark(`${deleted} stored contents deleted${wait}.`);
        print(options, report, '');
      },
    );
}
