import { chmod, copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepareFirstStart } from '../../src/first-start.js';
import { type ClusterServer, useClusters, writeKey } from '../support/cluster-place.js';

const clusters = useClusters();

const serversOf = async ({ parts }: ClusterServer) =>
  (await parts.engines.cluster!.store.servers()).map(({ name, leftAt }) => ({ name, hasLeft: leftAt !== null }));

test('decision 0026 — three servers that start at once on nothing make one administrator, and each answers for the same drive', async () => {
  const cluster = await clusters.make();
  const servers = await Promise.all([1, 2, 3].map(() => cluster.start()));
  const welcomes = await Promise.all(servers.map(({ parts, running }) => prepareFirstStart(parts, running.url)));
  const [welcome, ...others] = welcomes.filter((text) => text !== null);
  expect(others).toEqual([]);
  const [, path, , user, password] = /(\/dav\/\d+\/)(.|\n)*?user +(\S+)\n +password +(\S+)/.exec(welcome!)!;
  const headers = { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  const large = Buffer.alloc(300_000, 'x');
  const put = await servers[0]!.send('PUT', `${path}a.bin`, { headers, body: large });
  expect(put.status).toBe(201);
  for (const server of servers) {
    const got = await server.send('GET', `${path}a.bin`, { headers });
    expect([got.status, got.text.length]).toEqual([200, large.length]);
    expect((await server.send('GET', '/readyz')).text).toBe('ok\n');
    expect(await readdir(server.config.storage)).not.toContain('secret.key');
  }
});

test('decision 0026 — a server needs the key that the first one had, makes none, and is nowhere noted without', async () => {
  const cluster = await clusters.make();
  const first = await cluster.start({ nodeName: 'a' });
  const keys = ['copy.key', 'other.key', 'none.key', 'open.key'].map((name) => join(cluster.folder, name));
  const [copy, other, none, open] = keys as [string, string, string, string];
  await copyFile(first.config.secretKeyFile!, copy);
  await writeKey(other);
  await writeKey(open);
  await chmod(open, 0o644);
  await expect(cluster.start({ secretKeyFile: other })).rejects.toThrow(
    /other.key is not the one that the database was first used with/,
  );
  await expect(cluster.start({ secretKeyFile: none })).rejects.toThrow(/no key in .*none.key.*the same/);
  await expect(cluster.start({ secretKeyFile: open })).rejects.toThrow(/chmod 600/);
  await expect(readdir(cluster.folder)).resolves.not.toContain('none.key');
  await cluster.start({ secretKeyFile: copy, nodeName: 'b' });
  expect(await serversOf(first)).toEqual([
    { name: 'a', hasLeft: false },
    { name: 'b', hasLeft: false },
  ]);
});

test('decision 0026 — a name that a living server has is refused; one that has left is free', async () => {
  const cluster = await clusters.make();
  const first = await cluster.start({ nodeName: 'a' });
  await expect(cluster.start({ nodeName: 'a' })).rejects.toThrow(
    /Another server on the database is called a: set another nodeName/,
  );
  await cluster.stop(first);
  const again = await cluster.start({ nodeName: 'a' });
  expect(await serversOf(again)).toEqual([
    { name: 'a', hasLeft: true },
    { name: 'a', hasLeft: false },
  ]);
  const [one, two] = [await cluster.start(), await cluster.start()];
  const names = (await serversOf(one)).map(({ name }) => name);
  expect(new Set(names).size).toBe(3);
  await cluster.stop(two);
});

test('decision 0026 — a storage folder that was emptied meanwhile is nothing that a server misses', async () => {
  const cluster = await clusters.make();
  const first = await cluster.start();
  const { config } = first;
  await cluster.stop(first);
  await rm(config.storage, { recursive: true });
  const again = await cluster.start({ storage: config.storage });
  expect((await again.send('GET', '/readyz')).status).toBe(200);
});
