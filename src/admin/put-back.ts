import type { Command } from 'commander';
import { OPERATOR } from '../accounts/audit.js';
import type { TreeUndone } from '../drive/past/put-back.js';
import { NO_TOKENS } from '../drive/permit.js';
import { toDriveId, toMoment } from './arguments.js';
import { CommandError } from './command-error.js';
import { AS_MEMBER, openAs, PATH, type PastOptions, segmentsOf } from './past.js';
import { table } from './table.js';
import { type OutputOptions, print, remark, toIso, WorkCommand } from './workplace.js';

interface PutBackOptions extends PastOptions {
  readonly at: number;
  readonly dryRun?: boolean;
}

const WORDS = { back: 'back', changed: 'changed', moved: 'moved', trashed: 'to trash' };

export function putBackCommand(): Command {
  return new WorkCommand('put-back')
    .description('make a folder again what it was at a moment; what came since goes to the trash')
    .argument('<id>', 'ID of the drive', toDriveId)
    .argument('<path>', PATH)
    .requiredOption('--at <time>', 'a moment like 2027-01-31T00:00Z', toMoment)
    .option('--dry-run', 'only list what would change')
    .option('--member <email>', AS_MEMBER)
    .works(
      [
        'firn put-back 123456 "Common documents/plans" --at 2027-01-31T09:30Z --dry-run',
        'firn put-back 123456 mine --at 2027-01-31T09:30Z --member anna@example.org',
      ],
      async (parts, id: number, path: string, options: PutBackOptions) => {
        const drive = await openAs(parts, id, options);
        const segments = segmentsOf(path);
        const { resource } = await drive.read((snapshot) => snapshot.find(segments));
        if (resource?.isCollection === false) throw new CommandError('This is a file; "firn restore-to" restores one.');
        const { at } = options;
        if (options.dryRun) {
          printPutBack(options, await drive.foreseePutBack(segments, at));
          return;
        }
        const done = await drive.putBack(segments, at, NO_TOKENS);
        const { driveId: number, email } = drive.membership;
        await parts.audit.note('put-back', null, OPERATOR, { drive: number, path, at: toIso(at), as: email });
        printPutBack(options, done);
      },
    );
}

function printPutBack(options: PutBackOptions, undone: TreeUndone): void {
  printSteps(options, undone, {});
  if (undone.steps.length === 0) remark('It is as it was then.');
}

/** What a dry run found, or what was done, with `more` of it in JSON. */
export function printSteps(
  options: OutputOptions,
  { counts, steps, trash, undoMoment }: TreeUndone,
  more: object,
): void {
  const undo = undoMoment === null ? null : toIso(undoMoment);
  const told = steps.map(({ path, isCollection, what }) => ({ what, path: path.join('/'), isFolder: isCollection }));
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const rows = told.map(({ what, path, isFolder }) => [WORDS[what], isFolder ? `${path}/` : path]);
  const text = rows.length === 0 ? '' : table(['WHAT', 'PATH'], rows);
  print(options, { ...counts, steps: told, ...more, trash, undo }, text);
  if (total > told.length) remark(`And ${total - told.length} more.`);
  if (trash.length > 0) remark(`In the trash now: ${trash.join(', ')}`);
  if (undo !== null) remark(`To take this back: firn put-back, with --at ${undo}`);
}
