// COPY, MOVE and DELETE of a whole folder, one request each, many rounds: a clock tick is 10 ms, a MOVE less.
import { Agent } from 'node:http';
import { putMany, sendExpecting } from '../http-client.js';
import { flushDisk } from '../machine.js';
import { measure } from '../measure.js';
import { makeFolder, median } from './work.js';

const WARM_UP_ROUNDS = 3;

/**
 * @typedef {object} Step
 * @property {string} method
 * @property {(round: number) => string} url
 * @property {(round: number) => Record<string, string>} headers
 */

/**
 * Sends the step once for each round, one after the other.
 * @param {Step} step
 * @param {number} rounds
 * @returns {Promise<number[]>} wall milliseconds of each
 */
async function runRounds({ method, url, headers }, rounds) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      await sendExpecting([200, 201, 204], method, url(round), { headers: headers(round), agent });
      times.push(performance.now() - started);
    }
  } finally {
    agent.destroy();
  }
  return times;
}

/** The three steps: copies of the source, their new names, their end. */
function makeSteps(/** @type {string} */ baseUrl, /** @type {Record<string, string>} */ credentials) {
  /** @param {number} round */
  const copyUrl = (round) => `${baseUrl}copy-${round}/`;
  /** @param {number} round */
  const movedUrl = (round) => `${baseUrl}moved-${round}/`;
  /** @param {string} destination */
  const to = (destination) => ({ ...credentials, Destination: destination, Overwrite: 'F' });
  /** @type {Step[]} */
  const steps = [
    { method: 'COPY', url: () => `${baseUrl}source/`, headers: (round) => to(copyUrl(round)) },
    { method: 'MOVE', url: copyUrl, headers: (round) => to(movedUrl(round)) },
    { method: 'DELETE', url: movedUrl, headers: () => credentials },
  ];
  return steps;
}

/** @param {import('./work.js').Bench} bench */
async function runTree(bench) {
  const { sizes, headers } = bench;
  const baseUrl = await makeFolder(bench, 'tree');
  const sourceUrl = await makeFolder(bench, 'tree/source');
  await putMany(sourceUrl, sizes.folderMembers, sizes.smallFileBytes, headers);
  const steps = makeSteps(baseUrl, headers);
  for (const step of steps) await runRounds(step, WARM_UP_ROUNDS);
  for (const step of steps) {
    flushDisk(bench.folder);
    const cost = await measure(bench, () => runRounds(step, sizes.treeRounds));
    bench.note(cost);
    const name = step.method.toLowerCase();
    bench.record(`${name}.cpu`, (cost.cpuSeconds * 1000) / sizes.treeRounds);
    bench.record(`${name}.wall`, median(cost.result));
    if (step.method !== 'DELETE') await checkWhole(step, sizes, headers);
  }
}

/**
 * A file of the last folder made must be there: a quick answer for half the work doesn't count.
 * @param {Step} step
 * @param {import('../sizes.js').Sizes} sizes
 * @param {Record<string, string>} headers
 */
async function checkWhole(step, { treeRounds, folderMembers, smallFileBytes }, headers) {
  const destination = step.headers(treeRounds - 1).Destination;
  const url = `${destination}file-${folderMembers - 1}.bin`;
  const { body } = await sendExpecting([200], 'GET', url, { headers });
  if (body.length !== smallFileBytes) throw new Error(`${step.method} left a file of another length`);
}

/** @type {import('./work.js').Work[]} */
export const treeWorks = [{ name: 'tree', run: runTree }];
