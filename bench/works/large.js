// One large file at a time, under curl.
import { randomBytes } from 'node:crypto';
import { closeSync, copyFileSync, openSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { sendExpecting } from '../http-client.js';
import { runCurl } from '../load.js';
import { flushDisk, measureDisk } from '../machine.js';
import { measure } from '../measure.js';
import { GIB } from '../sizes.js';
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

/**
 * Uploads and downloads of one size, each round beside a measurement of the disk: it changes within minutes.
 * @param {import('./work.js').Bench} bench
 * @param {'upload' | 'download'} direction
 */
async function runTransfer(bench, direction) {
  const { sizes, folder, headers, loadCores: cores } = bench;
  const bytes = sizes.transferBytes;
  const path = join(folder, 'transfer');
  copyFileSync(bench.randomPath, path);
  truncateSync(path, bytes);
  const url = `${await makeFolder(bench, `transfer-${direction}`)}file.bin`;
  const args = ['--output', '/dev/null', ...curlHeaders(headers), url];
  if (direction === 'download') await upload(bench, { url, path, bytes, isChunked: false });
  const costs = [];
  const shares = [];
  for (let round = 0; round < sizes.largeFileRounds; round++) {
    freshen(path);
    flushDisk(folder);
    const disk = direction === 'upload' ? measureDisk(folder).sequentialMbPerSecond : Number.NaN;
    const cost = await measure(bench, () =>
      direction === 'upload'
        ? upload(bench, { url, path, bytes, isChunked: false })
        : runCurl(args, { cores, status: [200], bytes, direction }),
    );
    bench.note(cost);
    costs.push(cost);
    shares.push(cost.result.mbPerSecond / disk);
  }
  bench.record('cpu', (median(costs.map((cost) => cost.cpuSeconds)) * GIB) / bytes);
  bench.record('speed', median(costs.map((cost) => cost.result.mbPerSecond)));
  if (direction === 'upload') bench.record('disk', median(shares));
}

/** @type {import('./work.js').Work[]} */
export const largeWorks = [
  { name: 'get-512m', run: (bench) => runTransfer(bench, 'download') },
  { name: 'put-512m', run: (bench) => runTransfer(bench, 'upload') },
  { name: 'upload', run: (bench) => runUpload(bench, false) },
  { name: 'chunked', run: (bench) => runUpload(bench, true) },
  { name: 'download', run: runDownload },
];
