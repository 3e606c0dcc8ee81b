// How much memory the server takes: at rest, and at the worst moments of one large, one wide and many parallel requests.
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkPropfind, PROPFIND_NAMED, putMany, sendExpecting } from '../http-client.js';
import { flushDisk } from '../machine.js';
import { measure } from '../measure.js';
import { readMemoryMb } from '../processes.js';
import { MIB } from '../sizes.js';
import { makeFolder } from './work.js';

/** A fresh process, signed in to once. @param {import('./work.js').Bench} bench */
async function runRest(bench) {
  const { server, headers, sizes } = bench;
  await sendExpecting([200, 204], 'OPTIONS', server.baseUrl, { headers });
  await sendExpecting([200, 201, 204], 'PUT', `${server.baseUrl}rest.bin`, { headers, body: randomBytes(100) });
  await sleep(sizes.restSeconds * 1000);
  bench.record('memory', readMemoryMb(server.pid, 'VmRSS'));
}

/** @param {import('./work.js').Bench} bench */
async function runUpload(bench) {
  const bytes = bench.sizes.hugeUploadBytes;
  const url = `${await makeFolder(bench, 'huge')}huge.bin`;
  const headers = { ...bench.headers, 'Content-Length': bytes };
  const body = makeBody(randomBytes(MIB), bytes);
  flushDisk(bench.folder);
  // Not curl: reading 5 GB from a file, sparse or not, would be slower than the servers.
  const cost = await measure(bench, () => sendExpecting([200, 201, 204], 'PUT', url, { headers, body }));
  bench.note(cost);
  bench.record('memory', cost.memoryPeakMb);
  bench.record('speed', bytes / 1e6 / cost.wallSeconds);
  await sendExpecting([200, 204], 'DELETE', url, { headers: bench.headers });
}

/** @param {import('./work.js').Bench} bench */
async function runPropfind(bench) {
  const { sizes, headers } = bench;
  const url = await makeFolder(bench, 'wide');
  await putMany(url, sizes.hugeFolderMembers, 1, headers);
  const what = /** @type {const} */ ({ depth: 1, body: PROPFIND_NAMED, headers });
  const cost = await measure(bench, () => checkPropfind(url, { ...what, members: sizes.hugeFolderMembers + 1 }));
  bench.note(cost);
  bench.record('memory', cost.memoryPeakMb);
  bench.record('wall', cost.wallSeconds * 1000);
}

/** Random bytes, the same but for the first of each file. @param {Buffer} tile @param {number} bytes */
async function* makeBody(tile, bytes) {
  let left = bytes;
  const start = randomBytes(64);
  yield start;
  left -= start.length;
  for (; left > 0; left -= tile.length) yield left < tile.length ? tile.subarray(0, left) : tile;
}

/** @param {import('./work.js').Bench} bench */
async function runParallel(bench) {
  const { sizes, headers } = bench;
  const { parallelUploads: count, parallelUploadBytes: bytes } = sizes;
  const folderUrl = await makeFolder(bench, 'parallel');
  const tile = randomBytes(MIB);
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  flushDisk(bench.folder);
  try {
    const uploadHeaders = { ...headers, 'Content-Length': bytes };
    const cost = await measure(bench, () =>
      Promise.all(
        Array.from({ length: count }, (_, index) =>
          sendExpecting([200, 201, 204], 'PUT', `${folderUrl}parallel-${index}.bin`, {
            headers: uploadHeaders,
            body: makeBody(tile, bytes),
            agent,
          }),
        ),
      ),
    );
    bench.note(cost);
    bench.record('memory', cost.memoryPeakMb);
    bench.record('speed', (count * bytes) / 1e6 / cost.wallSeconds);
  } finally {
    agent.destroy();
  }
}

/** @type {import('./work.js').Work[]} */
export const memoryWorks = [
  { name: 'memory-rest', run: runRest },
  { name: 'memory-upload', run: runUpload },
  { name: 'memory-propfind', run: runPropfind },
  { name: 'memory-parallel', run: runParallel },
];
