// Small files in a store of very many of them: GET and PUT at random places, against the same in a small store; when the system has cached
// nothing; and after a part was deleted and collected.
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { sendExpecting } from '../http-client.js';
import { flushDisk } from '../machine.js';
import { measure } from '../measure.js';
import { collectInServer, openDatabase } from './fairness.js';
import { makeFolder } from './work.js';

const FOLDER_FILES = 500;
const CONNECTIONS = 16;
const REQUESTS = 4000;
/** What is read from the disk takes its time, and the memory fills meanwhile. */
const COLD_REQUESTS = 500;
const FILE_BYTES = 1000;

/** @param {number} folder @param {number} file */
const nameOf = (folder, file) => createHash('sha256').update(`${folder}/${file}`).digest('hex').slice(0, 16);
/** @param {number} count */
const below = (count) => Math.floor(Math.random() * count);

/** @param {number} count @param {() => Promise<unknown>} work */
async function inParallel(count, work) {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
}

/**
 * The files of a tree that were not deleted, and the requests for them.
 * @param {import('./work.js').Bench} bench
 * @param {string} url
 * @param {{ from: number, to: number }} folders
 */
function requestsFor({ headers }, url, { from, to }) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const folder = () => from + below(to - from);
  return {
    get: () => {
      const number = folder();
      const path = `${url}folder-${number}/${nameOf(number, below(FOLDER_FILES))}`;
      return sendExpecting([200], 'GET', path, { headers, agent });
    },
    put: () => {
      const path = `${url}folder-${folder()}/${randomBytes(8).toString('hex')}.new`;
      return sendExpecting([201], 'PUT', path, { headers, agent, body: randomBytes(FILE_BYTES) });
    },
    end: () => agent.destroy(),
  };
}

/**
 * What a GET and a PUT take, in microseconds: of the server's CPU, and of time.
 * @param {import('./work.js').Bench} bench
 * @param {ReturnType<typeof requestsFor>} requests
 * @param {number} count
 */
async function costOf(bench, { get, put }, count) {
  const cost = async (work) => {
    const { cpuSeconds, wallSeconds } = await measure(bench, () => inParallel(count, work));
    return { cpu: (cpuSeconds * 1e6) / count, wall: (wallSeconds * 1e6) / count };
  };
  return { get: await cost(get), put: await cost(put) };
}

/** Writes rows as uploads would, folder by folder; the server is beside. @param {import('./work.js').Bench} bench @param {string} name @param {number} files */
async function fill(bench, name, files) {
  const url = await makeFolder(bench, name);
  const database = openDatabase(bench);
  try {
    const top = database.prepare('SELECT id, drive_id, parent_id FROM node WHERE name = ?').get(name);
    const insertContent = database.prepare('INSERT INTO content (id, size, stored_at, bytes) VALUES (?, ?, 1, ?)');
    const insertNode = database.prepare(
      `INSERT INTO node (drive_id, parent_id, name, is_collection, content_key, content_id, size, descendants, modified, created,
        revision, changed, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 1, ?, ?, 1)`,
    );
    const insertFolder = database.transaction((/** @type {number} */ folder) => {
      let revision = database
        .prepare('UPDATE revision SET value = value + ? RETURNING value')
        .pluck()
        .get(FOLDER_FILES + 1);
      const size = FOLDER_FILES * FILE_BYTES;
      const values = [`folder-${folder}`, 1, null, null, size, FOLDER_FILES, revision, revision];
      const { lastInsertRowid: parent } = insertNode.run(top.drive_id, top.id, ...values);
      for (let file = 0; file < FOLDER_FILES; file++) {
        const bytes = randomBytes(FILE_BYTES);
        const hash = createHash('sha256').update(bytes).digest('hex');
        const { lastInsertRowid: key } = insertContent.run(hash, FILE_BYTES, bytes);
        revision--;
        insertNode.run(top.drive_id, parent, nameOf(folder, file), 0, key, hash, FILE_BYTES, 0, revision, revision);
      }
    });
    for (let folder = 0; folder * FOLDER_FILES < files; folder++) insertFolder.immediate(folder);
    const folders = files / FOLDER_FILES;
    const count = database.prepare(
      'UPDATE node SET size = size + ?, descendants = descendants + ? WHERE id = ? RETURNING parent_id',
    );
    for (let id = top.id; id !== null; ) id = count.pluck().get(files * FILE_BYTES, files + folders, id);
  } finally {
    database.close();
  }
  flushDisk(bench.folder);
  return url;
}

/** Deletes folders for good, and has the collector free what they held: the past that still shows them is let go of. */
async function deleteFolders(bench, url, count) {
  const { headers, server, sizes } = bench;
  for (let folder = 0; folder < count; folder++) {
    await sendExpecting([204], 'DELETE', `${url}folder-${folder}/`, { headers });
    await sendExpecting([204], 'DELETE', `${server.baseUrl}Trash/folder-${folder}/`, { headers });
  }
  const database = openDatabase(bench);
  try {
    database.exec('DELETE FROM node_past; UPDATE purge SET waits = 0');
  } finally {
    database.close();
  }
  await collectInServer(bench, sizes.fairSecondsMax);
}

/** @param {import('./work.js').Bench} bench */
async function runMany(bench) {
  const { sizes } = bench;
  const few = requestsFor(bench, await fill(bench, 'few', 2 * FOLDER_FILES), { from: 0, to: 2 });
  for (let round = 0; round < 2; round++) await costOf(bench, few, REQUESTS);
  const base = await costOf(bench, few, REQUESTS);
  few.end();
  const url = await fill(bench, 'many', sizes.manyFiles);
  const folders = { from: sizes.manyFiles / FOLDER_FILES / 10, to: sizes.manyFiles / FOLDER_FILES };
  const many = requestsFor(bench, url, folders);
  await costOf(bench, many, REQUESTS);
  const warm = await costOf(bench, many, REQUESTS);
  flushDisk(bench.folder);
  // Who isn't root can't; the rest says nothing then.
  writeFileSync('/proc/sys/vm/drop_caches', '3');
  const cold = await costOf(bench, many, COLD_REQUESTS);
  await deleteFolders(bench, url, folders.from);
  await costOf(bench, many, REQUESTS);
  const after = await costOf(bench, many, REQUESTS);
  many.end();
  for (const method of /** @type {const} */ (['get', 'put'])) {
    bench.record(`${method}-few`, base[method].cpu);
    bench.record(`${method}-many`, warm[method].cpu / base[method].cpu);
    bench.record(`${method}-cold`, cold[method].wall / base[method].wall);
    bench.record(`${method}-after`, after[method].cpu / base[method].cpu);
  }
}

/** @type {import('./work.js').Work[]} */
export const manyWorks = [{ name: 'many', only: ['firn'], run: runMany }];
