import { Command, CommanderError } from 'commander';
import { AccountError, type AccountErrorKind } from '../accounts/account-error.js';
import { PasswordsBusyError } from '../accounts/passwords.js';
import { ConfigError, readVersion } from '../config.js';
import { DriveError } from '../drive/drive-error.js';
import { BackupStalledError } from '../jobs/backup.js';
import { UnknownBlobsError } from '../jobs/gc.js';
import { ImportRequestError } from '../jobs/import/import-request.js';
import { StorageFullError } from '../stores/blob-store.js';
import { OutcomeUnknownError, StoreBusyError, StoreFailingError } from '../stores/metadata-store.js';
import { MigrationError, StorageClaimedError, StorageFormatError } from '../stores/storage-errors.js';
import { SourceChangedError } from '../stores/storage-move.js';
import { appPasswordCommand } from './app-password.js';
import { auditCommand } from './audit.js';
import { backupCommand, restoreCommand } from './backup.js';
import { clusterCommand } from './cluster.js';
import { CommandError, UsageError } from './command-error.js';
import { connectCommand } from './connect.js';
import { driveCommand } from './drive.js';
import { fsckCommand } from './fsck.js';
import { gcCommand } from './gc.js';
import { importCommand } from './import.js';
import { jobsCommand } from './jobs.js';
import { migrateStorageCommand } from './migrate-storage.js';
import { historyCommand, pastCommand, restoreToCommand, showCommand } from './past.js';
import { putBackCommand } from './put-back.js';
import { quotaCommand } from './quota.js';
import { trashCommand } from './trash.js';
import { undoCommand } from './undo.js';
import { userCommand } from './user.js';

const FAILED = 1;
const USED_WRONGLY = 2;
const COMMANDS = [
  userCommand,
  driveCommand,
  quotaCommand,
  appPasswordCommand,
  connectCommand,
  auditCommand,
  importCommand,
  jobsCommand,
  clusterCommand,
  trashCommand,
  historyCommand,
  showCommand,
  restoreToCommand,
  putBackCommand,
  undoCommand,
  pastCommand,
  fsckCommand,
  gcCommand,
  backupCommand,
  restoreCommand,
  migrateStorageCommand,
];
/** Their messages say what to do. */
const EXPECTED = [
  AccountError,
  BackupStalledError,
  CommandError,
  ConfigError,
  DriveError,
  ImportRequestError,
  SourceChangedError,
  StorageClaimedError,
  StorageFormatError,
  UnknownBlobsError,
];

/** Which command helps further; the sentences themselves are for the console's users, too. */
const HINTS: Partial<Record<AccountErrorKind, string>> = {
  'no-such-user': '"firn user list" shows those that there are.',
  'no-such-drive': '"firn drive list" shows those that there are.',
  'no-such-app-password': '"firn app-password list EMAIL" shows those that there are.',
  'drive-id-taken': 'Leave --id out for a free one.',
  'last-administrator': '"firn user create EMAIL --admin" makes one.',
};

/** The `firn` command with all its commands. */
export function makeProgram(): Command {
  const program = new Command('firn')
    .description('administer a Firn server; works beside a running one')
    .version(readVersion(), '-V, --version', 'print the version')
    .addHelpText('after', '\nThe environment and firn.config.json say which storage; FIRN_STORAGE names it directly.');
  for (const make of COMMANDS) program.addCommand(make());
  for (const command of everyCommand(program)) {
    command.exitOverride().configureOutput({ outputError: (text, write) => write(oneLine(text)) });
  }
  return program;
}

/** Runs a command line and gives its exit code: 1 when it failed, 2 when it was wrong (PRODUCT §10). */
export async function runProgram(words: readonly string[]): Promise<number> {
  try {
    await makeProgram().parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed it already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USED_WRONGLY;
    process.stderr.write(oneLine(`error: ${explain(error)}`));
    return error instanceof UsageError ? USED_WRONGLY : FAILED;
  }
}

function explain(error: unknown): string {
  const hint = error instanceof AccountError ? HINTS[error.kind] : undefined;
  if (hint !== undefined) return `${(error as AccountError).message} ${hint}`;
  if (EXPECTED.some((kind) => error instanceof kind)) return (error as Error).message;
  if (error instanceof StoreBusyError) return 'The database is busy; try again in a moment.';
  if (error instanceof OutcomeUnknownError) return `${error.message}: look whether it was done.`;
  if (error instanceof StoreFailingError) return `${error.message}; look at the disk, then try again.`;
  if (error instanceof StorageFullError) return 'The disk is full: make room, then try again.';
  if (error instanceof PasswordsBusyError) return 'Too many passwords are being checked; try again in a moment.';
  if (error instanceof MigrationError) return `${error.message}; use the Firn that the storage was last used with.`;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return `${message}; run firn as the user who owns the storage.`;
  if (/^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(code ?? '')) {
    return `The database can't be used (${message}); docs/OPERATING.md, "When something is damaged", says what to do.`;
  }
  return `${message} (unexpected; please report it)`;
}

function oneLine(text: string): string {
  return `${text.trim().replace(/\s*\n\s*/g, ' ')}\n`;
}

function* everyCommand(command: Command): Generator<Command> {
  yield command;
  for (const inner of command.commands) yield* everyCommand(inner);
}
