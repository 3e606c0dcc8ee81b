// Starting, measuring and stopping what the bench runs. Everything started here is stopped by its id, on every way out.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const STOP_SECONDS_MAX = 15;
const START_SECONDS_MAX = 30;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/** Last resort, for the way out: kills what still runs, a parent before the children it would replace. */
export function killAll() {
  for (const child of running) {
    if (child.pid === undefined) continue;
    for (const pid of listTree(child.pid)) signalQuietly(pid, 'SIGKILL');
  }
  running.clear();
}

/** @param {number} pid @param {NodeJS.Signals | 0} signal @returns {boolean} whether the process was there */
function signalQuietly(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // Ended by itself in between: that is what was wanted.
  }
}

/** @param {string} cores a list as taskset takes it: 0 or 0,1 */
function pinned(cores, command, args) {
  return ['taskset', ['-c', cores, command, ...args]];
}

/**
 * Starts a server on the cores given, its output going to a file.
 * @param {{ command: string, args: string[], cores: string, logPath: string, environment?: Record<string, string> }} what
 */
export function startServer({ command, args, cores, logPath, environment }) {
  const log = openSync(logPath, 'w');
  const [taskset, tasksetArgs] = pinned(cores, command, args);
  const child = spawn(taskset, tasksetArgs, {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...environment },
  });
  closeSync(log);
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/**
 * Waits until check answers true; throws with the server's own output if it ends or the time is over.
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} logPath
 * @param {() => Promise<boolean>} check
 */
export async function waitUntilReady(child, logPath, check) {
  const deadline = performance.now() + START_SECONDS_MAX * 1000;
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
    if (await check()) return;
    await sleep(50);
  }
  throw new Error(`the server didn't start: ${readFileSync(logPath, 'utf8').trim().slice(-600)}`);
}

/** @param {import('node:child_process').ChildProcess} child */
export async function stopServer(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const tree = listTree(child.pid);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([ended, sleep(STOP_SECONDS_MAX * 1000, undefined, { ref: false })]);
  for (const pid of tree) if (signalQuietly(pid, 0)) signalQuietly(pid, 'SIGKILL');
  running.delete(child);
}

/**
 * Runs a program to its end and gives back its standard output; throws with its standard error on another exit code.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cores?: string, input?: string, inputPath?: string, environment?: Record<string, string>, folder?: string }} [options]
 * @returns {Promise<string>}
 */
export function run(command, args, { cores, input, inputPath, environment, folder } = {}) {
  const [program, programArgs] = cores === undefined ? [command, args] : pinned(cores, command, args);
  return new Promise((resolve, reject) => {
    const source = inputPath === undefined ? 'pipe' : openSync(inputPath, 'r');
    const child = spawn(program, programArgs, {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: [source, 'pipe', 'pipe'],
    });
    if (source !== 'pipe') closeSync(source);
    running.add(child);
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text;
    });
    child.stdin?.on('error', () => {}); // A program that ends without reading its input says why by its exit code.
    child.stdin?.end(input ?? '');
    child.once('error', (error) => {
      running.delete(child);
      reject(error);
    });
    child.once('close', (code, signal) => {
      running.delete(child);
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ended with ${code ?? signal}: ${(errors || output).trim().slice(-600)}`));
    });
  });
}

/** A port of the loopback address that was free a moment ago. @returns {Promise<number>} */
export function pickPort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** @param {string} path @returns {string | null} null when the process ended meanwhile */
function readProc(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // The process or thread ended between the listing and the reading.
  }
}

/** The process and everything below it. @param {number} root @returns {number[]} */
export function listTree(root) {
  const found = [root];
  for (let index = 0; index < found.length; index++) {
    for (const thread of listThreads(found[index])) {
      const children = readProc(`/proc/${found[index]}/task/${thread}/children`) ?? '';
      found.push(...children.split(' ').filter(Boolean).map(Number));
    }
  }
  return found;
}

/** @param {number} pid */
function listThreads(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // Ended.
  }
}

/**
 * CPU time of the tree in clock ticks (1/100 s): user and system, with that of children already waited for.
 * @param {number} root
 */
export function readCpuTicks(root) {
  let ticks = 0;
  for (const pid of listTree(root)) {
    const stat = readProc(`/proc/${pid}/stat`);
    if (stat === null) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    for (const index of [11, 12, 13, 14]) ticks += Number(fields[index]); // utime, stime, cutime, cstime
  }
  return ticks;
}

/**
 * CPU time of the tree in seconds as the scheduler counts it: exact, but blind to threads that have ended.
 * @param {number} root
 */
export function readScheduledSeconds(root) {
  let nanoseconds = 0;
  for (const pid of listTree(root)) {
    for (const thread of listThreads(pid)) {
      nanoseconds += Number((readProc(`/proc/${pid}/task/${thread}/schedstat`) ?? '0').split(' ')[0]);
    }
  }
  return nanoseconds / 1e9;
}

/**
 * Resident memory of the tree in MB (10⁶ bytes). Pages that processes share are counted in each.
 * @param {number} root
 * @param {'VmRSS' | 'VmHWM'} field now, or the most since resetPeakMemory
 */
export function readMemoryMb(root, field) {
  let kibibytes = 0;
  for (const pid of listTree(root)) {
    const value = readProc(`/proc/${pid}/status`)?.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))?.[1];
    kibibytes += Number(value ?? 0);
  }
  return (kibibytes * 1024) / 1e6;
}

/** Makes the most memory ever used equal to that used now, in each process of the tree (proc(5), clear_refs). */
export function resetPeakMemory(root) {
  for (const pid of listTree(root)) writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
