// What a light client waits while one member asks for as much as a request can ask for. The trees are built by COPY, which
// moves no bytes, and stay for the works that come after.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { PROPFIND_NAMED, putMany, send, sendExpecting } from '../http-client.js';
import { run } from '../processes.js';
import { firnCommand } from '../servers/firn.js';
import { basicAuth, USER } from '../servers/server.js';
import { recordWaits } from './light-client.js';
import { curlHeaders, makeFolder } from './work.js';

/** Files of the folder that all trees are made of. */
const LEAF_FILES = 1000;
/** Long polls that one password may have open. */
const POLLS_A_PASSWORD = 50;
/** Requests that one curl has under way at once. */
const CURL_PARALLEL_MAX = 250;
/** Rows that one transaction of the preparation writes. */
const PAGE_ROWS = 5000;

/** The fairness works run against Firn alone. @param {import('./work.js').Bench} bench */
const firnOf = ({ server }) => /** @type {import('../servers/firn.js').RunningFirn} */ (server);

/**
 * A request whose answer is thrown away, by a process of its own that leaves the core to the light client.
 * @param {import('./work.js').Bench} bench
 * @param {string[]} args of curl
 */
function askHeavily({ loadCores }, args) {
  return run('nice', ['-n', '10', 'curl', '--silent', '--show-error', '--fail', '--output', '/dev/null', ...args], {
    cores: loadCores,
  });
}

/** @param {string} url */
async function isThere(url, headers) {
  return (await send('HEAD', url, { headers })).status === 200;
}

/**
 * A folder with `files` files below it, in folders of 1,000; it is built once for all works.
 * @param {import('./work.js').Bench} bench
 * @param {number} files
 * @param {number} [bytes] of each file
 * @returns {Promise<string>} its URL, with a slash at its end
 */
async function ensureTree(bench, files, bytes = 16) {
  const { server, headers } = bench;
  const url = `${server.baseUrl}tree-${bytes}-${files}/`;
  if (await isThere(url, headers)) return url;
  if (files <= LEAF_FILES) {
    await makeFolder(bench, `tree-${bytes}-${files}`);
    await putMany(url, files, bytes, headers);
    return url;
  }
  const part = Math.max(LEAF_FILES, ...[10, 100, 1000].map((times) => LEAF_FILES * times).filter((n) => n < files));
  const source = await ensureTree(bench, part, bytes);
  await makeFolder(bench, `tree-${bytes}-${files}`);
  for (let copied = 0, number = 0; copied < files; copied += part, number++) {
    const of = files - copied >= part ? source : await ensureTree(bench, files - copied, bytes);
    await sendExpecting([201], 'COPY', of, { headers: { ...headers, Destination: `${url}part-${number}` } });
  }
  return url;
}

/** @param {import('./work.js').Bench} bench */
async function ensureFile({ server, headers }) {
  const url = `${server.baseUrl}light.bin`;
  await sendExpecting([201, 204], 'PUT', url, { headers, body: Buffer.alloc(4096, 'light') });
  return url;
}

/**
 * @param {import('./work.js').Bench} bench
 * @param {string | string[]} urls
 * @param {string} depth
 * @param {string} bodyPath
 * @param {string[]} [options] of curl
 */
function propfindHeavily(bench, urls, depth, bodyPath, options = []) {
  const headers = { ...bench.headers, Depth: depth, 'Content-Type': 'application/xml' };
  const request = ['-X', 'PROPFIND', '--data-binary', `@${bodyPath}`, ...curlHeaders(headers)];
  return askHeavily(bench, [...options, ...request, ...[urls].flat()]);
}

/** @param {import('./work.js').Bench} bench @param {string} text */
function writeBody({ folder }, text) {
  const path = join(folder, 'body.xml');
  writeFileSync(path, text);
  return path;
}

/** @param {import('./work.js').Bench} bench */
async function runPropfind(bench) {
  const url = await ensureTree(bench, bench.sizes.fairManyFiles);
  const body = writeBody(bench, PROPFIND_NAMED);
  await recordWaits(bench, await ensureFile(bench), () => propfindHeavily(bench, url, 'infinity', body));
}

