// One large file at a time, under curl.
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { sendExpecting } from '../http-client.js';
import { runCurl } from '../load.js';
import { flushDisk } from '../machine.js';
import { measure } from '../measure.js';
import { curlHeaders, makeFolder, median } from './work.js';

const CREATED = [200, 201, 204];

/** Makes a file's contents new, so that a store of contents can't know them already. @param {string} path */
function freshen(path) {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, randomBytes(64), 0, 64, 0);
  } finally {
    closeSync(file);
  }
}

/**
 * One PUT by curl. Without a length curl reads the file from its standard input and sends it chunked.
 * @param {import('./work.js').Bench} bench
 * @param {{ url: string, path: string, bytes: number, isChunked: boolean }} what
 */
function upload(bench, { url, path, bytes, isChunked }) {
  const chunked = ['--upload-file', '-', '--header', 'Transfer-Encoding: chunked'];
  const source = isChunked ? chunked : ['--upload-file', path];
  const args = ['--header', 'Expect:', ...source, ...curlHeaders(bench.headers), url];
  const expected = /** @type {const} */ ({ cores: bench.loadCores, status: CREATED, bytes, direction: 'upload' });
  return runCurl(args, isChunked ? { ...expected, inputPath: path } : expected);
}

/**
 * Measures some rounds of one transfer and records their medians.
 * @param {import('./work.js').Bench} bench
 * @param {(round: number) => Promise<{ mbPerSecond: number }>} transfer
 * @param {(round: number) => Promise<void>} [cleanUp] after each round, outside the measurement
 */
async function measureRounds(bench, transfer, cleanUp) {
  const { sizes, folder } = bench;
  const costs = [];
  for (let round = 0; round < sizes.largeFileRounds; round++) {
    flushDisk(folder);
    const cost = await measure(bench, () => transfer(round));
    bench.note(cost);
    costs.push(cost);
    await cleanUp?.(round);
  }
  bench.record('speed', median(costs.map((cost) => cost.result.mbPerSecond)));
  bench.record('cpu', median(costs.map((cost) => cost.cpuSeconds)));
  bench.record('growth', Math.max(...costs.map((cost) => cost.memoryPeakMb)) - costs[0].memoryBeforeMb);
}

/** @param {import('./work.js').Bench} bench @param {boolean} isChunked */
async function runUpload(bench, isChunked) {
  const folderUrl = await makeFolder(bench, isChunked ? 'chunked' : 'upload');
  const bytes = bench.sizes.largeFileBytes;
  /** @param {number} round */
  const urlOf = (round) => `${folderUrl}large-${round}.bin`;
  await measureRounds(
    bench,
    (round) => {
      freshen(bench.randomPath);
      return upload(bench, { url: urlOf(round), path: bench.randomPath, bytes, isChunked });
    },
    async (round) => {
      const { headers: stored } = await sendExpecting([200], 'HEAD', urlOf(round), { headers: bench.headers });
      if (Number(stored['content-length']) !== bytes) throw new Error('the stored file has another length');
      await sendExpecting([200, 204], 'DELETE', urlOf(round), { headers: bench.headers });
    },
  );
}

/** @param {import('./work.js').Bench} bench */
async function runDownload(bench) {
  const url = `${await makeFolder(bench, 'download')}large.bin`;
  const bytes = bench.sizes.largeFileBytes;
  freshen(bench.randomPath);
  await upload(bench, { url, path: bench.randomPath, bytes, isChunked: false });
  await measureRounds(bench, () =>
    runCurl(['--output', '/dev/null', ...curlHeaders(bench.headers), url], {
      cores: bench.loadCores,
      status: [200],
      bytes,
      direction: 'download',
    }),
  );
}

/** @type {import('./work.js').Work[]} */
export const largeWorks = [
  { name: 'upload', run: (bench) => runUpload(bench, false) },
  { name: 'chunked', run: (bench) => runUpload(bench, true) },
  { name: 'download', run: runDownload },
];
