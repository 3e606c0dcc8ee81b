// What a stretch of work cost the server: CPU, peak memory, and how much of both cores others took meanwhile.
import { readBusyTicks } from './machine.js';
import { listTree, readCpuTicks, readMemoryMb, readScheduledSeconds, resetPeakMemory } from './processes.js';

const SHARE_SECONDS_MIN = 0.5; // In less, a few ticks more or less look like somebody's work.
const SAMPLE_MILLISECONDS = 200;
const TICKS_PER_SECOND = 100; // USER_HZ is 100 on every Linux that Node runs on.

/**
 * @typedef {object} Cost
 * @property {number} cpuSeconds
 * @property {number} wallSeconds
 * @property {number} memoryBeforeMb
 * @property {number} memoryPeakMb
 * @property {number} foreignShare the larger share that others took of the server's and of the load's core (0 to 1); NaN
 *   where the server isn't pinned or the time was too short to tell
 */

/**
 * @typedef {Pick<import('./works/work.js').Bench, 'core' | 'loadCore'> & { server: { pid: number } }} Placed
 */

/**
 * Ticks count everything but in steps of 10 ms, the scheduler is exact but forgets ended threads: where the two agree but
 * for the steps, no thread was forgotten.
 * @param {number} byTicks seconds
 * @param {number} scheduled seconds
 * @param {number} processes
 */
function pickCpuSeconds(byTicks, scheduled, processes) {
  const tickError = (4 / TICKS_PER_SECOND) * processes; // user and system, before and after
  return Math.abs(byTicks - scheduled) < tickError ? scheduled : byTicks;
}

/**
 * Busy ticks of both cores and those of the server and of the bench with its load programs: what is left is others'.
 * @param {Placed} bench
 */
function readTicks({ server, core, loadCore }) {
  const own = readCpuTicks(server.pid);
  return {
    own,
    foreign: core === null ? Number.NaN : readBusyTicks(core) - own,
    foreignToLoad: loadCore === null ? Number.NaN : readBusyTicks(loadCore) - (readCpuTicks(process.pid) - own),
  };
}

/**
 * The larger share that others had of the server's and of the load's core.
 * @param {ReturnType<typeof readTicks>} before
 * @param {ReturnType<typeof readTicks>} after
 * @param {number} wallSeconds
 */
function foreignShareOf(before, after, wallSeconds) {
  if (wallSeconds < SHARE_SECONDS_MIN) return Number.NaN;
  const ticks = Math.max(after.foreign - before.foreign, after.foreignToLoad - before.foreignToLoad);
  return Math.max(0, ticks / (wallSeconds * TICKS_PER_SECOND));
}

/**
 * Runs work and measures the server meanwhile.
 * @template T
 * @param {Placed} bench
 * @param {() => Promise<T>} work
 * @returns {Promise<Cost & { result: T }>}
 */
export async function measure(bench, work) {
  const { pid } = bench.server;
  resetPeakMemory(pid);
  const memoryBeforeMb = readMemoryMb(pid, 'VmRSS');
  let sampledMb = memoryBeforeMb;
  const sampler = setInterval(() => {
    sampledMb = Math.max(sampledMb, readMemoryMb(pid, 'VmRSS'));
  }, SAMPLE_MILLISECONDS);
  try {
    const before = readTicks(bench);
    const scheduledBefore = readScheduledSeconds(pid);
    const started = performance.now();
    const result = await work();
    const wallSeconds = (performance.now() - started) / 1000;
    const scheduledSeconds = readScheduledSeconds(pid) - scheduledBefore;
    const after = readTicks(bench);
    if (readMemoryMb(pid, 'VmRSS') === 0) throw new Error('the server ended meanwhile');
    return {
      result,
      wallSeconds,
      cpuSeconds: pickCpuSeconds((after.own - before.own) / TICKS_PER_SECOND, scheduledSeconds, listTree(pid).length),
      memoryBeforeMb,
      memoryPeakMb: Math.max(sampledMb, readMemoryMb(pid, 'VmHWM')),
      foreignShare: foreignShareOf(before, after, wallSeconds),
    };
  } finally {
    clearInterval(sampler);
  }
}
