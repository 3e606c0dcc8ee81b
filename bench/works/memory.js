// How much memory the server takes: at rest, and at the worst moments of one large, one wide and many parallel requests.
import { randomBytes } from 'node:crypto';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkPropfind, PROPFIND_NAMED, putMany, sendExpecting } from '../http-client.js';
import { flushDisk } from '../machine.js';
import { measure } from '../measure.js';
import { readMemoryMb } from '../processes.js';
import { MIB } from '../sizes.js';
import { upload } from './large.js';
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
  const { server, core, sizes, folder } = bench;
  const bytes = sizes.hugeUploadBytes;
  const url = `${await makeFolder(bench, 'huge')}huge.bin`;
  const path = join(folder, 'huge');
  writeFileSync(path, randomBytes(64));
  truncateSync(path, bytes); // Sparse: the rest reads as zeros and takes no disk.
  flushDisk(folder);
  try {
    const cost = await measure({ pid: server.pid, core }, () => upload(bench, { url, path, bytes, isChunked: false }));
    bench.note(cost);
    bench.record('memory', cost.memoryPeakMb);
    bench.record('speed', cost.result.mbPerSecond);
  } finally {
    rmSync(path);
  }
  await sendExpecting([200, 204], 'DELETE', url, { headers: bench.headers });
}

/** @param {import('./work.js').Bench} bench */
async function runPropfind(bench) {
  const { server, core, sizes, headers } = bench;
  const url = await makeFolder(bench, 'wide');
  await putMany(url, sizes.hugeFolderMembers, 1, headers);
  const what = /** @type {const} */ ({ depth: 1, body: PROPFIND_NAMED, headers });
  const cost = await measure({ pid: server.pid, core }, () =>
    checkPropfind(url, { ...what, members: sizes.hugeFolderMembers + 1 }),
  );
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
  const { server, core, sizes, headers } = bench;
  const { parallelUploads: count, parallelUploadBytes: bytes } = sizes;
  const folderUrl = await makeFolder(bench, 'parallel');
  const tile = randomBytes(MIB);
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  flushDisk(bench.folder);
  try {
    const uploadHeaders = { ...headers, 'Content-Length': bytes };
    const cost = await measure({ pid: server.pid, core }, () =>
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
