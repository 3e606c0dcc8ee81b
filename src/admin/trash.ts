import { Command } from 'commander';
import { OPERATOR } from '../accounts/audit.js';
import type { NamedMember } from '../drive/membership.js';
import { TRASH_NAME } from '../drive/names.js';
import { emptyTrash } from '../drive/trash.js';
import type { Parts } from '../parts.js';
import type { DriveRow } from '../stores/account-store.js';
import type { TrashRow } from '../stores/metadata-store.js';
import type { DriveId, NodeId, UserId } from '../stores/values.js';
import { toDriveId, toNumber } from './arguments.js';
import { formatByteSize } from './byte-size.js';
import { CommandError } from './command-error.js';
import { openDriveFor } from './operator.js';
import { table } from './table.js';
import { type OutputOptions, print, remark, toIso, toMinute, WorkCommand } from './workplace.js';

const PAGE = 500;

interface TrashOptions extends OutputOptions {
  readonly member?: string;
}

/** A trash folder with whom it belongs to; null: the trash of the common files. */
interface Bin {
  readonly id: NodeId;
  readonly owner: NamedMember | null;
}

export function trashCommand(): Command {
  return new Command('trash')
    .description('deleted files and folders')
    .addCommand(list())
    .addCommand(restore())
    .addCommand(empty());
}

function list(): Command {
  return new WorkCommand('list')
    .description('list what lies in the trash of a drive: common files and those of every member')
    .argument('<id>', 'ID of the drive', toDriveId)
    .option('--member <email>', 'personal files of this member only')
    .works('firn trash list 123456', async (parts, id: number, options: TrashOptions) => {
      const drive = await parts.accounts.readDrive(id);
      const members = await parts.accounts.members(drive.id);
      const emails = new Map(members.map(({ userId, email }) => [userId, email]));
      const found = [];
      for (const bin of await binsOf(parts, drive, options.member)) {
        for await (const row of rowsOf(parts, drive.id, bin)) found.push(describe(row, emails));
      }
      const rows = found.map((row) => [
        `${row.number}`,
        row.isFolder ? `${row.name}/` : row.name,
        formatByteSize(row.bytes),
        toMinute(Date.parse(row.deletedAt)),
        row.deletedBy ?? '-',
        row.owner ?? 'everybody',
        row.originalPath,
      ]);
      const columns = ['NUMBER', 'NAME', 'SIZE', 'DELETED', 'BY', 'OWNER', 'FROM'];
      print(options, found, table(columns, rows));
    });
}

function restore(): Command {
  return new WorkCommand('restore')
    .description('put something back where it was; folders that are gone are made, a taken name gets a number')
    .argument('<id>', 'ID of the drive', toDriveId)
    .argument('<number>', 'its number in the list', toNumber)
    .works('firn trash restore 123456 4711', async (parts, id: number, number: number, options: OutputOptions) => {
      const drive = await parts.accounts.readDrive(id);
      const { row, owner } = await readTrashed(parts, drive, number);
      const seen = openDriveFor(parts, drive, owner);
      const [place] = await seen.restore([[TRASH_NAME, row.node.name]]);
      const path = `/${place!.join('/')}`;
      remark(`"${row.node.name}" is back as ${path}`);
      print(options, { number, path }, '');
    });
}

function empty(): Command {
  return new WorkCommand('empty')
    .description('delete what lies in the trash of a drive, for good')
    .argument('<id>', 'ID of the drive', toDriveId)
    .option('--member <email>', 'personal files of this member only')
    .works('firn trash empty 123456', async (parts, id: number, options: TrashOptions) => {
      const drive = await parts.accounts.readDrive(id);
      const bins = await binsOf(parts, drive, options.member);
      const ids = bins.map(({ id }) => id);
      const removed = await emptyTrash(parts.engines.metadata, drive.id, ids, parts.now());
      if (removed > 0) {
        const owner = options.member === undefined ? null : bins[0]!.owner!.userId;
        await parts.audit.note('trash-emptied', owner, OPERATOR, { drive: drive.id, removed });
      }
      remark(`${removed} deleted for good; "firn gc" frees their room.`);
      print(options, { removed }, '');
    });
}

/** The common trash first, unless only a member's is asked for. */
async function binsOf(parts: Parts, drive: DriveRow, email?: string): Promise<Bin[]> {
  const members = await parts.accounts.members(drive.id);
  const personal = members.map((member): Bin => ({ id: member.binId, owner: member }));
  if (email === undefined) return [{ id: drive.commonBinId, owner: null }, ...personal];
  const { userId } = await parts.accounts.readMember(drive.id, email);
  return personal.filter((bin) => bin.owner?.userId === userId);
}

async function* rowsOf({ engines }: Parts, driveId: DriveId, bin: Bin): AsyncGenerator<TrashRow> {
  for (let after: string | null = null; ; ) {
    const from: string | null = after;
    const page: TrashRow[] = await engines.metadata.read([driveId], (view) => view.trash([bin.id], from, PAGE));
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)!.node.name;
  }
}

/** Something in the trash, and a member who sees it there. Throws `CommandError`. */
async function readTrashed(
  parts: Parts,
  drive: DriveRow,
  number: number,
): Promise<{ row: TrashRow; owner: NamedMember }> {
  const row = await parts.engines.metadata.read([drive.id], (view) => view.findTrash(number as NodeId));
  if (row?.node.driveId !== drive.id) {
    throw new CommandError(
      `Drive ${drive.id} has nothing with the number ${number} in its trash; see "firn trash list".`,
    );
  }
  const members = await parts.accounts.members(drive.id);
  const owner = row.ownerId === null ? members[0] : members.find(({ userId }) => userId === row.ownerId);
  if (owner) return { row, owner };
  throw new CommandError('Its owner is no member of the drive any more; add them with "firn drive add-member" first.');
}

function describe(row: TrashRow, emails: ReadonlyMap<UserId, string>) {
  const emailOf = (id: UserId | null) => (id === null ? null : (emails.get(id) ?? `former member ${id}`));
  return {
    number: row.node.id,
    name: row.node.name,
    isFolder: row.node.isCollection,
    bytes: row.node.size,
    deletedAt: toIso(row.deletedAt),
    deletedBy: emailOf(row.deletedBy),
    owner: emailOf(row.ownerId),
    originalPath: row.originalPath,
  };
}
