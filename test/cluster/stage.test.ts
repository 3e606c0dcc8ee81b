import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster, joinPem } from '../support/cluster-stage.js';
import { freePort } from '../support/free-port.js';
import { Haproxy } from '../support/haproxy.js';
import { mustRun } from '../support/run-program.js';
import { fetchFrom } from '../support/server-fetch.js';
import { root } from '../support/server-process.js';
import { makeThrowawayCa } from '../support/throwaway-ca.js';

let cluster: Cluster;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'firn-stage-'));
  cluster = await Cluster.start();
});
afterAll(async () => {
  await cluster?.remove();
  await rm(folder, { recursive: true, force: true });
});

const headers = () => ({ authorization: cluster.server.authorization });

test('what one node acknowledged each other node shows, and the balancer', async () => {
  for (const [size, name] of [
    [10, 'small'],
    [300_000, 'large'],
  ] as const) {
    const body = Buffer.alloc(size, name);
    const answer = await fetch(`${cluster.mountOf(0)}${name}`, { method: 'PUT', headers: headers(), body });
    expect(answer.status).toBe(201);
    for (const mount of [cluster.mountOf(1), cluster.mountOf(2), cluster.server.pathMount]) {
      const found = await fetch(`${mount}${name}`, { headers: headers() });
      expect(Buffer.from(await found.arrayBuffer()).equals(body)).toBe(true);
    }
  }
});

test('the balancer of docker/cluster leads to the nodes, and the parts of an upload to one of them', async () => {
  const ca = await makeThrowawayCa(folder, ['localhost']);
  const port = await freePort();
  let text = await readFile(path.join(root, 'docker', 'cluster', 'haproxy.cfg'), 'utf8');
  text = text.replace(':8443', `127.0.0.1:${port}`).replace('/run/secrets/certificate.pem', await joinPem(folder, ca));
  for (const [index, node] of cluster.nodes.entries()) {
    text = text.replaceAll(`firn${index + 1}:8080`, `127.0.0.1:${node.port}`);
  }
  const balancer = await Haproxy.configured(port, text);
  try {
    const send = fetchFrom({ ca });
    const { driveId, user } = cluster.server;
    const base = `https://127.0.0.1:${port}/dav/${driveId}/remote.php/dav`;
    const upload = `${base}/uploads/${user}/through-the-balancer`;
    const ask = async (method: string, url: string, body?: Buffer, more: Record<string, string> = {}) =>
      send(url, { method, headers: { ...headers(), ...more }, ...(body ? { body } : {}) });
    expect((await ask('MKCOL', upload)).status).toBe(201);
    const parts = [randomBytes(6_000_000), randomBytes(6_000_000)];
    for (const [index, part] of parts.entries()) {
      expect((await ask('PUT', `${upload}/${index + 1}`, part)).status).toBe(201);
    }
    const Destination = `${base}/files/${user}/whole`;
    expect((await ask('MOVE', `${upload}/.file`, undefined, { Destination })).status).toBe(201);
    const whole = Buffer.from(await (await ask('GET', Destination)).arrayBuffer());
    expect(whole.equals(Buffer.concat(parts))).toBe(true);
  } finally {
    await balancer.stop();
  }
});

test('`firn cluster status` shows the three nodes', async () => {
  const said = await mustRun(process.execPath, [path.join(root, 'bin', 'firn.js'), 'cluster', 'status', '--json'], {
    environment: { FIRN_CONFIG: cluster.configFile, FIRN_STORAGE: cluster.server.storage },
  });
  const { nodes, faults } = JSON.parse(said) as { nodes: { state: string }[]; faults: string[] };
  expect([nodes.length, faults]).toEqual([3, []]);
});
