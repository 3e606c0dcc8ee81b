// Every row of the table: which work fills it, its title, its unit and what Firn aims at.
import { formatBytes } from './sizes.js';

/**
 * @typedef {object} Row
 * @property {string} id      the work's name, a dot, the measure
 * @property {string} work    the name of the work that fills it
 * @property {string} title
 * @property {string} measure with its unit
 * @property {{ most: number } | { least: number }} [aim] for Firn on one core
 * @property {boolean} isJudged the sizes are those that the aim is about
 */

/**
 * @param {string} work
 * @param {string} title
 * @param {[measure: string, label: string, aim?: Row['aim']][]} measures
 * @returns {Row[]}
 */
function rowsOf(work, title, measures) {
  return measures.map(([measure, label, aim]) => ({
    id: `${work}.${measure}`,
    work,
    title,
    measure: label,
    aim,
    isJudged: true,
  }));
}

/** @typedef {[measure: string, label: string, aim?: Row['aim']]} Measure */
/** @type {Measure} */
const RATE = ['rate', 'requests/s'];
/** @type {Measure} */
const P99 = ['p99', 'p99 ms'];
/** @type {Measure} */
const SPEED = ['speed', 'MB/s'];
/** @type {Measure} */
const PEAK = ['memory', 'peak MB'];

/** @param {number} most @returns {Measure} */
const cpuAtMost = (most) => ['cpu', 'CPU µs/request', { most }];

/** @param {import('./sizes.js').Sizes} sizes */
function smallRows(sizes) {
  const small = formatBytes(sizes.smallFileBytes);
  return [
    ...rowsOf('get', `GET ${small}, 16 connections`, [cpuAtMost(60), RATE, P99, PEAK]),
    ...rowsOf('get-paced', `GET ${small}, 16 connections that each wait ${sizes.pacedMilliseconds} ms`, [
      ['cpu', 'CPU µs/request'],
      RATE,
      P99,
      PEAK,
    ]),
    ...rowsOf('put-16', `PUT ${small}, new names, 16 connections`, [
      cpuAtMost(150),
      ['rate', 'requests/s', { least: 5000 }],
      P99,
      PEAK,
    ]),
    ...rowsOf('put-64', `PUT ${small}, new names, 64 connections`, [['cpu', 'CPU µs/request'], RATE, P99, PEAK]),
    ...rowsOf('read-beside-put', `GET ${small} beside 8 connections that PUT ${small}`, [
      ['get-p50', 'GET p50 ms', { most: 1 }],
      ['get-p99', 'GET p99 ms', { most: 10 }],
      ['put-rate', 'PUT/s'],
      ['put-p99', 'PUT p99 ms'],
    ]),
  ];
}

/** @param {import('./sizes.js').Sizes} sizes */
function propfindRows(sizes) {
  const members = sizes.folderMembers.toLocaleString('en');
  const named = `PROPFIND depth 1, ${members} members, 4 named properties`;
  const all = `PROPFIND depth 1, ${members} members, allprop`;
  return [
    ...rowsOf('propfind-0', 'PROPFIND depth 0 on a file, 4 named properties', [cpuAtMost(80), RATE, P99, PEAK]),
    ...rowsOf('propfind-1-named', `${named}, first`, [cpuAtMost(4000), RATE, P99, PEAK]),
    ...rowsOf('propfind-1-all', `${all}, first`, [cpuAtMost(4000), RATE, P99, PEAK]),
    ...rowsOf('propfind-1000-unchanged', `${named}, unchanged`, [cpuAtMost(150), RATE, P99, PEAK]),
  ];
}

/** @param {import('./sizes.js').Sizes} sizes */
function largeRows(sizes) {
  const large = formatBytes(sizes.largeFileBytes);
  /** @type {(least: number) => Measure[]} */
  const measures = (least) => [
    ['speed', 'MB/s', { least }],
    ['cpu', 'CPU s'],
    ['growth', 'peak growth MB'],
  ];
  const transfer = formatBytes(sizes.transferBytes);
  return [
    ...rowsOf('get-512m', `GET ${transfer}`, [['cpu', 'CPU s/GiB'], SPEED]),
    ...rowsOf('put-512m', `PUT ${transfer}`, [
      ['cpu', 'CPU s/GiB', { most: 3.5 }],
      SPEED,
      ['disk', "share of the disk's own speed", { least: 0.9 }],
    ]),
    ...rowsOf('upload', `PUT ${large} with Content-Length`, measures(400)),
    ...rowsOf('chunked', `PUT ${large} chunked`, measures(400)),
    ...rowsOf('download', `GET ${large}`, measures(1300)),
  ];
}

/** @param {import('./sizes.js').Sizes} sizes */
function treeRows(sizes) {
  const members = sizes.folderMembers.toLocaleString('en');
  /** @type {[string, number][]} */
  const methods = [
    ['copy', 10],
    ['move', 2],
    ['delete', 2],
  ];
  return methods.flatMap(([method, most]) =>
    rowsOf('tree', `${method.toUpperCase()} of a folder with ${members} files`, [
      [`${method}.cpu`, 'CPU ms', { most }],
      [`${method}.wall`, 'wall ms, median'],
    ]),
  );
}

