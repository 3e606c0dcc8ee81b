import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster-stage.js';
import { NodeRequests } from '../support/node-requests.js';
import { waitUntil } from '../support/run-program.js';

// CLUSTER_FREEZES=10: the long form.
const ROUNDS = Number(process.env.CLUSTER_FREEZES ?? 1);
const FROZEN_MS = 15_000;
const TRIES_MAX = 300;
const WRITERS = 4;

let cluster: Cluster;
let nodes: NodeRequests;
beforeAll(async () => {
  cluster = await Cluster.start();
  nodes = new NodeRequests(cluster);
});
afterAll(async () => {
  nodes?.close();
  await cluster?.remove();
});

/** Freezes the node between two statements of a transaction: it holds the drive. */
async function freezeWithin(node: number): Promise<void> {
  const sql = "SELECT FROM pg_stat_activity WHERE application_name = 'firn' AND state = 'idle in transaction'";
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    cluster.nodes[node]!.freeze();
    // What it had sent is done by then.
    await wait(50);
    if ((await cluster.engines.ask(sql)).length > 0) return;
    cluster.nodes[node]!.thaw();
    await wait(Math.random() * 30);
  }
  throw new Error('the node was never frozen within a transaction');
}

test('PRODUCT U4 — a node stands still within a write: the drive is free again, and nothing it said or says is wrong', {
  timeout: 120_000 + ROUNDS * 60_000,
}, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const written: { name: string; status: number; text: string }[] = [];
    let isOver = false;
    const writers = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let number = 0; !isOver; number++) {
        const name = `round${round}-${writer}-${number}`;
        const { status, text } = await nodes.drive(0, 'PUT', name, {}, name);
        written.push({ name, status, text });
      }
    });
    await waitUntil('it writes', () => written.length > 10);
    await freezeWithin(0);
    const frozenAt = performance.now();
    isOver = true;
    let freeAfter = 0;
    for (let tries = 0; freeAfter === 0; tries++) {
      const { status } = await nodes.drive(1, 'PUT', `round${round}-other-${tries}`, {}, 'other');
      expect([201, 503]).toContain(status);
      if (status === 201) freeAfter = performance.now() - frozenAt;
      expect(tries).toBeLessThan(20);
    }
    console.log(`the drive was free after ${Math.round(freeAfter)} ms`);
    await wait(Math.max(0, FROZEN_MS - (performance.now() - frozenAt)));
    cluster.nodes[0]!.thaw();
    await Promise.all(writers);
    for (const { name, status, text } of written) {
      const found = await nodes.drive(2, 'GET', name);
      const isUnsure = status === 503 && text.includes('nobody can say');
      if (!isUnsure) expect([name, status, found.status]).toEqual([name, status, status === 201 ? 200 : 404]);
      expect([201, 503]).toContain(status);
    }
    expect((await nodes.drive(0, 'PUT', `round${round}-again`, {}, 'again')).status).toBe(201);
  }
  await cluster.server.firn('fsck');
});
