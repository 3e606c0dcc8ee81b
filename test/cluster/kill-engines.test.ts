import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { ClusterEngines } from '../support/cluster-engines.js';
import { ClusterLoad } from '../support/cluster-load.js';
import { Cluster } from '../support/cluster-stage.js';
import { Haproxy } from '../support/haproxy.js';
import type { PostgresServer } from '../support/postgres-server.js';
import { PrimaryWatch } from '../support/primary-watch.js';
import { waitUntil } from '../support/run-program.js';

// CLUSTER_KILLS=50: the long form.
const ROUNDS = Math.ceil(Number(process.env.CLUSTER_KILLS ?? 5) / 3);
const timeout = 180_000 + ROUNDS * 60_000;

/** A commit waits so long before it is written, in microseconds: whenever the database ends, one is under way. */
const SLOW_COMMITS = ['commit_delay = 100000', 'commit_siblings = 0', 'wal_writer_delay = 10s'];

const undos: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of undos.splice(0).reverse()) await undo();
});

async function start(options: Parameters<typeof Cluster.start>[0] = {}): Promise<[Cluster, ClusterLoad]> {
  const cluster = await Cluster.start({ postgres: SLOW_COMMITS, ...options });
  undos.push(() => cluster.remove());
  const load = new ClusterLoad(cluster);
  await load.begin();
  return [cluster, load];
}

/** Ends it while a commit is under way. */
async function crashWithinCommit({ primary }: ClusterEngines): Promise<void> {
  const sql = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query = 'COMMIT'";
  await waitUntil('a commit is under way', async () => (await primary.ask(sql)).length > 0);
  await primary.crash();
}

test(`${ROUNDS} times the database ends at once and starts again, then the gateway of the bucket: nothing acknowledged is lost`, {
  timeout,
}, async () => {
  const [{ engines, nodes }, load] = await start();
  const pids = nodes.map(({ pid }) => pid);
  for (let round = 0; round < ROUNDS; round++) {
    await load.progress(40);
    await crashWithinCommit(engines);
    await wait(Math.random() * 2_000);
    await engines.primary.restart();
    await load.progress(40);
    await engines.ceph.killGateway();
    await wait(Math.random() * 2_000);
    await engines.ceph.startGateway();
  }
  await load.progress(40);
  await load.expectSound();
  expect(nodes.map(({ pid }) => pid)).toEqual(pids);
});

test('the standby becomes the primary: nothing acknowledged is lost, and the nodes go on without a restart', {
  timeout,
}, async () => {
  let standby: PostgresServer | null = null;
  const [cluster, load] = await start({
    between: async ({ primary, databaseUrl }) => {
      standby = await primary.addStandby();
      undos.push(() => standby!.stop());
      const watches = await Promise.all([primary, standby].map((one) => PrimaryWatch.start(one)));
      const servers = [primary, standby].map(({ port }, index) => ({
        name: `postgres${index}`,
        port,
        checkPort: watches[index]!.port,
      }));
      const proxy = await Haproxy.primary(servers);
      undos.push(...watches.map((watch) => () => watch.stop()), () => proxy.stop());
      const url = new URL(databaseUrl);
      url.port = String(proxy.port);
      return () => ({ databaseUrl: url.href });
    },
  });
  const pids = cluster.nodes.map(({ pid }) => pid);
  await load.progress(60);
  const old = cluster.engines.primary;
  await crashWithinCommit(cluster.engines);
  await standby!.promote();
  const promotedAt = performance.now();
  cluster.engines.primary = standby!;
  await load.progress(1);
  console.log(`writable ${Math.round(performance.now() - promotedAt)} ms after the promotion`);
  await load.progress(60);
  await load.expectSound();
  expect(cluster.nodes.map(({ pid }) => pid)).toEqual(pids);
  await old.stop();
});
