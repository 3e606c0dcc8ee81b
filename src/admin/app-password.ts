import { Command, Option } from 'commander';
import { openScope } from '../drive/folders.js';
import type { Parts } from '../parts.js';
import type { Allowance, AppPasswordRow } from '../stores/account-store.js';
import type { NodeId } from '../stores/values.js';
import { toDate, toDriveId, toNumber } from './arguments.js';
import { CommandError } from './command-error.js';
import { openDriveFor } from './operator.js';
import { table } from './table.js';
import { type OutputOptions, print, remark, toIso, toMinute, WorkCommand } from './workplace.js';

export function appPasswordCommand(): Command {
  const command = new Command('app-password').description('secrets that one device or program uses');
  for (const make of [create, list, revoke, revokeAll]) command.addCommand(make());
  return command;
}

interface CreateOptions extends OutputOptions {
  readonly drive?: number;
  readonly folder?: string;
  readonly readOnly?: boolean;
  readonly addOnly?: boolean;
  readonly expires?: number;
}

function create(): Command {
  return new WorkCommand('create')
    .description('make an app password and print its secret, which is not shown again')
    .argument('<email>')
    .argument('<name>', 'what it is for, like "rclone on the NAS"')
    .option('--drive <id>', 'for this drive only', toDriveId)
    .option('--folder <path>', 'for this folder only, as the user sees it; it is made if it is not there')
    .addOption(new Option('--read-only', 'nothing can be changed with it').conflicts('addOnly'))
    .addOption(new Option('--add-only', 'nothing can be overwritten or deleted with it').conflicts('readOnly'))
    .option('--expires <date>', 'last day it can be used, like 2027-12-31 (UTC)', toDate)
    .works(
      [
        'firn app-password create anna@example.org "rclone on the NAS" --drive 123456',
        'firn app-password create anna@example.org Joplin --drive 123456 --folder /joplin',
        'firn app-password create anna@example.org Camera --folder "/Common documents/photos" --add-only',
      ],
      async (parts, email: string, name: string, options: CreateOptions) => {
        const driveId = await chooseDrive(parts, email, options);
        const allowance: Allowance = options.readOnly ? 'read-only' : options.addOnly ? 'add-only' : 'full';
        const scopeId = options.folder === undefined ? null : await openFolder(parts, email, driveId!, options.folder);
        const { row, secret } = await parts.accounts.createAppPassword({
          email,
          name,
          driveId,
          scopeId,
          allowance,
          expiresAt: options.expires ?? null,
        });
        if (!options.json) remark('The app password, which is not shown again:');
        print(options, { ...describe(row), secret }, secret);
      },
    );
}

/** A folder is on some drive: the user's only one where the command names none. */
async function chooseDrive({ accounts }: Parts, email: string, options: CreateOptions) {
  if (options.drive !== undefined || options.folder === undefined) return options.drive ?? null;
  const user = await accounts.readUser(email);
  const drives = await accounts.drivesOf(user.id);
  if (drives.length === 1) return drives[0]!.id;
  throw new CommandError(`${user.email} has ${drives.length} drives; say with --drive ID which one has the folder.`);
}

function list(): Command {
  return new WorkCommand('list')
    .description("list a user's app passwords, revoked ones too")
    .argument('<email>')
    .works(
      'firn app-password list anna@example.org',
      async ({ accounts, now: clock }, email: string, options: OutputOptions) => {
        const passwords = await accounts.appPasswords(email);
        const now = clock();
        const rows = passwords.map((row) => [
          `${row.id}`,
          row.name,
          stateOf(row, now),
          limitsOf(row),
          toMinute(row.createdAt),
          toMinute(row.lastUsedAt),
          row.lastClient ?? '-',
        ]);
        const columns = ['NUMBER', 'NAME', 'STATE', 'LIMITS', 'CREATED', 'LAST USED', 'BY'];
        print(options, passwords.map(describe), table(columns, rows));
      },
    );
}

function revoke(): Command {
  return new WorkCommand('revoke')
    .description('refuse an app password from the next request on')
    .argument('<email>')
    .argument('<number>', 'its number in the list', toNumber)
    .works(
      'firn app-password revoke anna@example.org 3',
      async ({ accounts }, email: string, number: number, options: OutputOptions) => {
        await accounts.revokeAppPassword(email, number);
        remark(`App password ${number} is revoked.`);
        print(options, { revoked: 1 }, '');
      },
    );
}

function revokeAll(): Command {
  return new WorkCommand('revoke-all')
    .description('refuse all app passwords of a user from the next request on')
    .argument('<email>')
    .works(
      'firn app-password revoke-all anna@example.org',
      async ({ accounts }, email: string, options: OutputOptions) => {
        const revoked = await accounts.revokeAppPasswords(email);
        remark(`${revoked} app password${revoked === 1 ? ' is' : 's are'} revoked.`);
        print(options, { revoked }, '');
      },
    );
}

function stateOf(row: AppPasswordRow, now: number): string {
  if (row.revokedAt !== null) return 'revoked';
  return row.expiresAt !== null && row.expiresAt <= now ? 'expired' : 'in force';
}

function limitsOf({ driveId, scopeId, allowance, expiresAt }: AppPasswordRow): string {
  const limits = [
    ...(driveId === null ? [] : [`drive ${driveId}`]),
    ...(scopeId === null ? [] : ['one folder']),
    ...(allowance === 'full' ? [] : [allowance]),
    ...(expiresAt === null ? [] : [`until ${toMinute(expiresAt)}`]),
  ];
  return limits.join(', ') || '-';
}

/** Never the selector or the hash. */
function describe(row: AppPasswordRow) {
  const isoOrNull = (time: number | null) => (time === null ? null : toIso(time));
  return {
    id: row.id,
    name: row.name,
    drive: row.driveId,
    hasFolder: row.scopeId !== null,
    allowance: row.allowance,
    createdAt: toIso(row.createdAt),
    expiresAt: isoOrNull(row.expiresAt),
    revokedAt: isoOrNull(row.revokedAt),
    lastUsedAt: isoOrNull(row.lastUsedAt),
    lastClient: row.lastClient,
    refusedAt: isoOrNull(row.refusedAt),
    refusedClient: row.refusedClient,
  };
}

/**
 * The folder at a path of a drive as one of its members sees it; what is missing of it is made. Throws `AccountError` and
 * `DriveError`.
 */
async function openFolder(parts: Parts, email: string, driveId: number, folder: string): Promise<NodeId> {
  const { accounts } = parts;
  const member = { ...(await accounts.readMember(driveId, email)), email };
  const drive = openDriveFor(parts, await accounts.readDrive(driveId), member);
  const { id, made } = await openScope(drive, folder);
  if (made > 0) remark(`The folder ${folder} is made.`);
  return id;
}
