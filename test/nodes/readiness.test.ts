import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import type { Config } from '../../src/config.js';
import { type ClusterPlace, type ClusterServer, useClusters } from '../support/cluster-place.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { PostgresServer } from '../support/postgres-server.js';

const clusters = useClusters();
const POLL = { timeout: 50_000, interval: 500 };

afterEach(() => vi.useRealTimers());

/** A server whose way to the bucket can be spoilt. */
async function startBehindProxy(cluster: ClusterPlace): Promise<{ server: ClusterServer; proxy: FaultProxy }> {
  const blobs = cluster.settings.blobs as Extract<Config['blobs'], { engine: 's3' }>;
  const proxy = await FaultProxy.start(new URL(blobs.endpoint));
  onTestFinished(() => proxy.close());
  return { server: await cluster.start({ blobs: { ...blobs, endpoint: proxy.endpoint.origin } }), proxy };
}

const faultsOf = async ({ parts }: ClusterServer) =>
  (await parts.engines.cluster!.store.servers()).map(({ trouble }) => trouble);

test('decision 0026 — a server that does not reach the bucket leaves while another does, and comes back when none does', async () => {
  const cluster = await clusters.make();
  const [one, other] = [await startBehindProxy(cluster), await startBehindProxy(cluster)];
  one.proxy.spoil = () => '503 SlowDown';
  await expect.poll(() => one.server.readiness(), POLL).toBe('not ready: the object storage fails');
  expect(await other.server.readiness()).toBe('ok');
  other.proxy.spoil = () => '503 SlowDown';
  await expect.poll(() => one.server.readiness(), POLL).toBe('ok');
  expect(await other.server.readiness()).toBe('ok');
  expect(await faultsOf(one.server)).toEqual(['the object storage fails', 'the object storage fails']);
  const drive = await one.server.addUserWithDrive('alice');
  expect((await one.server.send('PUT', `${drive}small.txt`, { user: 'alice', body: 'small' })).status).toBe(201);
  const large = await one.server.send('PUT', `${drive}large.bin`, { user: 'alice', body: Buffer.alloc(100_000) });
  expect([large.status, large.text]).toEqual([503, expect.stringContaining("The server's object storage fails.")]);
  for (const { proxy } of [one, other]) proxy.spoil = () => null;
  await expect.poll(() => faultsOf(one.server), POLL).toEqual([null, null]);
});

test('decision 0026 — a server alone says that the bucket fails, as there is none to ask instead', async () => {
  const { server, proxy } = await startBehindProxy(await clusters.make());
  proxy.spoil = () => 'silent before it is done';
  await expect.poll(() => server.readiness(), POLL).toBe('not ready: the object storage fails');
  proxy.spoil = () => null;
});

test('decision 0026 — without its database a server is not ready and says so to clients; when it is back, it is', async () => {
  const own = await PostgresServer.start();
  onTestFinished(() => own.stop());
  await own.ask("CREATE DATABASE firn ENCODING 'UTF8' TEMPLATE template0");
  const cluster = await clusters.make();
  const server = await cluster.start({
    metadata: { engine: 'postgres', url: own.url('firn'), mayBeUnsafe: true } as Config['metadata'],
  });
  const drive = await server.addUserWithDrive('alice');
  expect(await server.readiness()).toBe('ok');
  await own.crash();
  await expect.poll(() => server.readiness(), POLL).toBe('not ready: the database fails');
  const refused = await server.send('GET', drive, { user: 'alice' });
  expect([refused.status, refused.headers['retry-after'], refused.text]).toEqual([
    503,
    '5',
    expect.stringContaining("The server can't reach its database."),
  ]);
  expect((await server.send('GET', '/healthz')).status).toBe(200);
  await own.restart();
  await expect.poll(() => server.readiness(), POLL).toBe('ok');
  expect((await server.send('PROPFIND', drive, { user: 'alice', headers: { Depth: '0' } })).status).toBe(207);
});

test('decision 0026 — a database that is set to lose what it acknowledges is not ready; one whose standby is silent is read on', async () => {
  const own = await PostgresServer.start(['autovacuum = off']);
  onTestFinished(() => own.stop());
  const set = async (sql: string) => {
    await own.ask(`ALTER SYSTEM ${sql}`);
    await own.ask('SELECT pg_reload_conf()');
  };
  await own.ask("CREATE DATABASE firn ENCODING 'UTF8' TEMPLATE template0");
  const cluster = await clusters.make();
  const server = await cluster.start({ metadata: { engine: 'postgres', url: own.url('firn') } });
  const drive = await server.addUserWithDrive('alice');
  const list = async () => (await server.send('PROPFIND', drive, { user: 'alice', headers: { Depth: '0' } })).status;
  // Who signs in with a password that isn't known yet is counted first, which is a write.
  expect(await list()).toBe(207);
  await set('SET synchronous_commit = off');
  await expect.poll(() => server.readiness(), POLL).toBe('not ready: the database fails');
  expect(server.logged.join()).toContain('synchronous_commit = off and would lose files');
  await set('RESET synchronous_commit');
  await expect.poll(() => server.readiness(), POLL).toBe('ok');
  await set("SET synchronous_standby_names = 'gone'");
  const { cluster: engine } = server.parts.engines;
  await expect.poll(async () => (await engine!.look()).standbys, POLL).toBe('gone');
  expect(await server.readiness()).toBe('ok');
  expect(await list()).toBe(207);
  await set('RESET synchronous_standby_names');
  await expect.poll(async () => (await engine!.look()).standbys, POLL).toBe('');
});

test('decision 0026 — a machine whose clock is wrong: what expires goes by the database’s, 60 s off is not ready, 5 s off is told', async () => {
  const cluster = await clusters.make();
  const right = await cluster.start();
  const drive = await right.addUserWithDrive('alice');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 90_000 });
  const wrong = await cluster.start();
  expect(await wrong.readiness()).toBe("not ready: the machine's clock is wrong");
  expect(wrong.logged.join()).toContain('ahead of the database');
  expect(await right.readiness()).toBe('ok');
  const expiresAt = right.parts.now() + 60_000;
  const limits = { driveId: null, scopeId: null, allowance: 'full', expiresAt } as const;
  const { secret } = await right.parts.accounts.createAppPassword({ email: 'alice@example.org', name: 'a', ...limits });
  const headers = {
    Authorization: `Basic ${Buffer.from(`alice@example.org:${secret}`).toString('base64')}`,
    Depth: '0',
  };
  for (const server of [right, wrong]) expect((await server.send('PROPFIND', drive, { headers })).status).toBe(207);
  vi.setSystemTime(Date.now() - 80_000);
  expect(await wrong.readiness()).toBe('ok');
});

test('decision 0026 — a server that is to end says so for a while, and answers as before meanwhile', async () => {
  const cluster = await clusters.make();
  const [leaving, other] = [await cluster.start({ drainSeconds: 2 }), await cluster.start()];
  const drive = await leaving.addUserWithDrive('alice');
  const stopped = cluster.stop(leaving);
  expect(await leaving.readiness()).toBe('not ready: the server is leaving');
  expect((await leaving.send('PUT', `${drive}a.txt`, { user: 'alice', body: 'a' })).status).toBe(201);
  await stopped;
  expect(leaving.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
  expect((await other.send('GET', `${drive}a.txt`, { user: 'alice' })).text).toBe('a');
  await expect(leaving.readiness()).rejects.toThrow();
});
