import { Command } from 'commander';
import { pastRoom } from '../drive/past/room.js';
import type { Parts } from '../parts.js';
import type { DriveRow, MemberRow } from '../stores/account-store.js';
import type { Usage } from '../stores/metadata-store.js';
import { type Limit, toDriveId, toLimit } from './arguments.js';
import { formatByteSize } from './byte-size.js';
import { table } from './table.js';
import { type OutputOptions, print, remark, WorkCommand } from './workplace.js';

export function quotaCommand(): Command {
  return new Command('quota')
    .description('how full drives are, and how full they may get')
    .addCommand(show())
    .addCommand(set());
}

function show(): Command {
  return new WorkCommand('show')
    .description('show what a drive and each of its members use, trash included')
    .argument('<id>', 'ID of the drive', toDriveId)
    .works('firn quota show 123456', async ({ accounts, engines }, id: number, options: OutputOptions) => {
      const drive = await accounts.readDrive(id);
      const { driveBytes } = await usageOf(engines, drive, { homeId: drive.commonId, binId: drive.commonBinId });
      const members = [];
      for (const member of await accounts.members(drive.id)) {
        const { email, quotaBytes } = member;
        members.push({ email, usedBytes: (await usageOf(engines, drive, member)).memberBytes, quotaBytes });
      }
      const { held: pastBytes } = await pastRoom(engines.metadata, drive.id, 0);
      const result = { drive: id, usedBytes: driveBytes, quotaBytes: drive.quotaBytes, pastBytes, members };
      const rows = members.map((member) => [member.email, ...sizes(member)]);
      const past = ['its past', formatByteSize(pastBytes), 'not counted'];
      print(options, result, table(['WHO', 'USED', 'QUOTA'], [[`drive ${id}`, ...sizes(result)], ...rows, past]));
    });
}

function set(): Command {
  return new WorkCommand('set')
    .description("set a drive's quota, or with --member that of one member's personal files and trash")
    .argument('<id>', 'ID of the drive', toDriveId)
    .argument('<bytes>', 'like 500GB, or none', toLimit)
    .option('--member <email>', 'the member')
    .works(
      'firn quota set 123456 50GB --member ben@example.org',
      async (
        { accounts, engines },
        id: number,
        { bytes: quotaBytes }: Limit,
        options: OutputOptions & { member?: string },
      ) => {
        const { member = null } = options;
        const drive = await accounts.readDrive(id);
        let roots = { homeId: drive.commonId, binId: drive.commonBinId };
        if (member === null) {
          await accounts.changeDrive(id, { quotaBytes });
        } else {
          roots = await accounts.readMember(id, member);
          await accounts.putMember(id, member, { quotaBytes });
        }
        const who = member ?? `drive ${id}`;
        remark(
          quotaBytes === null ? `No quota holds for ${who}.` : `The quota of ${who} is ${formatByteSize(quotaBytes)}.`,
        );
        const usage = await usageOf(engines, drive, roots);
        const used = member === null ? usage.driveBytes : usage.memberBytes;
        if (quotaBytes !== null && used > quotaBytes) {
          remark(`${formatByteSize(used)} are used already: nothing more fits until less is.`);
        }
        print(options, { drive: id, member, quotaBytes }, '');
      },
    );
}

function usageOf(
  { metadata }: Parts['engines'],
  { id, rootId }: DriveRow,
  { homeId, binId }: Pick<MemberRow, 'homeId' | 'binId'>,
): Promise<Usage> {
  return metadata.read([id], (view) => view.usage({ rootId, homeId, binId }));
}

function sizes({ usedBytes, quotaBytes }: { usedBytes: number; quotaBytes: number | null }): [string, string] {
  return [formatByteSize(usedBytes), sizeOrNone(quotaBytes)];
}

function sizeOrNone(bytes: number | null): string {
  return bytes === null ? 'no limit' : formatByteSize(bytes);
}
