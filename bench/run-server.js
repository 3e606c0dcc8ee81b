// All work against one server: a fresh process for each kind, the same storage for all.
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { send } from './http-client.js';
import { flushDisk } from './machine.js';
import { slowSyncs } from './slow-sync.js';
import { formatNumber } from './table.js';
import { WORKS } from './works/all-works.js';

/**
 * @typedef {object} Context
 * @property {import('./main.js').Options} options
 * @property {{ server: number, load: number }} cores
 * @property {import('./sizes.js').Sizes} sizes
 * @property {import('./rows.js').Row[]} rows
 * @property {Map<string, import('./table.js').Cell>} cells  filled here, by `${server name} ${row id}`
 * @property {string} folder
 * @property {string} randomPath
 */

/** @param {string} line */
const progress = (line) => process.stderr.write(`${line}\n`);

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * Runs the chosen work against one server and removes its files at the end. A failure fills the cells it leaves empty.
 * @param {import('./servers/server.js').Server} server
 * @param {Context} context
 */
export async function runServer(server, context) {
  const { options, cores, folder: parent } = context;
  const folder = join(parent, server.name);
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  const isPinned = !server.name.startsWith('firn-2-');
  const serverCores = isPinned ? String(cores.server) : `${cores.server},${cores.load}`;
  const placement = {
    core: isPinned ? cores.server : null,
    loadCore: isPinned ? cores.load : null,
    loadCores: isPinned ? String(cores.load) : serverCores,
  };
  try {
    const syncs = await slowSyncs(options.syncDelayMs, folder);
    const prepared = await server.prepare({ folder, cores: serverCores, htpasswd: options.htpasswd, syncs });
    for (const work of WORKS.filter(({ name }) => options.works.includes(name))) {
      if (server.works !== undefined && !server.works.includes(work.name)) continue;
      if (work.only !== undefined && !work.only.includes(server.name)) continue;
      await runWork({ server, work, prepared, placement, context });
    }
  } catch (error) {
    progress(`FAILED ${server.title}: ${messageOf(error)}`);
    for (const work of options.works) fillFailed(context, server, work, messageOf(error));
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    flushDisk(parent);
  }
}

/**
 * @param {Context} context
 * @param {import('./servers/server.js').Server} server
 * @param {string} work
 * @param {string} reason
 */
function fillFailed({ rows, cells }, server, work, reason) {
  for (const row of rows.filter((candidate) => candidate.work === work)) {
    const key = `${server.name} ${row.id}`;
    if (!cells.has(key)) cells.set(key, { kind: 'failed', reason });
  }
}

/**
 * One kind of work against a fresh process.
 * @param {{
 *   server: import('./servers/server.js').Server,
 *   work: import('./works/work.js').Work,
 *   prepared: import('./servers/server.js').Prepared,
 *   placement: { core: number | null, loadCore: number | null, loadCores: string },
 *   context: Context,
 * }} what
 */
async function runWork({ server, work, prepared, placement, context }) {
  const { cells, rows, sizes, folder, randomPath } = context;
  flushDisk(folder);
  const disturbance = trackDisturbance();
  /** @type {string[]} */
  const figures = [];
  /** @type {import('./servers/server.js').Running | undefined} */
  let running;
  try {
    running = await prepared.start();
    await checkGuarded(running.baseUrl, prepared.headers);
    await work.run({
      server: running,
      headers: prepared.headers,
      ...placement,
      sizes,
      folder,
      randomPath,
      note: disturbance.note,
      record(measure, value) {
        const row = rows.find((candidate) => candidate.id === `${work.name}.${measure}`);
        if (row === undefined) throw new Error(`no row for ${work.name}.${measure}`);
        if (!Number.isFinite(value)) throw new Error(`${row.id} came out as ${value}`);
        cells.set(`${server.name} ${row.id}`, { kind: 'value', value, foreignShare: disturbance.share() });
        figures.push(`${measure} ${formatNumber(value)}`);
      },
    });
    progress(`${server.title}, ${work.name}: ${figures.join(', ')}`);
  } catch (error) {
    progress(`FAILED ${server.title}, ${work.name}: ${messageOf(error)}`);
    fillFailed(context, server, work.name, messageOf(error));
  } finally {
    await running?.stop();
  }
}

/** Keeps the worst share of all measurements since the last figure that was recorded. */
function trackDisturbance() {
  let worst = 0;
  let isRecorded = false;
  return {
    /** @param {import('./measure.js').Cost} cost */
    note({ foreignShare }) {
      const share = Number.isNaN(foreignShare) ? 0 : foreignShare;
      worst = isRecorded ? share : Math.max(worst, share);
      isRecorded = false;
    },
    share() {
      isRecorded = true;
      return worst;
    },
  };
}

/**
 * A server that lets everyone in would be faster than it may be.
 * @param {string} url
 * @param {Record<string, string>} headers
 */
async function checkGuarded(url, headers) {
  if (headers.Authorization === undefined) return;
  const { status } = await send('PROPFIND', url, { headers: { Depth: '0' } });
  if (status !== 401) throw new Error(`the server answered ${status} without credentials, not 401`);
}
