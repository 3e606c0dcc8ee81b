import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { ClusterLoad } from '../support/cluster-load.js';
import { Cluster } from '../support/cluster-stage.js';
import { Link } from '../support/link.js';
import { waitUntil } from '../support/run-program.js';

// CLUSTER_PARTITION_SECONDS=30: the long form; longer than any wait of a node.
const SECONDS = Number(process.env.CLUSTER_PARTITION_SECONDS ?? 6);

const undos: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of undos.splice(0).reverse()) await undo();
});

async function linkTo(port: number): Promise<Link> {
  const link = await Link.to(port);
  undos.push(() => link.close());
  return link;
}

test('one node loses the database or the bucket, in one direction or wholly: the others go on, and nothing acknowledged is lost', {
  timeout: 240_000 + SECONDS * 20_000,
}, async () => {
  let links: Link[] = [];
  const cluster = await Cluster.start({
    between: async ({ databaseUrl, primary, ceph: { settings } }) => {
      links = [await linkTo(primary.port), await linkTo(Number(settings.endpoint.port))];
      const url = new URL(databaseUrl);
      url.port = String(links[0]!.port);
      const endpoint = new URL(`http://127.0.0.1:${links[1]!.port}`);
      return (node) => (node === 1 ? { databaseUrl: url.href, s3: { ...settings, endpoint } } : {});
    },
  });
  undos.push(() => cluster.remove());
  const load = new ClusterLoad(cluster);
  await load.begin();
  const isReady = async () => (await fetch(`${cluster.nodes[1]!.url}/readyz`)).status === 200;
  for (const link of links) {
    for (const fail of [() => link.hold('down'), () => link.hold('up'), () => link.cut()]) {
      await load.progress(15);
      fail();
      await wait(SECONDS * 1_000);
      await load.progress(15, 120);
      link.restore();
      await waitUntil('the node is ready again', isReady, 60);
    }
  }
  await load.progress(15);
  await load.expectSound();
  expect(load.acknowledged).toBeGreaterThan(150);
});
