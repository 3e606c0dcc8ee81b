import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { SecretBox } from '../accounts/secret-box.js';
import { normalizePath } from '../drive/names.js';
import { claimStorage, StorageClaimedError } from '../engines/sqlite/storage-claim.js';
import { readStorageKey, SECRET_KEY } from '../engines/storage-key.js';
import {
  CONFLICT_RULES,
  type ConflictRule,
  IMPORT,
  type ImportProgress,
  type ImportRequest,
  passwordPurpose,
  sourceKey,
  sourceUrl,
} from '../jobs/import/import-request.js';
import { reportOf, toCsv } from '../jobs/import/report.js';
import type { JobRow } from '../stores/job-store.js';
import { toDriveId, toNumber } from './arguments.js';
import { CommandError } from './command-error.js';
import { describeImport, watchImport } from './import-progress.js';
import { table } from './table.js';
import { atWork, type OutputOptions, print, readPassword, remark, toMinute, type Workplace } from './workplace.js';

const SHOWN_MAX = 200;

interface StartOptions extends OutputOptions {
  readonly user: string;
  readonly drive: number;
  readonly as?: string;
  readonly from: string;
  readonly to: string;
  readonly conflict: ConflictRule;
  readonly wait?: boolean;
}

export function importCommand(): Command {
  return new Command('import')
    .description('take over everything from another WebDAV server')
    .addCommand(start())
    .addCommand(list())
    .addCommand(show())
    .addCommand(cancel())
    .addCommand(report());
}

function start(): Command {
  return new Command('start')
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
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ echo "$PASSWORD" | firn import start https://cloud.example.org/remote.php/dav/files/anna/ --user anna --password-stdin --drive 123456',
    )
    .action((url: string, options: StartOptions) =>
      atWork(async (workplace) => {
        const job = await addImport(workplace, url, options, await readPassword());
        if (!isServerRunning(workplace)) remark('No server runs on this storage; the import begins when one does.');
        remark(`Import ${job.id} is queued; "firn import show ${job.id}" tells how far it is.`);
        const last = options.wait ? await watchImport(workplace.engines.jobs, job.id) : job;
        print(options, describeImport(last), `${last.id}`);
        if (options.wait && last.state !== 'succeeded') {
          throw new CommandError(last.error ?? `The import is ${last.state}.`);
        }
      }),
    );
}

function list(): Command {
  return new Command('list')
    .description('list imports, the newest first')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ firn import list')
    .action((options: OutputOptions) =>
      atWork(async ({ engines }) => {
        const jobs = await engines.jobs.list({ kind: IMPORT }, null, SHOWN_MAX);
        const rows = jobs.map((job) => {
          const { url } = job.parameters as ImportRequest;
          const { done, files } = (job.progress ?? { done: 0, files: 0 }) as ImportProgress;
          return [`${job.id}`, job.state, `${job.driveId}`, `${done}/${files}`, toMinute(job.createdAt), url];
        });
        print(options, jobs.map(describeImport), table(['ID', 'STATE', 'DRIVE', 'FILES', 'BEGUN', 'FROM'], rows));
      }),
    );
}

function show(): Command {
  return new Command('show')
    .description('show how far an import is; on a terminal until it ends')
    .argument('<id>', 'its number in the list', toNumber)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ firn import show 12')
    .action((id: number, options: OutputOptions) =>
      atWork(async ({ engines }) => {
        const job = await readImport(engines, id);
        const isLive = !options.json && process.stdout.isTTY && job.endedAt === null;
        const last = isLive ? await watchImport(engines.jobs, id) : job;
        const facts = Object.entries(describeImport(last)).filter(([, value]) => value !== null);
        print(
          options,
          describeImport(last),
          table(
            ['WHAT', 'VALUE'],
            facts.map(([name, value]) => [name, `${value}`]),
          ),
        );
      }),
    );
}

function cancel(): Command {
  return new Command('cancel')
    .description('end an import; what has come stays, the password is removed')
    .argument('<id>', 'its number in the list', toNumber)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ firn import cancel 12')
    .action((id: number, options: OutputOptions) =>
      atWork(async ({ engines }) => {
        await readImport(engines, id);
        const isCancelled = await engines.jobs.cancel(id, Date.now());
        if (!isCancelled) throw new CommandError(`Import ${id} has ended already.`);
        remark(`Import ${id} is cancelled.`);
        print(options, { id }, '');
      }),
    );
}

function report(): Command {
  return new Command('report')
    .description('print as CSV what an import could not take, why, and what to do')
    .argument('<id>', 'its number in the list', toNumber)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ firn import report 12 > report.csv')
    .action((id: number, options: OutputOptions) =>
      atWork(async ({ engines }) => {
        const job = await readImport(engines, id);
        const { parameters, driveId, userId } = job;
        const key = sourceKey(parameters as ImportRequest, driveId!, userId!);
        const sourceId = await engines.imports.openSource(key, driveId!);
        const lines = [];
        if (!options.json) process.stdout.write(`${toCsv(['path', 'outcome', 'reason', 'what to do'])}\r\n`);
        for await (const line of reportOf(engines.imports, id, sourceId)) {
          if (options.json) lines.push(line);
          else process.stdout.write(`${toCsv([line.path, line.outcome, line.reason, line.advice])}\r\n`);
        }
        if (options.json) print(options, lines, '');
      }),
    );
}

async function addImport(workplace: Workplace, url: string, options: StartOptions, password: string): Promise<JobRow> {
  const { accounts, engines, config } = workplace;
  const drive = await accounts.readDrive(options.drive);
  const members = await engines.accounts.members(drive.id);
  const email = options.as ?? members.find(({ role }) => role === 'manager')?.email;
  if (email === undefined) throw new CommandError('The drive has no manager; say with --as whose files they become.');
  const { userId } = await accounts.readMember(drive.id, email);
  const request: ImportRequest = {
    url: sourceUrl(url, options.from),
    user: options.user,
    to: normalizePath(options.to.split('/').filter((name) => name !== '')).join('/'),
    conflict: options.conflict,
  };
  const box = new SecretBox(await readStorageKey(config.secretKeyFile ?? join(config.storage, SECRET_KEY)));
  const secret = box.seal(password, passwordPurpose(request, drive.id, userId));
  return engines.jobs.add({ kind: IMPORT, userId, driveId: drive.id, parameters: request, secret }, Date.now());
}

function isServerRunning({ config }: Workplace): boolean {
  try {
    claimStorage(config.storage)();
    return false;
  } catch (error) {
    if (error instanceof StorageClaimedError) return true;
    throw error;
  }
}

async function readImport({ jobs }: Workplace['engines'], id: number): Promise<JobRow> {
  const job = await jobs.find(id);
  if (job?.kind === IMPORT) return job;
  throw new CommandError(`There is no import ${id}; see "firn import list".`);
}

function toConflict(text: string): ConflictRule {
  const rule = CONFLICT_RULES.find((known) => known === text);
  if (rule) return rule;
  throw new InvalidArgumentError(`It is one of ${CONFLICT_RULES.join(', ')}.`);
}
