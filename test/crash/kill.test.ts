import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { waitUntil } from '../support/run-program.js';
import { LoadWorker, seededRandom } from './load.js';
import { checkWorker, listMarks } from './observe.js';
import { Faults } from './rig/faults.js';

// KILL_SEED=… repeats the choice of requests and of moments; what the server is doing at such a moment still varies.
const seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000_000);
const rounds = Number(process.env.KILL_ROUNDS ?? 50);
const workerCount = 8;
/** Acknowledged requests in a round, before its end: at least one for each worker, and up to three times as many. */
const requestsMin = workerCount + 1;
const requestsMax = 3 * workerCount;

/** The processes that a server has started may outlive it for a moment: fewer rounds show that they do no harm. */
const shapes = [
  { workers: 1, disk: 'a quick disk', rounds },
  { workers: 1, disk: 'a slow disk', rounds: Math.ceil(rounds / 6) },
  { workers: 2, disk: 'a quick disk', rounds: Math.ceil(rounds / 6) },
];
/** Of each sync of the log, in milliseconds. */
const slowSyncMs = 8;

let server: BootedServer;
afterEach(() => server?.remove());

test.each(shapes)(
  'PRODUCT U4 — $rounds times SIGKILL under load, $workers workers, $disk: nothing acknowledged is lost, nothing else is shown',
  {
    timeout: 900_000,
  },
  async ({ workers: count, disk, rounds }) => {
    const faults = await Faults.make();
    onTestFinished(() => faults.remove());
    const environment = disk === 'a slow disk' ? faults.environment : {};
    faults.arm({ action: 'wait', call: 'sync', path: 'firn.db-wal', which: 0, milliseconds: slowSyncMs });
    server = await bootServer({ settings: { workers: count }, environment });
    console.log(`kill test: KILL_SEED=${seed}`);
    const random = seededRandom(seed);
    const workers = Array.from(
      { length: workerCount },
      (_, number) => new LoadWorker(number, seededRandom(seed + number + 1)),
    );
    for (const { folder } of workers) {
      const headers = { authorization: server.authorization };
      const answer = await fetch(`${server.pathMount}${folder}/`, { method: 'MKCOL', headers });
      expect(answer.status).toBe(201);
    }
    const checkedTrash = new Set<string>();
    for (let round = 1; round <= rounds; round++) {
      const isThorough = round === rounds;
      await loadAndKill(workers, requestsMin + Math.floor(random() * (requestsMax - requestsMin)));
      await server.restart();
      const leftovers = await readdir(path.join(server.storage, 'incoming')).catch(() => []);
      expect(leftovers, `incoming/ after the start of round ${round}`).toEqual([]);
      const target = { mount: server.pathMount, authorization: server.authorization };
      const trashMarks = await listMarks(target, 'Trash');
      const differences = await Promise.all(
        workers.map((worker) => checkWorker(worker, target, trashMarks, checkedTrash, isThorough)),
      );
      expect(differences.flat(), `round ${round}, KILL_SEED=${seed}`).toEqual([]);
      expect([...trashMarks.keys()].filter((name) => !workers.some((worker) => worker.isMine(name)))).toEqual([]);
      // A non-zero exit code throws, with what fsck says.
      if (round % 10 === 0 || isThorough) await server.firn('fsck');
    }
    const acknowledged = countOf(workers);
    console.log(`kill test: ${acknowledged} acknowledged requests, ${checkedTrash.size} files in the trash`);
    // Fewer would mean that the load never got going.
    expect(acknowledged).toBeGreaterThan(rounds * workerCount);
  },
);

function countOf(workers: LoadWorker[]): number {
  return workers.reduce((sum, worker) => sum + worker.acknowledged, 0);
}

/** Lets all workers write until so many requests are acknowledged, then kills the server under them. */
async function loadAndKill(workers: LoadWorker[], requests: number): Promise<void> {
  const target = { mount: server.pathMount, authorization: server.authorization };
  let isKilled = false;
  const load = Promise.all(workers.map((worker) => worker.run(target, () => isKilled)));
  const end = countOf(workers) + requests;
  // It looks each 50 ms: what the server is doing when it is killed is left to chance.
  const moment = waitUntil(`${requests} requests are acknowledged`, () => countOf(workers) >= end, 60);
  // A worker that fails while the server is meant to run ends the wait at once.
  await Promise.race([moment, load]);
  isKilled = true;
  await server.kill();
  await load;
}
