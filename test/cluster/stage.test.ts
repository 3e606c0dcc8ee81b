import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster-stage.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster?.remove());

test('what one node acknowledged each other node shows, and the balancer', async () => {
  const headers = { authorization: cluster.server.authorization };
  for (const [size, name] of [
    [10, 'small'],
    [300_000, 'large'],
  ] as const) {
    const body = Buffer.alloc(size, name);
    const answer = await fetch(`${cluster.mountOf(0)}${name}`, { method: 'PUT', headers, body });
    expect(answer.status).toBe(201);
    for (const mount of [cluster.mountOf(1), cluster.mountOf(2), cluster.server.pathMount]) {
      const found = await fetch(`${mount}${name}`, { headers });
      expect(Buffer.from(await found.arrayBuffer()).equals(body)).toBe(true);
    }
  }
});
