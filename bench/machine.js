// The machine under the bench: its cores, its disk, its load, and what else ran meanwhile.
import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { MIB } from './sizes.js';

/** The first two cores this process may use: one for the server, one for the load. */
export function pickCores() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '0';
  const cores = list.split(',').flatMap((range) => {
    const [first, last] = range.split('-').map(Number);
    return Array.from({ length: (last ?? first) - first + 1 }, (_, index) => first + index);
  });
  if (cores.length < 2) throw new Error('The bench needs two cores: one for the server, one for the load.');
  return { server: cores[0], load: cores[1] };
}

/** Puts this process with all its threads on one core; what it starts is born there. @param {number} core */
export function pinBench(core) {
  execFileSync('taskset', ['-acp', String(core), String(process.pid)], { stdio: 'ignore' });
}

/**
 * Clock ticks (1/100 s) that a core was busy since boot, by whatever, the hypervisor's other guests included.
 * @param {number} core
 */
export function readBusyTicks(core) {
  const line = readFileSync('/proc/stat', 'utf8').match(new RegExp(`^cpu${core} (.*)$`, 'm'))?.[1] ?? '';
  const [user, nice, system, , , irq, softirq, steal] = line.split(' ').map(Number);
  return user + nice + system + irq + softirq + steal;
}

/**
 * What the disk itself gives: the ceiling of every durable upload.
 * @param {string} folder
 */
export function measureDisk(folder) {
  const path = join(folder, 'disk-speed');
  const block = Buffer.alloc(4 * MIB, 'firn');
  const file = openSync(path, 'w');
  try {
    const blocks = 128;
    const started = performance.now();
    for (let index = 0; index < blocks; index++) writeSync(file, block);
    fsyncSync(file);
    const sequentialMbPerSecond = (blocks * block.length) / 1000 / (performance.now() - started);
    const syncs = 200;
    const syncStarted = performance.now();
    for (let index = 0; index < syncs; index++) {
      writeSync(file, block, 0, 4096);
      fdatasyncSync(file);
    }
    return { sequentialMbPerSecond, syncsPerSecond: (syncs * 1000) / (performance.now() - syncStarted) };
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

/** Writes out what earlier work left in the page cache, so that the next doesn't pay for it. @param {string} folder */
export function flushDisk(folder) {
  execFileSync('sync', ['-f', folder]);
}

export function describeMachine() {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: totalmem() / 1e9,
    kernel: release(),
    node: process.version,
    load: loadavg()[0],
  };
}