/** @param {import('./work.js').Bench} bench */
async function runPropfinds(bench) {
  const url = await ensureTree(bench, bench.sizes.fairManyFiles / 10);
  const body = writeBody(bench, PROPFIND_NAMED);
  // One curl: to start fifty would keep the light client itself waiting.
  const urls = Array.from({ length: 50 }, (_, number) => `${url}?${number}`);
  const outputs = urls.flatMap(() => ['--output', '/dev/null']).slice(2);
  await recordWaits(bench, await ensureFile(bench), () =>
    propfindHeavily(bench, urls, 'infinity', body, [
      '--parallel',
      '--parallel-immediate',
      '--parallel-max',
      '50',
      ...outputs,
    ]),
  );
}

/** @param {import('./work.js').Bench} bench */
async function runCopy(bench) {
  const url = await ensureTree(bench, bench.sizes.fairCopyFiles);
  const headers = { ...bench.headers, Destination: `${bench.server.baseUrl}copied` };
  await recordWaits(bench, await ensureFile(bench), () => sendExpecting([201], 'COPY', url, { headers }));
}

/** A COPY of everything, part by part because one COPY has a limit, deleted twice: the second time for good. @param {import('./work.js').Bench} bench */
async function runTrash(bench) {
  const { server, headers, sizes } = bench;
  const tree = await ensureTree(bench, sizes.fairManyFiles);
  const url = `${server.baseUrl}to-be-emptied`;
  await makeFolder(bench, 'to-be-emptied');
  for (let number = 0; await isThere(`${tree}part-${number}/`, headers); number++) {
    const Destination = `${url}/part-${number}`;
    await sendExpecting([201], 'COPY', `${tree}part-${number}/`, { headers: { ...headers, Destination } });
  }
  await recordWaits(bench, await ensureFile(bench), async () => {
    await sendExpecting([204], 'DELETE', url, { headers });
    await sendExpecting([204], 'DELETE', `${server.baseUrl}Trash/to-be-emptied`, { headers });
    await collectInServer(bench, sizes.fairSecondsMax);
  });
}

/** Contents of which no file is left, as after the end of a large tree. @param {import('./work.js').Bench} bench */
async function leaveContents(bench) {
  const database = openDatabase(bench);
  try {
    const insert = database.prepare('INSERT INTO content (id, size, stored_at, bytes) VALUES (?, 20000, ?, NULL)');
    const insertPage = database.transaction((/** @type {number} */ from) => {
      for (let number = from; number < Math.min(from + PAGE_ROWS, bench.sizes.fairContents); number++) {
        insert.run(createHash('sha256').update(`unnamed ${number}`).digest('hex'), Date.now());
      }
    });
    for (let from = 0; from < bench.sizes.fairContents; from += PAGE_ROWS) {
      insertPage.immediate(from);
      await sleep(1);
    }
  } finally {
    database.close();
  }
}

/** @param {import('./work.js').Bench} bench */
export function openDatabase(bench) {
  return new Database(join(firnOf(bench).storage, 'firn.db'), { timeout: 15_000, fileMustExist: true });
}

/**
 * The server's own collector, now instead of within the hour; resolves when it has run.
 * @param {import('./work.js').Bench} bench
 * @param {number} secondsMax
 */
export async function collectInServer(bench, secondsMax) {
  const database = openDatabase(bench);
  try {
    const where = "WHERE name = 'garbage-collection'";
    const asked = Date.now();
    const { changes } = database.prepare(`UPDATE job SET run_at = ? ${where} AND state = 'waiting'`).run(asked);
    if (changes !== 1) throw new Error('the collector could not be asked to run');
    const look = database.prepare(`SELECT state, run_at, error FROM job ${where}`);
    for (const end = asked + secondsMax * 1000; Date.now() < end; await sleep(100)) {
      const job = /** @type {{ state: string, run_at: number, error: string | null }} */ (look.get());
      if (job.state !== 'waiting' || job.run_at <= asked) continue;
      if (job.error !== null) throw new Error(`the collector failed: ${job.error}`);
      return;
    }
    throw new Error(`the collector took more than ${secondsMax} s`);
  } finally {
    database.close();
  }
}

