import { writeFile } from 'node:fs/promises';
import { Argument, type Command } from 'commander';
import { checkNewName, normalizePath } from '../drive/names.js';
import type { Parts } from '../parts.js';
import { toDriveId } from './arguments.js';
import { CommandError, UsageError } from './command-error.js';
import { CLIENTS, type Connection, folderAddress } from './connection-files.js';
import { driveAddress } from './drive-address.js';
import { type OutputOptions, print, readPassword, remark, WorkCommand } from './workplace.js';

interface ConnectOptions extends OutputOptions {
  readonly user?: string;
  readonly folder?: string;
  readonly passwordStdin?: boolean;
  readonly output?: string;
}

export function connectCommand(): Command {
  return new WorkCommand('connect')
    .description('print what connects a program to a drive: a file for it, or the lines and the address to type')
    .argument('<id>', 'ID of the drive', toDriveId)
    .addArgument(new Argument('<client>', 'the program').choices([...CLIENTS.keys()]))
    .option('--user <email>', 'who uses it; may be left out where the drive has one member')
    .option('--folder <path>', "the program's root, as the user sees it, like /joplin")
    .option('--password-stdin', 'read the password, better an app password, from standard input (rclone, davfs2)')
    .option('--output <file>', 'write a new file, readable by its owner alone')
    .works(
      [
        'firn connect 123456 windows --output firn.reg',
        'firn connect 123456 joplin --user anna@example.org --folder /joplin',
        'firn app-password create anna@example.org rclone --drive 123456 |\n      firn connect 123456 rclone --user anna@example.org --password-stdin >> ~/.config/rclone/rclone.conf',
      ],
      async (parts, id: number, word: string, options: ConnectOptions) => {
        const client = CLIENTS.get(word)!;
        if (options.passwordStdin && !client.holdsPassword) {
          throw new UsageError(`${client.name} takes the password itself; leave --password-stdin out.`);
        }
        if (options.folder !== undefined && client.wantsServer) {
          throw new UsageError(
            `${client.name} wants the drive and lets people choose its folders; leave --folder out.`,
          );
        }
        const connection = await prepare(parts, id, options);
        const { text, hint } = client.write(connection);
        const { driveId: drive, user } = connection;
        const address = `${folderAddress(connection)}`;
        const result = { drive, client: word, user, address, text, hint };
        if (options.output === undefined) {
          print(options, result, text);
        } else {
          await writeNew(options.output, `${text}\n`);
          print(options, { ...result, output: options.output }, '');
        }
        remark(hint);
      },
    );
}

async function prepare(parts: Parts, id: number, options: ConnectOptions): Promise<Connection> {
  const { accounts, config } = parts;
  const drive = await accounts.readDrive(id);
  const user = await chooseUser(parts, drive.id, options.user);
  const folder = normalizePath((options.folder ?? '').split('/').filter((name) => name !== ''));
  for (const name of folder) checkNewName(name);
  const password = options.passwordStdin ? await readPassword() : null;
  return { driveId: drive.id, driveName: drive.name, user, password, drive: driveAddress(config, drive.id), folder };
}

/** As the account spells the address. */
async function chooseUser({ accounts }: Parts, id: number, email: string | undefined): Promise<string> {
  if (email !== undefined) {
    await accounts.readMember(id, email);
    return (await accounts.readUser(email)).email;
  }
  const members = await accounts.members((await accounts.readDrive(id)).id);
  if (members.length === 1) return members[0]!.email;
  throw new CommandError(`Drive ${id} has ${members.length} members; say with --user EMAIL for whom this is.`);
}

/** Never over a file that is there: it may hold other connections. */
async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === 'EEXIST' ? `${file} is there already` : `${file} can't be written (${message})`;
    throw new CommandError(`${reason}; name another file with --output.`, { cause });
  }
}
