import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { knownServers } from '../cluster/cluster-report.js';
import { RetryableError } from '../jobs/back-off.js';
import { RefusedAddressError } from '../jobs/import/address-guard.js';
import { CONFLICT_RULES, type ConflictRule } from '../jobs/import/import-request.js';
import type { Imports, ImportView } from '../jobs/import/imports.js';
import { reportCsv } from '../jobs/import/report.js';
import { JobFailedError } from '../jobs/job-runner.js';
import type { Parts } from '../parts.js';
import { toDriveId, toNumber } from './arguments.js';
import { formatByteSize } from './byte-size.js';
import { CommandError } from './command-error.js';
import { factsOf, isComplete, toJson, watchImport } from './import-progress.js';
import { table } from './table.js';
import { type OutputOptions, print, readPassword, remark, toMinute, WorkCommand } from './workplace.js';

const SHOWN_MAX = 200;

interface SourceOptions extends OutputOptions {
  readonly user: string;
  readonly from: string;
}

interface StartOptions extends SourceOptions {
  readonly drive: number;
  readonly as?: string;
  readonly to: string;
  readonly conflict: ConflictRule;
  readonly wait?: boolean;
}

export function importCommand(): Command {
  return new Command('import')
    .description('take over everything from another WebDAV server')
    .addCommand(test())
    .addCommand(start())
    .addCommand(list())
    .addCommand(show())
    .addCommand(cancel())
    .addCommand(report());
}

function test(): Command {
  return new WorkCommand('test')
    .description('try the connection to another server and show what its folder holds; imports nothing')
    .argument('<url>', 'address of its WebDAV folder')
    .requiredOption('--user <name>', 'user name there')
    .requiredOption('--password-stdin', 'read the password there from standard input')
    .option('--from <path>', 'a folder below the address', '')
    .works(
      'echo "$PASSWORD" | firn import test https://cloud.example.org/remote.php/dav/files/anna/ --user anna --password-stdin',
      async (parts, url: string, options: SourceOptions) => {
        const { user, from } = options;
        const imports = await parts.openImports();
        const request = { url, user, from, password: await readPassword() };
        const found = await imports.test(request, new AbortController().signal).catch(toCommandError);
        const { folders, files, bytes, isMore, names } = found;
        remark(
          `${found.url} answers. At its top${isMore ? ' there are more than' : ''}: ${count(folders, 'folder')}, ` +
            `${count(files, 'file')} of ${formatByteSize(bytes)}.` +
            (found.isDriveRoot ? ' It is the root of a drive; its trash will be left out.' : ''),
        );
        print(options, found, names.join('\n'));
      },
    );
}

function start(): Command {
  return new WorkCommand('start')
    .description('import from another server; run again, it takes only what changed')
    .argument('<url>', 'address of its WebDAV folder')
    .requiredOption('--user <name>', 'user name there')
    .requiredOption('--password-stdin', 'read the password there from standard input')
    .requiredOption('--drive <id>', 'ID of the drive that takes it', toDriveId)
    .option('--as <email>', 'the member whose files they become; its first manager otherwise')
    .option('--from <path>', 'a folder below the address', '')
    .option('--to <path>', 'a folder of the drive, which is made where it is missing', '')
    .option('--conflict <rule>', 'what is here already: skip, overwrite or keep-both', toConflict, 'skip')
    .option('--wait', 'stay until it has ended')
    .works(
      'echo "$PASSWORD" | firn import start https://cloud.example.org/remote.php/dav/files/anna/ --user anna --password-stdin --drive 123456',
      async (parts, url: string, options: StartOptions) => {
        const imports = await parts.openImports();
        const job = await addImport(imports, parts, url, options);
        if (!(await isServed(parts))) remark('No server runs on this storage; the import begins when one does.');
        remark(`Import ${job.id} is queued; "firn import show ${job.id}" tells how far it is.`);
        const last = options.wait ? await watchImport(imports, job.id) : job;
        print(options, toJson(last), `${last.id}`);
        if (options.wait) sayEnd(last);
      },
    );
}

