// The bench: every kind of work against every server, one after the other, then one table.
import { randomFillSync } from 'node:crypto';
import { chmodSync, closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeBenchFolder } from './bench-folder.js';
import { describeMachine, measureDisk, pickCores, pinBench } from './machine.js';
import { HELP, parseOptions, UsageError } from './options.js';
import { allRows } from './rows.js';
import { runServer } from './run-server.js';
import { pickServers } from './servers/pick-servers.js';
import { MIB, sizesFor } from './sizes.js';
import { formatNumber, formatTable } from './table.js';
import { WORK_NAMES } from './works/all-works.js';

/**
 * Reads the command line; answers --help, --list and mistakes itself.
 * @param {string[]} args
 * @returns {ReturnType<typeof parseOptions> | number} the options, or the exit code where there is nothing to run
 */
export function readCommandLine(args) {
  try {
    const options = parseOptions(args, WORK_NAMES);
    if (!options.isHelp && !options.isList) return options;
    process.stdout.write(options.isHelp ? HELP : `${WORK_NAMES.join('\n')}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`bench: ${error.message}\n`);
    return 2;
  }
}

/** @typedef {Exclude<ReturnType<typeof readCommandLine>, number>} Options */

/** The Debian packages that a run with these options needs. @param {Options} options */
export function packagesFor(options) {
  const servers = pickServers(options.servers, options.isTwoCores);
  return [...new Set(['wrk', 'curl', 'util-linux', ...servers.flatMap((server) => server.packages)])];
}

/**
 * Runs everything; cleans up on every way out, signals included.
 * @param {Options} options
 * @returns {Promise<number>} the exit code
 */
export async function runBench(options) {
  const folder = makeBenchFolder(options.folder ?? undefined);
  chmodSync(folder, 0o755); // Apache's and nginx's workers must get through.
  return runAll(options, folder);
}

/** @param {Options} options @param {string} folder */
async function runAll(options, folder) {
  const machine = describeMachine();
  const cores = pickCores();
  pinBench(cores.load);
  const disk = measureDisk(folder);
  const sizes = sizesFor(options.isQuick, options.manyFiles);
  const randomPath = join(folder, 'random');
  writeRandomFile(randomPath, sizes.largeFileBytes);
  const rows = allRows(sizes, options.isQuick).filter((row) => options.works.includes(row.work));
  /** @type {Map<string, import('./table.js').Cell>} */
  const cells = new Map();
  const servers = [];
  for (const server of pickServers(options.servers, options.isTwoCores)) {
    servers.push({ name: server.name, title: server.title, version: await server.version().catch(() => '?') });
    await runServer(server, { options, cores, sizes, rows, cells, folder, randomPath });
  }
  const loadAfter = describeMachine().load;
  const disks = [disk, measureDisk(folder)];
  const text = describeRun(options, machine, disks, loadAfter);
  process.stdout.write(`${text}\n\n${formatTable(rows, servers, cells)}\n`);
  if (options.jsonPath !== undefined) {
    const run = { isQuick: options.isQuick, htpasswd: options.htpasswd, sizes, machine, disks, loadAfter, servers };
    const figures = servers.map(({ name }) => [name, figuresOf(name, rows, cells)]);
    writeFileSync(options.jsonPath, `${JSON.stringify({ ...run, figures: Object.fromEntries(figures) }, null, 2)}\n`);
  }
  return [...cells.values()].some((cell) => cell.kind === 'failed') ? 1 : 0;
}

/** @param {string} name @param {import('./rows.js').Row[]} rows @param {Map<string, import('./table.js').Cell>} cells */
function figuresOf(name, rows, cells) {
  return Object.fromEntries(rows.map((row) => [row.id, { ...cells.get(`${name} ${row.id}`), aim: row.aim }]));
}

/** @param {string} path @param {number} bytes */
function writeRandomFile(path, bytes) {
  const block = Buffer.alloc(MIB);
  const file = openSync(path, 'w');
  try {
    for (let left = bytes; left > 0; left -= block.length) writeSync(file, randomFillSync(block));
  } finally {
    closeSync(file);
  }
}

/** The lines above the table: without them its figures mean nothing. */
function describeRun(
  /** @type {Options} */ options,
  /** @type {ReturnType<typeof describeMachine>} */ machine,
  /** @type {ReturnType<typeof measureDisk>[]} before and after */ disks,
  /** @type {number} */ loadAfter,
) {
  const sequential = disks.map((disk) => formatNumber(disk.sequentialMbPerSecond)).join(' and ');
  const syncs = disks.map((disk) => formatNumber(disk.syncsPerSecond)).join(' and ');
  const quick = options.isQuick ? ' QUICK run: small sizes and short times, nothing to compare by.' : '';
  const slower = options.syncDelayMs > 0 ? ` Each sync of a server takes ${options.syncDelayMs} ms longer.` : '';
  return `${machine.processor}, ${machine.cores} cores, ${Math.round(machine.memoryGb)} GB, Linux ${machine.kernel}, \
Node ${machine.node}. Server and load on a core each.${quick}
Disk before and after: ${sequential} MB/s written and synced, ${syncs} small syncs/s.${slower} \
Load average before ${machine.load.toFixed(2)}, after ${loadAfter.toFixed(2)}. Passwords of Apache and nginx: ${options.htpasswd}.
Only Firn's PUT is durable: its peers answer before the bytes are on the disk.`;
}
