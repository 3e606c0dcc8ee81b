// node bench/sign-in-flood.js [SECONDS]: what 64 parallel sign-ins with wrong passwords do to memory and to a WebDAV client.
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendExpecting } from './http-client.js';
import { readMemoryMb, resetPeakMemory } from './processes.js';
import { guessInConsole, quantile, withSignInServer } from './sign-in-server.js';

const PARALLEL = 64;
const SECONDS_DEFAULT = 20;
const REST_SECONDS = 5;
/** Between two requests of the WebDAV client, in milliseconds. */
const PAUSE_MS = 10;
const MEMORY_MB_MAX = 300;
const MEDIAN_MS_MAX = 50;

/**
 * GETs one after the other until `isOver`; their times in milliseconds, sorted.
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {() => boolean} isOver
 */
async function readOn(url, headers, isOver) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  while (!isOver()) {
    const started = performance.now();
    await sendExpecting([200], 'GET', url, { headers, agent });
    times.push(performance.now() - started);
    await sleep(PAUSE_MS);
  }
  agent.destroy();
  return times.sort((a, b) => a - b);
}

/** @param {string} baseUrl @param {() => boolean} isOver */
async function guessOn(baseUrl, isOver) {
  const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL });
  /** @type {Map<number, number>} */
  const statuses = new Map();
  const attack = async (/** @type {number} */ number) => {
    for (let guess = 0; !isOver(); guess++) {
      // Half of them at an account that there is.
      const email = guess % 2 === 0 ? 'bench@example.org' : `nobody-${number}@example.org`;
      const { status } = await guessInConsole(baseUrl, email, agent);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, (_, number) => attack(number)));
  agent.destroy();
  return statuses;
}

/** @param {number[]} times */
function describe(times) {
  const [median, p99] = [quantile(times, 0.5), quantile(times, 0.99)].map((time) => time.toFixed(1));
  return `${times.length} GETs of 4 KiB, median ${median} ms, 99 % under ${p99} ms, longest ${times.at(-1)?.toFixed(1)} ms`;
}

/** @param {import('./sign-in-server.js').SignInServer} server @param {number} seconds */
async function run({ running, headers }, seconds) {
  const url = `${running.baseUrl}file.bin`;
  await sendExpecting([201], 'PUT', url, { headers, body: randomBytes(4096) });
  const end = (/** @type {number} */ length) => {
    const time = performance.now() + length * 1000;
    return () => performance.now() > time;
  };
  process.stdout.write(`at rest: ${describe(await readOn(url, headers, end(REST_SECONDS)))}\n`);
  resetPeakMemory(running.pid);
  const isOver = end(seconds);
  const [times, statuses] = await Promise.all([readOn(url, headers, isOver), guessOn(running.baseUrl, isOver)]);
  const memory = readMemoryMb(running.pid, 'VmHWM');
  const answers = [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ');
  process.stdout.write(`${PARALLEL} parallel sign-ins for ${seconds} s (${answers}): ${describe(times)}\n`);
  process.stdout.write(`peak memory ${memory.toFixed(0)} MB\n`);
  const isKept = memory < MEMORY_MB_MAX && quantile(times, 0.5) < MEDIAN_MS_MAX;
  process.stdout.write(
    `${isKept ? 'kept' : 'MISSED'}: under ${MEMORY_MB_MAX} MB, under ${MEDIAN_MS_MAX} ms at the median\n`,
  );
  process.exitCode = isKept ? 0 : 1;
}

const seconds = Number(process.argv[2] ?? SECONDS_DEFAULT);
if (!Number.isSafeInteger(seconds) || seconds < 1) throw new Error('SECONDS is a number, 1 or more.');
await withSignInServer((server) => run(server, seconds));