function list(): Command {
  return new WorkCommand('list')
    .description('list imports, the newest first')
    .works('firn import list', async (parts, options: OutputOptions) => {
      const found = await (await parts.openImports()).list(null, null, SHOWN_MAX);
      const rows = found.map((view) => [
        `${view.id}`,
        view.state,
        `${view.driveId}`,
        `${(view.done ?? 0) + (view.unchanged ?? 0)}/${view.files ?? 0}`,
        `${(view.skipped ?? 0) + (view.failed ?? 0)}`,
        toMinute(view.createdAt),
        view.url,
      ]);
      const columns = ['ID', 'STATE', 'DRIVE', 'FILES', 'LEFT OUT', 'QUEUED', 'FROM'];
      print(options, found.map(toJson), table(columns, rows));
    });
}

function show(): Command {
  return new WorkCommand('show')
    .description('show how far an import is; on a terminal until it ends')
    .argument('<id>', 'its number in the list', toNumber)
    .works('firn import show 12', async (parts, id: number, options: OutputOptions) => {
      const imports = await parts.openImports();
      const view = await readImport(imports, id);
      const isLive = !options.json && process.stdout.isTTY && view.endedAt === null;
      const last = isLive ? await watchImport(imports, id) : view;
      print(options, toJson(last), facts(last));
    });
}

function cancel(): Command {
  return new WorkCommand('cancel')
    .description('end an import; what has come stays, the password is removed')
    .argument('<id>', 'its number in the list', toNumber)
    .works('firn import cancel 12', async (parts, id: number, options: OutputOptions) => {
      const imports = await parts.openImports();
      await readImport(imports, id);
      if (!(await imports.cancel(id))) throw new CommandError(`Import ${id} has ended already.`);
      remark(`Import ${id} ends now; what has come stays.`);
      print(options, { id }, '');
    });
}

function report(): Command {
  return new WorkCommand('report')
    .description('print as CSV what an import could not take, why, and what to do')
    .argument('<id>', 'its number in the list', toNumber)
    .works('firn import report 12 > report.csv', async (parts, id: number, options: OutputOptions) => {
      const imports = await parts.openImports();
      await readImport(imports, id);
      if (!options.json) {
        for await (const line of reportCsv(imports.report(id))) await write(line);
        return;
      }
      const lines = [];
      for await (const line of imports.report(id)) lines.push(line);
      print(options, lines, '');
    });
}

async function addImport(imports: Imports, { accounts }: Parts, url: string, options: StartOptions) {
  const drive = await accounts.readDrive(options.drive);
  const members = await accounts.members(drive.id);
  const email = options.as ?? members.find(({ role }) => role === 'manager')?.email;
  if (email === undefined) throw new CommandError('The drive has no manager; say with --as whose files they become.');
  const { userId } = await accounts.readMember(drive.id, email);
  const { user, from, to, conflict } = options;
  const password = await readPassword();
  return imports.start({ url, from, user, password, driveId: drive.id, userId, to, conflict });
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

async function readImport(imports: Imports, id: number): Promise<ImportView> {
  const view = await imports.find(id);
  if (view) return view;
  throw new CommandError(`There is no import ${id}; see "firn import list".`);
}

function facts(view: ImportView): string {
  const [[what, how], ...rest] = factsOf(view) as [[string, string], ...[string, string][]];
  return table([what, how], rest);
}

function sayEnd(view: ImportView): void {
  if (view.state !== 'succeeded') throw new CommandError(view.error ?? `The import is ${view.state}.`);
  remark(facts(view));
  if (!isComplete(view)) remark(`Not everything could be taken: see "firn import report ${view.id}".`);
}

/** A report may be long, and its reader slow. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** What the source said is for people as it is. */
function toCommandError(error: unknown): never {
  const isSaid = [RetryableError, JobFailedError, RefusedAddressError].some((kind) => error instanceof kind);
  throw isSaid ? new CommandError((error as Error).message, { cause: error }) : error;
}

function toConflict(text: string): ConflictRule {
  const rule = CONFLICT_RULES.find((known) => known === text);
  if (rule) return rule;
  throw new InvalidArgumentError(`It is one of ${CONFLICT_RULES.join(', ')}.`);
}

/** Whether a server would begin what waits. */
async function isServed({ engines }: Parts): Promise<boolean> {
  if (!engines.cluster) return engines.isServed();
  return (await knownServers(engines.cluster.store)).some(({ state }) => state === 'lives');
}
