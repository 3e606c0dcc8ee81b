// Many small requests: GET, PUT and PROPFIND under wrk, with keep-alive connections and Basic credentials.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPropfind, PROPFIND_ALL, PROPFIND_NAMED, putMany, sendExpecting } from '../http-client.js';
import { runWrk } from '../load.js';
import { measure } from '../measure.js';
import { makeFolder, wrkHeaders } from './work.js';

/**
 * Warms up, then runs wrk and fills cpu, rate, p99 and memory.
 * @param {import('./work.js').Bench} bench
 * @param {{ url: string, script: string, connections: number, args: (isWarmUp: boolean) => string[] }} load
 */
async function runAndRecord(bench, { url, script, connections, args }) {
  const { sizes, loadCores: cores } = bench;
  await runWrk({ url, script, connections, cores, args: args(true), seconds: sizes.warmUpSeconds });
  const cost = await measure(bench, () =>
    runWrk({ url, script, connections, cores, args: args(false), seconds: sizes.runSeconds }),
  );
  bench.note(cost);
  bench.record('cpu', (cost.cpuSeconds * 1e6) / cost.result.requests);
  bench.record('rate', cost.result.requestsPerSecond);
  bench.record('p99', cost.result.p99Milliseconds);
  bench.record('memory', cost.memoryPeakMb);
  return cost.result;
}

/** @param {import('./work.js').Bench} bench @param {Record<string, string>} [pace] */
async function runGet(bench, pace = {}) {
  const url = `${bench.server.baseUrl}small.bin`;
  const body = randomBytes(bench.sizes.smallFileBytes);
  await sendExpecting([200, 201, 204], 'PUT', url, { headers: bench.headers, body });
  const result = await runAndRecord(bench, {
    url,
    script: 'fixed.lua',
    connections: 16,
    args: () => ['GET', '-', ...wrkHeaders({ ...bench.headers, ...pace })],
  });
  if (result.bytes / result.requests < body.length) throw new Error('answers were shorter than the file');
  await sendExpecting([200], 'GET', url, { headers: bench.headers });
}

/** @param {import('./work.js').Bench} bench @param {number} connections */
async function runPut(bench, connections) {
  const url = await makeFolder(bench, `put-${connections}`);
  const { smallFileBytes } = bench.sizes;
  const { requests } = await runAndRecord(bench, {
    url,
    script: 'put.lua',
    connections,
    args: (isWarmUp) => [
      String(smallFileBytes),
      isWarmUp ? 'warm' : 'run',
      bench.randomPath,
      ...wrkHeaders(bench.headers),
    ],
  });
  // A look at what was stored: a 201 alone could be fast by keeping nothing.
  // wrk throws the first request away (it only looks at its form), and the last may not have been answered.
  const last = Math.max(2, requests - 10 * connections);
  for (const number of [2, Math.ceil(last / 2), last]) {
    const { body } = await sendExpecting([200], 'GET', `${url}run-${number}.bin`, { headers: bench.headers });
    const isSame = body.length === smallFileBytes && body.toString('latin1').startsWith(`run-${pad(number)}:`);
    if (!isSame) throw new Error(`run-${number}.bin came back with other bytes`);
  }
}

/** @param {number} number */
const pad = (number) => String(number).padStart(10, '0');

/**
 * @param {import('./work.js').Bench} bench
 * @param {{ url: string, depth: 0 | 1, body: string, members: number, connections: number, isFirst?: boolean }} what `isFirst`: no answer was made before
 */
async function runPropfind(bench, { url, depth, body, members, connections, isFirst = false }) {
  await checkPropfind(url, { depth, body, members, headers: bench.headers });
  const bodyPath = join(bench.folder, 'propfind.xml');
  writeFileSync(bodyPath, body);
  const headers = { ...bench.headers, Depth: String(depth), 'Content-Type': 'application/xml' };
  await runAndRecord(bench, {
    url,
    script: isFirst ? 'spelled.lua' : 'fixed.lua',
    connections,
    args: () => ['PROPFIND', bodyPath, ...wrkHeaders(headers)],
  });
  await checkPropfind(url, { depth, body, members, headers: bench.headers });
}

/** @param {import('./work.js').Bench} bench */
async function runPropfindFile(bench) {
  const url = `${bench.server.baseUrl}described.bin`;
  const { headers, sizes } = bench;
  await sendExpecting([200, 201, 204], 'PUT', url, { headers, body: randomBytes(sizes.smallFileBytes) });
  await runPropfind(bench, { url, depth: 0, body: PROPFIND_NAMED, members: 1, connections: 16 });
}

/**
 * @param {import('./work.js').Bench} bench
 * @param {string} name of at least 14 letters: each is one bit of as many spellings
 * @param {string} body
 * @param {boolean} isFirst
 */
async function runPropfindFolder(bench, name, body, isFirst) {
  const { folderMembers, smallFileBytes } = bench.sizes;
  const url = await makeFolder(bench, name);
  await putMany(url, folderMembers, smallFileBytes, bench.headers);
  await runPropfind(bench, { url, depth: 1, body, members: folderMembers + 1, connections: 4, isFirst });
}

/** Writers of new files, and one reader of a file that doesn't change: what it waits for them. @param {import('./work.js').Bench} bench */
async function runReadBesidePut(bench) {
  const { sizes, headers, loadCores: cores } = bench;
  const small = `${bench.server.baseUrl}beside.bin`;
  await sendExpecting([200, 201, 204], 'PUT', small, { headers, body: randomBytes(sizes.smallFileBytes) });
  const url = await makeFolder(bench, 'beside');
  const put = (prefix, seconds) => {
    const args = [String(sizes.smallFileBytes), prefix, bench.randomPath, ...wrkHeaders(headers)];
    return runWrk({ url, script: 'put.lua', connections: 8, cores, args, seconds });
  };
  const get = () => {
    const args = ['GET', '-', ...wrkHeaders(headers)];
    return runWrk({ url: small, script: 'fixed.lua', connections: 1, cores, args, seconds: sizes.runSeconds });
  };
  await put('warm', sizes.warmUpSeconds);
  const cost = await measure(bench, () => Promise.all([put('run', sizes.runSeconds), get()]));
  const [written, read] = cost.result;
  bench.note(cost);
  bench.record('get-p50', read.p50Milliseconds);
  bench.record('get-p99', read.p99Milliseconds);
  bench.record('put-rate', written.requestsPerSecond);
  bench.record('put-p99', written.p99Milliseconds);
}

/** @type {import('./work.js').Work[]} */
export const smallWorks = [
  { name: 'get', run: (bench) => runGet(bench) },
  // The faster a server is, the more requests it finds at each turn: CPU is comparable at the same rate only.
  { name: 'get-paced', run: (bench) => runGet(bench, { 'Bench-Delay': String(bench.sizes.pacedMilliseconds) }) },
  { name: 'put-16', run: (bench) => runPut(bench, 16) },
  { name: 'put-64', run: (bench) => runPut(bench, 64) },
  { name: 'read-beside-put', run: runReadBesidePut },
  { name: 'propfind-0', run: runPropfindFile },
  { name: 'propfind-1-named', run: (bench) => runPropfindFolder(bench, 'namedproperties', PROPFIND_NAMED, true) },
  { name: 'propfind-1-all', run: (bench) => runPropfindFolder(bench, 'allitsproperties', PROPFIND_ALL, true) },
  { name: 'propfind-1000-unchanged', run: (bench) => runPropfindFolder(bench, 'unchanged', PROPFIND_NAMED, false) },
];
