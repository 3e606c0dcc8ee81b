import { expect } from 'vitest';
import { readConfig } from '../../src/config.js';
import { openEngines } from '../../src/engines/open-engines.js';
import { S3Client } from '../../src/engines/s3/s3-client.js';
import { collectGarbage } from '../../src/jobs/gc.js';
import { LoadWorker, seededRandom } from '../crash/load.js';
import { checkWorker, listMarks } from '../crash/observe.js';
import type { Cluster } from './cluster-stage.js';
import { waitUntil } from './run-program.js';

const WORKERS = 6;
const DAY_MS = 86_400_000;
/** What haproxy says itself where it has sent nothing. */
const NOT_SENT = 'No server is available';
const UNKNOWN = 'nobody can say';

/** Clients that write through the balancer without a pause while nodes and engines fail, and look after each request of unknown end. */
export class ClusterLoad {
  readonly #cluster: Cluster;
  readonly #workers: LoadWorker[];
  readonly #differences: string[] = [];
  readonly #checkedTrash = new Set<string>();
  readonly seed: number;
  #isOver = false;
  #running: Promise<unknown> | null = null;
  /** Requests of which nobody could say at once what became of them. */
  unsure = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000_000);
    this.#workers = Array.from(
      { length: WORKERS },
      (_, number) => new LoadWorker(number, seededRandom(this.seed + number + 1)),
    );
  }

  get acknowledged(): number {
    return this.#workers.reduce((sum, worker) => sum + worker.acknowledged, 0);
  }

  get refused(): number {
    return this.#workers.reduce((sum, worker) => sum + worker.refused, 0);
  }

  async begin(): Promise<void> {
    const { pathMount, authorization } = this.#cluster.server;
    for (const { folder } of this.#workers) {
      const answer = await fetch(`${pathMount}${folder}/`, { method: 'MKCOL', headers: { authorization } });
      expect(answer.status).toBe(201);
    }
    this.#running = Promise.all(this.#workers.map((worker) => this.#work(worker)));
    // Rejects before somebody waits for it.
    this.#running.catch(() => {});
  }

  /** Resolves when so many more requests were acknowledged. */
  async progress(requests: number, seconds = 60): Promise<void> {
    const end = this.acknowledged + requests;
    const moment = waitUntil(`${requests} more requests are acknowledged`, () => this.acknowledged >= end, seconds);
    await Promise.race([moment, this.#running!.then(() => moment)]);
  }

  /** Ends the load, reads everything, and expects each acknowledged request to be seen and no other. */
  async expectSound(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    for (const worker of this.#workers) await this.#check(worker, true);
    expect(this.#differences, `KILL_SEED=${this.seed}`).toEqual([]);
    const { acknowledged, refused, unsure } = this;
    console.log(`${acknowledged} acknowledged, ${refused} refused, ${unsure} of unknown end, KILL_SEED=${this.seed}`);
    // A non-zero exit code throws, with what fsck says.
    await this.#cluster.server.firn('fsck');
    await expectNoLeftovers(this.#cluster);
  }

  async #work(worker: LoadWorker): Promise<void> {
    while (!this.#isOver) {
      await worker.runUntilUnsure(this.#target, () => this.#isOver, judge);
      if (worker.pending === null) continue;
      this.unsure++;
      await this.#check(worker, false);
    }
  }

  get #target() {
    return { mount: this.#cluster.server.pathMount, authorization: this.#cluster.server.authorization };
  }

  /** Looks when nothing is under way any more that the request began. */
  async #check(worker: LoadWorker, isThorough: boolean): Promise<void> {
    const now = Date.now();
    let seen: string[] | null = null;
    await waitUntil(
      'the servers show what is there',
      async () => {
        if (!(await isSettled(this.#cluster, now).catch(() => false))) return false;
        seen = await listMarks(this.#target, 'Trash')
          .then((trash) => checkWorker(worker, this.#target, trash, this.#checkedTrash, isThorough))
          .catch(() => null);
        return seen !== null;
      },
      120,
    );
    this.#differences.push(...seen!);
  }
}

/** Whether no transaction is under way that began before a time. */
async function isSettled({ engines }: Cluster, begunBefore: number): Promise<boolean> {
  const sql =
    "SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND xact_start < to_timestamp($1::float8 / 1000)";
  return (await engines.ask(sql, [begunBefore])).length === 0;
}

/** What is refused is not done; all else from 500 on says nothing about it. */
function judge(status: number, text: string): 'refused' | 'unsure' {
  if (status === 500 || status === 507) throw new Error(`a defect: ${status} ${text}`);
  return status === 503 && (text.includes(NOT_SENT) || !text.includes(UNKNOWN)) ? 'refused' : 'unsure';
}

/** One sweep of leases, two days later: the bucket has what the database names, and nothing else. */
async function expectNoLeftovers(cluster: Cluster): Promise<void> {
  const engines = await openEngines(
    readConfig({ FIRN_CONFIG: cluster.configFile, FIRN_STORAGE: cluster.server.storage }),
  );
  try {
    const now = () => Date.now() + 2 * DAY_MS;
    await collectGarbage({ ...engines, now, graceSeconds: 0 });
    await collectGarbage({ ...engines, now: () => now() + 1, graceSeconds: 0 });
  } finally {
    await engines.close();
  }
  const client = new S3Client(cluster.engines.ceph.settings);
  const stored: string[] = [];
  for await (const { key } of client.list('blobs/')) stored.push(key.slice('blobs/'.length));
  client.close();
  const named = await cluster.engines.ask('SELECT place FROM content WHERE place IS NOT NULL');
  expect(stored.sort()).toEqual(named.map(({ place }) => String(place)).sort());
}
