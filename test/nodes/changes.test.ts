import { expect, test } from 'vitest';
import { useClusters } from '../support/cluster-place.js';

const clusters = useClusters();

test('decision 0026 — who waits for a change at one server is told what another one stored', async () => {
  const cluster = await clusters.make();
  const [one, other] = [await cluster.start(), await cluster.start()];
  const drive = await one.addUserWithDrive('alice');
  const id = /\d+/.exec(drive)![0];
  const ask = async (query: string) =>
    JSON.parse((await other.send('GET', `/api/drives/${id}/changes?${query}`, { user: 'alice' })).text);
  let { cursor } = await ask('');
  for (const name of ['a.txt', 'b.txt', 'c.txt']) {
    const waiting = ask(`since=${encodeURIComponent(cursor)}&timeout=50`);
    await expect
      .poll(async () => /firn_change_feed_waiting 1/.test((await other.send('GET', '/metrics')).text), {
        timeout: 10_000,
      })
      .toBe(true);
    expect((await one.send('PUT', `${drive}${name}`, { user: 'alice', body: name })).status).toBe(201);
    const told = await waiting;
    expect(told.changed.map(({ path }: { path: string }) => path).filter((path: string) => path !== '/')).toEqual([
      `/Drive/${name}`,
    ]);
    cursor = told.cursor;
  }
});
