/**
 * `node bench/cluster.js [SECONDS]`: three servers, PostgreSQL, an object storage, a balancer and the load, all on this machine and
 * none pinned. Exit code 1 where a request failed; an aim that is missed is a figure.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { clusterPackages } from '../scripts/cluster-packages.js';
import { ensureBuild, ensureDebianPackages, ensureDependencies } from '../scripts/prepare.js';
import { loadStage } from '../scripts/stage.js';
import { makeBenchFolder } from './bench-folder.js';
import { checkPropfind, PROPFIND_NAMED, putMany, sendExpecting } from './http-client.js';
import { runWrk } from './load.js';
import { readMemoryMb, resetPeakMemory } from './processes.js';
import { MIB } from './sizes.js';
import { formatNumber, isMet } from './table.js';

const SMALL = 4096;
const CONNECTIONS = 16;
const DRIVES = 100;
const FIRST_DRIVE = 700_000;
const MEMBERS = 1000;
const PROPFINDS = 50;
const CORES = '0-1023';

/** @type {[string, string, number, import('./rows.js').Row['aim']][]} */
const rows = [];
const seconds = Number(process.argv[2] ?? 10);

/** @param {string} what @param {string} measure @param {number} value @param {import('./rows.js').Row['aim']} [aim] */
function record(what, measure, value, aim) {
  rows.push([what, measure, value, aim]);
  process.stderr.write(`${what}: ${formatNumber(value)} ${measure}\n`);
}

/** @param {number} start @param {Buffer} piece @param {number} bytes */
async function* pieces(start, piece, bytes) {
  for (let sent = 0; sent < bytes; sent += piece.length) {
    piece.writeDoubleLE(start + sent);
    yield Buffer.from(piece);
  }
}

/** @param {any} cluster @param {Record<string, string>} headers */
async function small(cluster, headers) {
  const { pathMount, url } = cluster.server;
  const words = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const random = join(makeBenchFolder(), 'random');
  writeFileSync(random, randomBytes(2 * MIB));
  await putMany(pathMount, MEMBERS, SMALL, headers);
  const get = { script: 'fixed.lua', args: ['GET', '-', ...words], connections: CONNECTIONS, seconds, cores: CORES };
  const balanced = await runWrk({ ...get, url: `${pathMount}file-7.bin` });
  record('GET 4 KiB through the balancer', 'requests/s', balanced.requestsPerSecond, { least: 2000 });
  const direct = await runWrk({ ...get, url: `${cluster.mountOf(0)}file-7.bin` });
  record('GET 4 KiB of one server', 'requests/s', direct.requestsPerSecond);
  const put = { script: 'put.lua', connections: CONNECTIONS, seconds, cores: CORES };
  for (const [what, folder, least] of /** @type {const} */ ([
    ['one drive', pathMount, 800],
    [`${DRIVES} drives`, `${url}/dav/${FIRST_DRIVE / 100}@@/`, 1000],
  ])) {
    const figures = await runWrk({ ...put, url: folder, args: [String(SMALL), `p${what.length}`, random, ...words] });
    record(`PUT 4 KiB, ${what}`, 'requests/s', figures.requestsPerSecond, { least });
    record(`PUT 4 KiB, ${what}`, 'p99 ms', figures.p99Milliseconds);
  }
}

/** @param {any} cluster @param {Record<string, string>} headers */
async function listing({ server }, headers) {
  const folder = `${server.pathMount}listed/`;
  await sendExpecting([201], 'MKCOL', folder, { headers });
  await putMany(folder, MEMBERS, 100, headers);
  const times = [];
  for (let round = 0; round < PROPFINDS; round++) {
    const started = performance.now();
    await checkPropfind(folder, { depth: 1, body: PROPFIND_NAMED, members: MEMBERS + 1, headers });
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  record(`PROPFIND of ${MEMBERS} members`, 'ms, median', times[PROPFINDS / 2] ?? Number.NaN, { most: 15 });
}

/**
 * Uploads at once; records the speed, and how much the server grew that grew most.
 * @param {any} cluster @param {Record<string, string>} headers
 * @param {{ count: number, bytes: number, growth: number, speed?: number }} what
 */
async function large({ server, nodes }, headers, { count, bytes, growth, speed }) {
  const name = `PUT ${bytes / MIB} MiB, ${count === 1 ? 'one' : `${count} at once`}`;
  for (const { pid } of nodes) resetPeakMemory(pid);
  const before = nodes.map((/** @type {{ pid: number }} */ { pid }) => readMemoryMb(pid, 'VmRSS'));
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  const started = performance.now();
  await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const body = pieces(index * bytes, randomBytes(MIB), bytes);
      const call = { headers: { ...headers, 'Content-Length': String(bytes) }, body, agent };
      return sendExpecting([201], 'PUT', `${server.pathMount}large-${bytes}-${index}.bin`, call);
    }),
  );
  const took = (performance.now() - started) / 1000;
  agent.destroy();
  record(name, 'MB/s', (count * bytes) / 1e6 / took, speed === undefined ? undefined : { least: speed });
  const grown = nodes.map(
    (/** @type {{ pid: number }} */ { pid }, /** @type {number} */ index) => readMemoryMb(pid, 'VmHWM') - before[index],
  );
  record(name, 'MB grown', Math.max(...grown), { most: growth });
}

ensureDependencies();
ensureBuild();
ensureDebianPackages([...clusterPackages, 'wrk'], 'the bench of a cluster');
const { Cluster, close } = await loadStage();
const cluster = await Cluster.start();
await close();
try {
  const { server } = cluster;
  const headers = { Authorization: server.authorization };
  for (let drive = 0; drive < DRIVES; drive += 4) {
    const ids = [0, 1, 2, 3].map((more) => String(FIRST_DRIVE + drive + more));
    await Promise.all(
      ids.map((id) => server.firn('drive', 'create', `drive ${id}`, '--owner', server.user, '--id', id)),
    );
  }
  await small(cluster, headers);
  await listing(cluster, headers);
  await large(cluster, headers, { count: 1, bytes: 512 * MIB, growth: 100, speed: 120 });
  await large(cluster, headers, { count: 20, bytes: 32 * MIB, growth: 250 });
} finally {
  await cluster.remove();
}
const lines = rows.map(([what, measure, value, aim]) => {
  const wish = aim === undefined ? '' : 'most' in aim ? `≤ ${aim.most}` : `≥ ${aim.least}`;
  const verdict = aim === undefined ? '' : isMet(aim, value) ? ' ✓' : ' ✗';
  return `| ${what} | ${measure} | ${wish} | ${formatNumber(value)}${verdict} |`;
});
process.stdout.write(['| work | measure | aim | here |', '| --- | --- | --- | --- |', ...lines, ''].join('\n'));
