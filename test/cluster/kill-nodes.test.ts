import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { seededRandom } from '../crash/load.js';
import { ClusterLoad } from '../support/cluster-load.js';
import { Cluster } from '../support/cluster-stage.js';

// CLUSTER_KILLS=50: the long form.
const ROUNDS = Number(process.env.CLUSTER_KILLS ?? 5);

let cluster: Cluster;
afterEach(() => cluster?.remove());

test(`PRODUCT U4 — ${ROUNDS} times one or two of three nodes are killed under load: nothing acknowledged is lost, nothing refused is seen`, {
  timeout: 120_000 + ROUNDS * 30_000,
}, async () => {
  cluster = await Cluster.start();
  const load = new ClusterLoad(cluster);
  const random = seededRandom(load.seed);
  await load.begin();
  for (let round = 0; round < ROUNDS; round++) {
    await load.progress(30);
    await wait(random() * 200);
    const first = Math.floor(random() * 3);
    const killed = random() < 0.3 ? [first, (first + 1) % 3] : [first];
    await Promise.all(killed.map((node) => cluster.nodes[node]!.kill()));
    // The others go on meanwhile.
    await load.progress(20);
    await Promise.all(killed.map((node) => cluster.nodes[node]!.start()));
  }
  await load.progress(30);
  await load.expectSound();
  expect(load.acknowledged).toBeGreaterThan(ROUNDS * 50);
});
