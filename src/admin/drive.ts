import { Command } from 'commander';
import { allVerifiedAt } from '../jobs/scrub.js';
import type { Parts } from '../parts.js';
import type { DriveRow, Role } from '../stores/account-store.js';
import { type Limit, toBytes, toDriveId, toLimit, toRole } from './arguments.js';
import { formatByteSize } from './byte-size.js';
import { UsageError } from './command-error.js';
import { table } from './table.js';
import { type OutputOptions, print, remark, toIso, WorkCommand } from './workplace.js';

export function driveCommand(): Command {
  const command = new Command('drive').description('drives and their members');
  for (const make of [create, list, show, set, addMember, removeMember, members]) command.addCommand(make());
  return command;
}

interface CreateOptions extends OutputOptions {
  readonly owner: string;
  readonly id?: number;
  readonly quota?: number;
  readonly maxUpload?: number;
}

function create(): Command {
  return new WorkCommand('create')
    .description('make a drive and print its ID')
    .argument('<name>')
    .requiredOption('--owner <email>', 'its first manager')
    .option('--id <number>', 'its ID; a free random one when left out', toDriveId)
    .option('--quota <bytes>', 'most bytes on it, like 500GB', toBytes)
    .option('--max-upload <bytes>', 'largest file, like 100GB', toBytes)
    .works(
      'firn drive create "Keller & Co" --owner anna@example.org --quota 500GB',
      async ({ accounts, engines }, name: string, options: CreateOptions) => {
        const { id = null, quota: quotaBytes = null, maxUpload: uploadMaxBytes = null, owner: ownerEmail } = options;
        const drive = await accounts.createDrive({ id, name, ownerEmail, quotaBytes, uploadMaxBytes });
        print(options, await describe(engines, drive), `${drive.id}`);
      },
    );
}

function list(): Command {
  return new WorkCommand('list')
    .description('list the drives')
    .works('firn drive list', async ({ accounts, engines }, options: OutputOptions) => {
      const drives = [];
      for await (const drive of accounts.drives()) drives.push(await describe(engines, drive));
      const rows = drives.map((drive) => [
        `${drive.id}`,
        drive.name,
        formatByteSize(drive.usedBytes),
        sizeOrNone(drive.quotaBytes),
        drive.verifiedAt?.slice(0, 10) ?? 'not yet',
        `${drive.damaged}`,
      ]);
      print(options, drives, table(['ID', 'NAME', 'USED', 'QUOTA', 'VERIFIED', 'DAMAGED'], rows));
    });
}

function show(): Command {
  return new WorkCommand('show')
    .description('show one drive')
    .argument('<id>', 'ID of the drive', toDriveId)
    .works('firn drive show 123456', async ({ accounts, engines, config }, id: number, options: OutputOptions) => {
      const drive = await describe(engines, await accounts.readDrive(id));
      const members = await accounts.members(drive.id);
      const uploadMax = drive.uploadMaxBytes ?? config.uploadMaxBytes;
      const text = [
        `ID       ${drive.id}`,
        `Name     ${drive.name}`,
        `Used     ${formatByteSize(drive.usedBytes)} of ${sizeOrNone(drive.quotaBytes)}`,
        `Uploads  up to ${formatByteSize(uploadMax)} a file`,
        `Members  ${members.length}`,
        `Verified ${drive.verifiedAt ?? 'not yet'}`,
        `Damaged  ${drive.damaged} contents`,
        `Created  ${drive.createdAt}`,
      ].join('\n');
      print(options, { ...drive, members: members.length }, text);
    });
}

interface SetOptions extends OutputOptions {
  readonly name?: string;
  readonly quota?: Limit;
  readonly maxUpload?: Limit;
}

function set(): Command {
  return new WorkCommand('set')
    .description('change a drive')
    .argument('<id>', 'ID of the drive', toDriveId)
    .option('--name <name>', 'another name, also of its folder')
    .option('--quota <bytes>', 'most bytes on it, or none', toLimit)
    .option('--max-upload <bytes>', 'largest file, or none for the usual limit', toLimit)
    .works(
      'firn drive set 123456 --quota 1TB --max-upload 100GB',
      async ({ accounts, engines }, id: number, options: SetOptions) => {
        const { name, quota, maxUpload } = options;
        if (name === undefined && quota === undefined && maxUpload === undefined) {
          throw new UsageError('Nothing is to be set; give --name, --quota or --max-upload.');
        }
        await accounts.changeDrive(id, { name, quotaBytes: quota?.bytes, uploadMaxBytes: maxUpload?.bytes });
        remark(`Drive ${id} is changed.`);
        print(options, await describe(engines, await accounts.readDrive(id)), '');
      },
    );
}

function addMember(): Command {
  return new WorkCommand('add-member')
    .description('make a user a member, or give a member another role or quota')
    .argument('<id>', 'ID of the drive', toDriveId)
    .argument('<email>')
    .option('--role <role>', 'manager, member or viewer (who reads only); member when left out', toRole)
    .option('--quota <bytes>', 'most bytes of personal files and trash, or none', toLimit)
    .works(
      'firn drive add-member 123456 ben@example.org --role viewer',
      async ({ accounts }, id: number, email: string, options: OutputOptions & { role?: Role; quota?: Limit }) => {
        const { role, quotaBytes } = await accounts.putMember(id, email, {
          role: options.role,
          quotaBytes: options.quota?.bytes,
        });
        const user = await accounts.readUser(email);
        remark(`${user.email} is ${role} of drive ${id}.`);
        print(options, { drive: id, email: user.email, role, quotaBytes }, '');
      },
    );
}

function removeMember(): Command {
  return new WorkCommand('remove-member')
    .description('end a membership; personal files stay, out of sight, for when the member comes back')
    .argument('<id>', 'ID of the drive', toDriveId)
    .argument('<email>')
    .works(
      'firn drive remove-member 123456 ben@example.org',
      async ({ accounts }, id: number, email: string, options: OutputOptions) => {
        await accounts.removeMember(id, email);
        remark(`${email} is no member of drive ${id} any more.`);
        print(options, { drive: id, email, removed: true }, '');
      },
    );
}

function members(): Command {
  return new WorkCommand('members')
    .description('list the members of a drive')
    .argument('<id>', 'ID of the drive', toDriveId)
    .works('firn drive members 123456', async ({ accounts }, id: number, options: OutputOptions) => {
      const drive = await accounts.readDrive(id);
      const members = (await accounts.members(drive.id)).map(({ email, name, role, quotaBytes }) => {
        return { email, name, role, quotaBytes };
      });
      const rows = members.map((member) => [member.email, member.name, member.role, sizeOrNone(member.quotaBytes)]);
      print(options, members, table(['EMAIL', 'NAME', 'ROLE', 'QUOTA'], rows));
    });
}

async function describe(engines: Parts['engines'], drive: DriveRow) {
  const { id, name, quotaBytes, uploadMaxBytes, createdAt } = drive;
  const roots = { rootId: drive.rootId, homeId: drive.commonId, binId: drive.commonBinId };
  const { driveBytes: usedBytes } = await engines.metadata.read([id], (view) => view.usage(roots));
  const verified = await allVerifiedAt(engines.scrubStore);
  const damaged = (await engines.scrubStore.damagesByDrive()).get(id) ?? 0;
  const checked = { verifiedAt: verified === null ? null : toIso(verified), damaged };
  return { id, name, quotaBytes, uploadMaxBytes, usedBytes, ...checked, createdAt: toIso(createdAt) };
}

function sizeOrNone(bytes: number | null): string {
  return bytes === null ? 'no limit' : formatByteSize(bytes);
}