/** @param {import('./work.js').Bench} bench */
async function runCollector(bench) {
  await leaveContents(bench);
  await recordWaits(bench, await ensureFile(bench), () => collectInServer(bench, bench.sizes.fairSecondsMax));
}

/** `firn gc` beside the server, as an operator types it. @param {import('./work.js').Bench} bench */
async function runCommand(bench) {
  await recordWaits(bench, await ensureFile(bench), () => firnCommand(['gc'], firnOf(bench).storage));
}

/** @param {import('./work.js').Bench} bench */
async function runZip(bench) {
  const url = await ensureTree(bench, bench.sizes.fairZipFiles, 0);
  const { password } = firnOf(bench);
  const body = JSON.stringify({ email: USER, password });
  const signIn = await sendExpecting([201], 'POST', new URL('/api/session', url).href, {
    headers: { 'Content-Type': 'application/json' },
    body,
  });
  const cookie = /^[^;]+/.exec(signIn.headers['set-cookie']?.[0] ?? '')?.[0] ?? '';
  const [, driveId, path] = /\/dav\/(\d+)(\/.*)\/$/.exec(new URL(url).pathname) ?? [];
  const zipUrl = new URL(`/api/drives/${driveId}/zip?path=${path}`, url).href;
  await recordWaits(bench, await ensureFile(bench), () => askHeavily(bench, ['--header', `Cookie: ${cookie}`, zipUrl]));
}

/** 1,000 names of one long namespace, which comes back with each of them. @param {import('./work.js').Bench} bench */
async function runMissing(bench) {
  const url = await ensureTree(bench, LEAF_FILES);
  const names = Array.from({ length: 1000 }, (_, number) => `<x:a${number}/>`).join('');
  const namespace = '&amp;'.repeat(1000);
  const body = writeBody(bench, `<propfind xmlns="DAV:" xmlns:x="${namespace}"><prop>${names}</prop></propfind>`);
  // A refusal is an answer too: what counts is what the others wait.
  await recordWaits(bench, await ensureFile(bench), () =>
    propfindHeavily(bench, url, '1', body).catch((error) => checkRefused(error)),
  );
}

