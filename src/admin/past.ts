import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { OPERATOR } from '../accounts/audit.js';
import type { Drive } from '../drive/drive.js';
import { Listing } from '../drive/listing.js';
import { type DrivePath, normalizePath } from '../drive/names.js';
import { endPast } from '../drive/past/retention.js';
import type { Version } from '../drive/past/versions.js';
import { NO_TOKENS } from '../drive/permit.js';
import { type Resource, readResource } from '../drive/resource.js';
import type { Parts } from '../parts.js';
import { toDriveId, toMoment } from './arguments.js';
import { formatByteSize } from './byte-size.js';
import { CommandError } from './command-error.js';
import { openDriveFor } from './operator.js';
import { table } from './table.js';
import { type OutputOptions, print, remark, toIso, toMinute, WorkCommand } from './workplace.js';

export interface PastOptions extends OutputOptions {
  readonly member?: string;
}

export const AS_MEMBER = 'as this member sees it; without: as the first one does';
export const PATH = 'the path below the drive, like "Common documents/plan.txt"';

export function historyCommand(): Command {
  return new WorkCommand('history')
    .description('list the versions of a file: when, by whom, how large')
    .argument('<id>', 'ID of the drive', toDriveId)
    .argument('<path>', PATH)
    .option('--member <email>', AS_MEMBER)
    .works(
      'firn history 123456 "Common documents/plan.txt"',
      async (parts, id: number, path: string, options: PastOptions) => {
        const drive = await openAs(parts, id, options);
        const versions = await allVersions(drive, segmentsOf(path));
        const shown = versions.map(({ id: number, from, until, size, modified, by, appPassword }) => ({
          ...{ number, size, modified: toIso(modified), by, appPassword },
          from: from === 0 ? null : toIso(from),
          until: until === null ? null : toIso(until),
        }));
        const rows = shown.map(({ from, until, size, by, appPassword }) => [
          ...[from ?? '-', until ?? 'now', formatByteSize(size), by ?? '-', appPassword ?? '-'],
        ]);
        print(options, shown, table(['FROM', 'UNTIL', 'SIZE', 'BY', 'APP PASSWORD'], rows));
      },
    );
}

export function showCommand(): Command {
  return new WorkCommand('show')
    .description('show a folder, or print a file, as it was at a moment')
    .argument('<id>', 'ID of the drive', toDriveId)
    .argument('[path]', PATH, '')
    .requiredOption('--at <time>', 'a moment like 2027-01-31T00:00Z', toMoment)
    .option('--member <email>', AS_MEMBER)
    .works(
      [
        'firn show 123456 "Common documents" --at 2027-01-31T00:00Z',
        'firn show 123456 plan.txt --at 2027-01-31T00:00Z > plan.txt',
      ],
      async (parts, id: number, path: string, options: PastOptions & { readonly at: number }) => {
        const drive = await (await openAs(parts, id, options)).at(options.at);
        const found = await drive.read((snapshot) => snapshot.find(segmentsOf(path), { withContent: true }));
        const resource = readResource(found);
        if (resource.isCollection) await showFolder(drive, resource, options);
        else await pipeline(Readable.from(await bytesOf(drive, found.content!)), process.stdout, { end: false });
      },
    );
}

export function restoreToCommand(): Command {
  return new WorkCommand('restore-to')
    .description('give a file again what it contained at a moment; what it contains now stays as a version')
    .argument('<id>', 'ID of the drive', toDriveId)
    .argument('<path>', PATH)
    .argument('<time>', 'a moment, as "firn history" shows them', toMoment)
    .option('--member <email>', AS_MEMBER)
    .works(
      'firn restore-to 123456 "Common documents/plan.txt" 2027-01-31T09:30Z',
      async (parts, id: number, path: string, moment: number, options: PastOptions) => {
        const drive = await openAs(parts, id, options);
        const segments = segmentsOf(path);
        const versions = await allVersions(drive, segments);
        const wanted = versions.find(({ from, until }) => from <= moment && (until === null || moment < until));
        if (!wanted) throw new CommandError('No version of that moment is kept; see "firn history".');
        if (wanted.id !== null) await drive.restoreVersion(segments, wanted.id, NO_TOKENS);
        remark(wanted.id === null ? 'It contains that already.' : `It is ${formatByteSize(wanted.size)} again.`);
        print(options, { path, from: toIso(wanted.from), restored: wanted.id !== null }, '');
      },
    );
}

export function pastCommand(): Command {
  return new Command('past').description('what a drive keeps of its past').addCommand(end());
}

function end(): Command {
  return new WorkCommand('end')
    .description('delete the past of a drive for good, to make room; what is there now stays')
    .argument('<id>', 'ID of the drive', toDriveId)
    .option('--before <time>', 'only what ended before a moment like 2027-01-31T00:00Z', toMoment)
    .works(
      'firn past end 123456 --before 2027-01-31T00:00Z',
      async (parts, id: number, options: OutputOptions & { before?: number }) => {
        const drive = await parts.accounts.readDrive(id);
        const before = options.before ?? Date.now();
        if (before > Date.now()) throw new CommandError('That moment has not come yet.');
        const removed = await endPast(parts.engines.metadata, drive.id, before);
        await parts.audit.note('past-ended', null, OPERATOR, { drive: drive.id, before: toIso(before), removed });
        remark(`${removed} former states deleted for good; "firn gc" frees their room.`);
        print(options, { removed }, '');
      },
    );
}

export async function openAs(parts: Parts, id: number, { member }: PastOptions): Promise<Drive> {
  const drive = await parts.accounts.readDrive(id);
  const [first] = await parts.accounts.members(drive.id);
  if (!first) throw new CommandError('The drive has no members; "firn drive add-member" adds one.');
  const { userId } = member === undefined ? first : await parts.accounts.readMember(drive.id, member);
  const members = await parts.accounts.members(drive.id);
  return openDriveFor(parts, drive, members.find((candidate) => candidate.userId === userId)!);
}

export function segmentsOf(path: string): DrivePath {
  return normalizePath(path.split('/').filter((segment) => segment !== ''));
}

async function allVersions(drive: Drive, path: DrivePath): Promise<Version[]> {
  const all: Version[] = [];
  for (let before: number | null = null; ; ) {
    const page: Awaited<ReturnType<Drive['versions']>> = await drive.versions(path, before);
    all.push(...page.versions);
    if (page.next === null) return all;
    before = page.next;
  }
}

async function showFolder(drive: Drive, folder: Resource, options: OutputOptions): Promise<void> {
  const listing = new Listing(folder, { isDeep: false });
  const members: Resource[] = [];
  for (;;) {
    const page = await drive.read((snapshot) => listing.next(snapshot));
    if (!page) break;
    members.push(...page);
  }
  const shown = members.map(({ name, isCollection, size, modified }) => ({
    ...{ name, isFolder: isCollection, bytes: isCollection ? null : size, modified: toIso(modified) },
  }));
  const rows = shown.map(({ name, isFolder, bytes, modified }) => [
    ...[isFolder ? `${name}/` : name, bytes === null ? '-' : formatByteSize(bytes), toMinute(Date.parse(modified))],
  ]);
  print(options, shown, table(['NAME', 'SIZE', 'MODIFIED'], rows));
}

async function bytesOf(drive: Drive, content: Parameters<Drive['open']>[0]): Promise<Iterable<Uint8Array> | Readable> {
  if (content.size === 0) return [];
  const bytes = await drive.open(content);
  return bytes instanceof Uint8Array ? [bytes] : bytes;
}
