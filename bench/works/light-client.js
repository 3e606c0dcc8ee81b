// A client that asks for little while somebody else asks for much: how long it waits is what fairness means.
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendExpecting } from '../http-client.js';
import { measure } from '../measure.js';

/** Between an answer and the next request, in milliseconds: a wait of 50 ms is hit, and the server has time for others. */
const PAUSE_MS = 20;
/** How long it goes on after the work: what the work left behind may keep it waiting too, in milliseconds. */
const AFTER_MS = 500;

/**
 * Asks one address over a connection of its own until `isOver`.
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {() => boolean} isOver
 * @returns {Promise<number[]>} milliseconds of each answer, sorted
 */
async function askOn(url, headers, isOver) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  try {
    while (!isOver()) {
      const started = performance.now();
      await sendExpecting([200], 'GET', url, { headers, agent });
      times.push(performance.now() - started);
      await sleep(PAUSE_MS);
    }
  } finally {
    agent.destroy();
  }
  return times.sort((a, b) => a - b);
}

/**
 * Does the heavy work and records what `/healthz` and a GET of a small file waited meanwhile, the server's peak memory and
 * how long the work took.
 * @param {import('./work.js').Bench} bench
 * @param {string} fileUrl a small file
 * @param {() => Promise<unknown>} heavy
 */
export async function recordWaits(bench, fileUrl, heavy) {
  let isOver = false;
  const healthUrl = new URL('/healthz', bench.server.baseUrl).href;
  const cost = await measure(bench, async () => {
    const light = [askOn(healthUrl, {}, () => isOver), askOn(fileUrl, bench.headers, () => isOver)];
    const started = performance.now();
    try {
      await heavy();
    } finally {
      const lasted = performance.now() - started;
      await sleep(AFTER_MS);
      isOver = true;
      bench.record('lasted', lasted / 1000);
    }
    return Promise.all(light);
  });
  const [health, gets] = cost.result;
  bench.note(cost);
  bench.record('healthz-p50', health[health.length >> 1]);
  bench.record('healthz-max', health[health.length - 1]);
  bench.record('get-p50', gets[gets.length >> 1]);
  bench.record('get-max', gets[gets.length - 1]);
  bench.record('memory', cost.memoryPeakMb);
}