/** Prefixes that the server would take by itself. @param {import('./work.js').Bench} bench */
async function runPrefixes(bench) {
  const count = 9900;
  const taken = Array.from({ length: count }, (_, k) => `<ns${count + k}:a xmlns:ns${count + k}="u${k}"/>`).join('');
  const free = Array.from({ length: count }, (_, k) => `<a xmlns="v${k}"/>`).join('');
  const lock = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>${taken}${free}</D:owner></D:lockinfo>`;
  const file = await ensureFile(bench);
  const headers = { ...bench.headers, 'Content-Type': 'application/xml' };
  await recordWaits(bench, file, async () => {
    const { status } = await send('LOCK', `${bench.server.baseUrl}not-there`, { headers, body: lock });
    if (status < 400 || status >= 500) throw new Error(`LOCK with an owner of 500 KB: ${status}`);
  });
}

/** As many locks as one may have, then a listing of them. @param {import('./work.js').Bench} bench */
async function runLocks(bench) {
  const url = await makeFolder(bench, 'locked');
  const lock =
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
  const headers = { ...bench.headers, 'Content-Type': 'application/xml' };
  const body = writeBody(bench, '<propfind xmlns="DAV:"><prop><lockdiscovery/></prop></propfind>');
  await recordWaits(bench, await ensureFile(bench), async () => {
    for (let number = 0; number < 4000; number++) {
      const { status } = await send('LOCK', `${url}${number}`, { headers, body: lock });
      if (status >= 400) break;
    }
    await propfindHeavily(bench, url, '1', body);
  });
}

/** @param {Error} error */
function checkRefused(error) {
  if (!/returned error: 4\d\d/.test(error.message)) throw error;
}

/**
 * Requests that wait for a change: one of each path that a program follows, of as many programs as that takes.
 * @param {import('./work.js').Bench} bench
 */
async function preparePolls(bench) {
  const { server, headers, sizes } = bench;
  const driveId = /\/dav\/(\d+)\//.exec(server.baseUrl)?.[1];
  const changes = new URL(`/api/drives/${driveId}/changes`, server.baseUrl).href;
  let cursor = '';
  for (let more = true; more; ) {
    const answer = await sendExpecting([200], 'GET', `${changes}?since=${encodeURIComponent(cursor)}`, { headers });
    ({ cursor, more } = JSON.parse(answer.body.toString()));
  }
  const programs = await makePrograms(bench, Math.ceil(sizes.fairPolls / POLLS_A_PASSWORD));
  return Array.from({ length: sizes.fairPolls }, (_, number) => {
    const program = Object.entries(programs[number % programs.length]);
    const own = program.map(([name, value]) => `header = "${name}: ${value}"\n`).join('');
    return `url = "${changes}?timeout=50&since=${encodeURIComponent(cursor)}"\noutput = "/dev/null"\nfail\n${own}`;
  });
}

/**
 * Sends them all at once and resolves when the server has had time to let them wait; `answered` resolves with their answers.
 * @param {import('./work.js').Bench} bench
 * @param {string[]} polls
 */
async function sendPolls({ loadCores, sizes }, polls) {
  const parallel = ['-sS', '--parallel', '--parallel-immediate', '--parallel-max', `${CURL_PARALLEL_MAX}`];
  const shares = Array.from({ length: Math.ceil(polls.length / CURL_PARALLEL_MAX) }, (_, number) =>
    polls.slice(number * CURL_PARALLEL_MAX, (number + 1) * CURL_PARALLEL_MAX),
  );
  const running = shares.map((share) =>
    run('nice', ['-n', '10', 'curl', ...parallel, '--config', '-'], { cores: loadCores, input: share.join('next\n') }),
  );
  await sleep(sizes.restSeconds * 1000);
  return { answered: Promise.all(running) };
}

/** @param {import('./work.js').Bench} bench @param {string} file */
function changeFile({ headers }, file) {
  return sendExpecting([204], 'PUT', file, { headers, body: Buffer.alloc(4096, 'a change') });
}

/** As many programs as there are come back at once, as after a restart of the server. @param {import('./work.js').Bench} bench */
async function runArrivals(bench) {
  const file = await ensureFile(bench);
  const polls = await preparePolls(bench);
  /** @type {Promise<unknown>} */
  let answered = Promise.resolve();
  await recordWaits(bench, file, async () => {
    ({ answered } = await sendPolls(bench, polls));
  });
  await changeFile(bench, file);
  await answered;
}

/** As many programs as there are wait, and something changes. @param {import('./work.js').Bench} bench */
async function runPolls(bench) {
  const file = await ensureFile(bench);
  const { answered } = await sendPolls(bench, await preparePolls(bench));
  await recordWaits(bench, file, async () => {
    await changeFile(bench, file);
    await answered;
  });
}

/** Credentials of programs: of one password only so many may wait. @param {import('./work.js').Bench} bench @param {number} count */
async function makePrograms(bench, count) {
  const programs = [];
  for (let number = 0; number < count; number++) {
    const secret = await firnCommand(['app-password', 'create', USER, `program ${number}`], firnOf(bench).storage);
    programs.push(basicAuth(USER, secret));
  }
  return programs;
}

/** @type {import('./work.js').Work[]} */
export const fairnessWorks = [
  { name: 'fairness-propfind', only: ['firn'], run: runPropfind },
  { name: 'fairness-propfinds', only: ['firn'], run: runPropfinds },
  { name: 'fairness-copy', only: ['firn'], run: runCopy },
  { name: 'fairness-trash', only: ['firn'], run: runTrash },
  { name: 'fairness-collector', only: ['firn'], run: runCollector },
  { name: 'fairness-gc', only: ['firn'], run: runCommand },
  { name: 'fairness-zip', only: ['firn'], run: runZip },
  { name: 'fairness-missing', only: ['firn'], run: runMissing },
  { name: 'fairness-prefixes', only: ['firn'], run: runPrefixes },
  { name: 'fairness-locks', only: ['firn'], run: runLocks },
  { name: 'fairness-arrivals', only: ['firn'], run: runArrivals },
  { name: 'fairness-polls', only: ['firn'], run: runPolls },
];
