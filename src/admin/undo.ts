import type { Command } from 'commander';
import { OPERATOR } from '../accounts/audit.js';
import type { ChangesUndone } from '../drive/past/undo.js';
import type { ChangesOf } from '../drive/past/undo-record.js';
import type { Parts } from '../parts.js';
import type { DriveId } from '../stores/values.js';
import { toDriveId, toMoment } from './arguments.js';
import { CommandError, UsageError } from './command-error.js';
import { AS_MEMBER, openAs, PATH, type PastOptions, segmentsOf } from './past.js';
import { printSteps } from './put-back.js';
import { table } from './table.js';
import { type OutputOptions, print, remark, toIso, WorkCommand } from './workplace.js';

interface UndoOptions extends PastOptions {
  readonly since: number;
  readonly appPassword?: string;
  readonly user?: string;
  readonly dryRun?: boolean;
}

export function undoCommand(): Command {
  return new WorkCommand('undo')
    .description(
      'undo what one app password, or one user, did in a folder since a moment, where nobody has gone on with it',
    )
    .argument('<id>', 'ID of the drive', toDriveId)
    .argument('<path>', `${PATH}; "" for all of it`)
    .requiredOption('--since <time>', 'a moment like 2027-01-31T00:00Z', toMoment)
    .option('--app-password <name>', 'its name or number; one that was revoked, too')
    .option('--user <email>', 'whose app password; without one: what they did with their own password')
    .option('--dry-run', 'only list what would be undone')
    .option('--member <email>', AS_MEMBER)
    .works(
      [
        'firn undo 123456 "Common documents" --app-password "old laptop" --since 2027-01-31T09:30Z --dry-run',
        'firn undo 123456 "" --user anna@example.org --since 2027-01-31T09:30Z --member anna@example.org',
      ],
      async (parts, id: number, path: string, options: UndoOptions) => {
        const drive = await openAs(parts, id, options);
        const { by, name } = await readCredential(parts, drive.membership.driveId, options);
        const { since } = options;
        if (options.dryRun) {
          printUndone(options, await drive.foreseeUndo(segmentsOf(path), since, by));
          return;
        }
        const done = await drive.undoChanges(segmentsOf(path), since, by);
        const { driveId: number, email } = drive.membership;
        const details = { drive: number, path, since: toIso(since), by: name, as: email };
        await parts.audit.note('changes-undone', null, OPERATOR, details);
        printUndone(options, done);
      },
    );
}

/** Whose changes the options mean, and what they are called in the log. */
async function readCredential(
  { accounts }: Parts,
  driveId: DriveId,
  { appPassword, user }: UndoOptions,
): Promise<{ readonly by: ChangesOf; readonly name: string }> {
  if (appPassword === undefined) {
    if (user === undefined) throw new UsageError('Say whose changes: --app-password NAME, or --user EMAIL.');
    const { id, email } = await accounts.readUser(user);
    return { by: { userId: id, appPasswordId: null }, name: email };
  }
  const emails = user === undefined ? (await accounts.members(driveId)).map(({ email }) => email) : [user];
  const all = (await Promise.all(emails.map((email) => accounts.appPasswords(email)))).flat();
  const found = all.filter(({ id, name }) => name === appPassword || `${id}` === appPassword);
  if (found.length > 1) {
    const numbers = found.map(({ id }) => id).join(', ');
    throw new CommandError(`Several app passwords are called so; give the number: ${numbers}.`);
  }
  const [only] = found;
  if (!only)
    throw new CommandError('There is no such app password; "firn app-password list EMAIL" shows those of a user.');
  return { by: { userId: only.userId, appPasswordId: only.id }, name: only.name };
}

const REASONS = {
  'changed-since': 'others changed it since',
  taken: 'its name is taken',
  'no-place': 'its folder is gone',
  elsewhere: 'comes from or is elsewhere',
  'not-empty': 'has something else in it',
};

/** What a dry run found, or what was done. */
function printUndone(options: OutputOptions, undone: ChangesUndone): void {
  const { kept, keptCount } = undone;
  const stays = kept.map(({ path, isCollection, why }) => ({ path: path.join('/'), isFolder: isCollection, why }));
  printSteps(options, undone, { kept: stays, keptCount });
  if (keptCount === 0 || options.json) return;
  const rows = stays.map(({ path, isFolder, why }) => [isFolder ? `${path}/` : path, REASONS[why]]);
  print(options, null, `\n${table(['STAYS', 'WHY'], rows)}`);
  if (keptCount > kept.length) remark(`And ${keptCount - kept.length} more stay.`);
}
