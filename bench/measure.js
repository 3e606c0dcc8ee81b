// What a stretch of work cost the server: CPU, peak memory, and how much of its core others took meanwhile.
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
 * @property {number} foreignShare share of the server's core that others took (0 to 1); NaN where it isn't pinned or too short to tell
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

/** @param {number} foreignTicks @param {number} wallSeconds */
function shareOf(foreignTicks, wallSeconds) {
  if (wallSeconds < SHARE_SECONDS_MIN) return Number.NaN;
  return Math.max(0, foreignTicks / (wallSeconds * TICKS_PER_SECOND));
}

/**
 * Runs work and measures the server meanwhile.
 * @template T
 * @param {{ pid: number, core: number | null }} server core is null where the server isn't pinned to one
 * @param {() => Promise<T>} work
 * @returns {Promise<Cost & { result: T }>}
 */
export async function measure({ pid, core }, work) {
  resetPeakMemory(pid);
  const memoryBeforeMb = readMemoryMb(pid, 'VmRSS');
  let sampledMb = memoryBeforeMb;
  const sampler = setInterval(() => {
    sampledMb = Math.max(sampledMb, readMemoryMb(pid, 'VmRSS'));
  }, SAMPLE_MILLISECONDS);
  try {
    const busyBefore = core === null ? Number.NaN : readBusyTicks(core);
    const cpuBefore = readCpuTicks(pid);
    const scheduledBefore = readScheduledSeconds(pid);
    const started = performance.now();
    const result = await work();
    const wallSeconds = (performance.now() - started) / 1000;
    const cpuTicks = readCpuTicks(pid) - cpuBefore;
    const scheduledSeconds = readScheduledSeconds(pid) - scheduledBefore;
    const busyTicks = core === null ? Number.NaN : readBusyTicks(core) - busyBefore;
    if (listTree(pid).length === 1 && readMemoryMb(pid, 'VmRSS') === 0) throw new Error('the server ended meanwhile');
    return {
      result,
      wallSeconds,
      cpuSeconds: pickCpuSeconds(cpuTicks / TICKS_PER_SECOND, scheduledSeconds, listTree(pid).length),
      memoryBeforeMb,
      memoryPeakMb: Math.max(sampledMb, readMemoryMb(pid, 'VmHWM')),
      foreignShare: shareOf(busyTicks - cpuTicks, wallSeconds),
    };
  } finally {
    clearInterval(sampler);
  }
}
