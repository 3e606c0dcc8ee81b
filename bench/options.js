// The command line of the bench.
import { parseArgs } from 'node:util';

export const SERVER_NAMES = ['firn', 'apache', 'nginx', 'rclone', 'bare-node'];

export const HELP = `npm run bench -- [options]

The same work against Firn and its peers, in one run; one Markdown table at the end.

  --only NAMES       servers, separated by commas: ${SERVER_NAMES.join(', ')} (default: all)
  --work NAMES       kinds of work, by name or by the start of a name: --work get,put (default: all)
  --cores 1|2        2 adds columns for Firn with two cores to itself and its client, not pinned: one process, and two
                     workers (default: 1)
  --htpasswd md5|sha1  how Apache and nginx keep the password: md5 is what htpasswd writes unless told otherwise and
                     costs them hundreds of microseconds a request, sha1 next to nothing (default: md5)
  --sync-delay MS    each fsync and fdatasync of the servers takes so much longer, as on a slower disk (default: 0)
  --many FILES       how many files the work "many" has, like 1000000 (default: 100000)
  --json FILE        also write every figure, with the machine and the versions, to FILE
  --folder DIR       where the temporary storage folder is made; its disk is what is measured (default: the system's
                     temporary folder)
  --quick            shorter and smaller: to see that everything works, not to compare
  --list             print the names of the work and stop
  --help             print this and stop

Exit code: 0 all cells have figures, 1 a cell failed, 2 wrong usage.
`;

/** A mistake on the command line; its message says what to do. */
export class UsageError extends Error {}

/** @param {string | undefined} text */
function splitNames(text) {
  return text === undefined ? null : text.split(',').filter((name) => name !== '');
}

/**
 * @param {string} option
 * @param {string} value
 * @param {string[]} allowed
 */
function checkOneOf(option, value, allowed) {
  if (!allowed.includes(value)) throw new UsageError(`--${option} ${value}: choose from ${allowed.join(', ')}`);
}

/**
 * Reads the arguments; throws UsageError on anything unknown.
 * @param {string[]} args
 * @param {string[]} workNames every kind of work there is
 */
export function parseOptions(args, workNames) {
  const { values } = readArguments(args);
  const only = splitNames(values.only) ?? SERVER_NAMES;
  for (const name of only) checkOneOf('only', name, SERVER_NAMES);
  const starts = splitNames(values.work) ?? workNames;
  for (const start of starts) {
    if (!workNames.some((name) => name.startsWith(start))) checkOneOf('work', start, workNames);
  }
  checkOneOf('cores', values.cores, ['1', '2']);
  checkOneOf('htpasswd', values.htpasswd, ['md5', 'sha1']);
  if (!/^\d{1,4}$/.test(values['sync-delay'])) throw new UsageError('--sync-delay needs milliseconds, like 12');
  const manyFiles = values.many === undefined ? null : Number(values.many);
  if (manyFiles !== null && !(manyFiles > 0 && manyFiles % 10_000 === 0)) {
    throw new UsageError('--many needs a number of files that 10,000 divides, like 1000000');
  }
  return {
    servers: SERVER_NAMES.filter((name) => only.includes(name)),
    works: workNames.filter((name) => starts.some((start) => name.startsWith(start))),
    isTwoCores: values.cores === '2',
    htpasswd: values.htpasswd,
    syncDelayMs: Number(values['sync-delay']),
    manyFiles,
    jsonPath: values.json,
    folder: values.folder,
    isQuick: values.quick,
    isList: values.list,
    isHelp: values.help,
  };
}

/** @param {string[]} args */
function readArguments(args) {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: 'string' },
        work: { type: 'string' },
        cores: { type: 'string', default: '1' },
        htpasswd: { type: 'string', default: 'md5' },
        'sync-delay': { type: 'string', default: '0' },
        many: { type: 'string' },
        json: { type: 'string' },
        folder: { type: 'string' },
        quick: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message, { cause: error });
  }
}