/** @param {import('./sizes.js').Sizes} sizes */
function syncRows(sizes) {
  const files = sizes.syncFiles.toLocaleString('en');
  return rowsOf('sync', `sync-collection, 1 change among ${files} files`, [['cpu', 'CPU ms/request', { most: 5 }]]);
}

/** @param {import('./sizes.js').Sizes} sizes */
function memoryRows(sizes) {
  const huge = sizes.hugeFolderMembers.toLocaleString('en');
  const parallel = `${sizes.parallelUploads} parallel PUTs of ${formatBytes(sizes.parallelUploadBytes)}`;
  return [
    ...rowsOf('memory-rest', 'at rest', [['memory', 'MB', { most: 90 }]]),
    ...rowsOf('memory-upload', `PUT ${formatBytes(sizes.hugeUploadBytes)}`, [
      ['memory', 'peak MB', { most: 150 }],
      ['speed', 'MB/s'],
    ]),
    ...rowsOf('memory-propfind', `PROPFIND depth 1, ${huge} members`, [
      ['memory', 'peak MB', { most: 150 }],
      ['wall', 'wall ms'],
    ]),
    ...rowsOf('memory-parallel', parallel, [
      ['memory', 'peak MB', { most: 150 }],
      ['speed', 'MB/s in all'],
    ]),
  ];
}

/** What a light client may wait, in milliseconds, and what the server may take meanwhile, in MB. */
const WAIT_MOST = 100;
const FAIR_MEMORY_MOST = 300;

/** @param {import('./sizes.js').Sizes} sizes */
function fairnessRows(sizes) {
  const [many, tenth, copied, zipped, contents, polls] = [
    sizes.fairManyFiles,
    sizes.fairManyFiles / 10,
    sizes.fairCopyFiles,
    sizes.fairZipFiles,
    sizes.fairContents,
    sizes.fairPolls,
  ].map((count) => count.toLocaleString('en'));
  /** @type {[string, string, number?][]} */
  const works = [
    ['propfind', `PROPFIND infinity, ${many} files`],
    ['propfinds', `50 × PROPFIND infinity, ${tenth} files`],
    ['copy', `COPY of ${copied} files`, 15],
    ['trash', `a trash of ${many} files emptied, rows freed`],
    ['collector', `collector, ${contents} contents to mark`, 60],
    ['gc', `firn gc, ${contents} contents`],
    ['zip', `ZIP of ${zipped} empty files`],
    ['missing', 'PROPFIND, 1,000 missing names of a long namespace'],
    ['prefixes', 'LOCK, an owner of 19,800 prefixes'],
    ['locks', 'as many LOCKs as are taken, and their listing'],
    ['arrivals', `${polls} requests of programs at once, as after a restart`],
    ['polls', `${polls} long polls and one change`],
  ];
  return works.flatMap(([name, title, seconds]) =>
    rowsOf(`fairness-${name}`, `meanwhile: ${title}`, [
      ['healthz-p50', '/healthz p50 ms'],
      ['healthz-max', '/healthz longest ms', { most: WAIT_MOST }],
      ['get-p50', 'GET 4 KiB p50 ms'],
      ['get-max', 'GET 4 KiB longest ms', { most: WAIT_MOST }],
      ['memory', 'peak MB', { most: FAIR_MEMORY_MOST }],
      ['lasted', 'work took s', seconds === undefined ? undefined : { most: seconds }],
    ]),
  );
}

/** @param {import('./sizes.js').Sizes} sizes */
function manyRows(sizes) {
  const [many, deleted] = [sizes.manyFiles, sizes.manyFiles / 10].map((count) => count.toLocaleString('en'));
  return ['get', 'put'].flatMap((method) =>
    rowsOf('many', `${method.toUpperCase()} of 1,000 bytes at random places`, [
      [`${method}-few`, 'CPU µs/request, 1,000 files'],
      [`${method}-many`, `CPU, ${many} files / 1,000`, { most: 1.15 }],
      [`${method}-cold`, `time, ${many} files that the system hadn't cached / 1,000`, { most: 2 }],
      [`${method}-after`, `CPU, ${deleted} of them deleted and collected / 1,000`, { most: 1.15 }],
    ]),
  );
}

const SIZED_WORKS = [
  'many',
  'sync',
  'get-512m',
  'put-512m',
  'upload',
  'chunked',
  'download',
  'memory-upload',
  'memory-propfind',
];

/** @param {import('./sizes.js').Sizes} sizes @param {boolean} isQuick smaller sizes: no verdict where they matter @returns {Row[]} */
export function allRows(sizes, isQuick) {
  const rows = [smallRows, propfindRows, largeRows, treeRows, syncRows, memoryRows, manyRows, fairnessRows].flatMap(
    (rowsFor) => rowsFor(sizes),
  );
  return rows.map((row) => ({
    ...row,
    isJudged: !(isQuick && (SIZED_WORKS.includes(row.work) || row.work.startsWith('fairness-'))),
  }));
}
