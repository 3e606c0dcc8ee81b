import { expect, test } from 'vitest';
import { readVersion } from '../../src/config.js';
import type { StorageAnswer } from '../../src/console/contract/admin-reports.js';
import type { BlobId } from '../../src/stores/values.js';
import { useClusters } from '../support/cluster-place.js';
import { ConsoleClient } from '../support/console-client.js';
import { PASSWORD } from '../support/make-server.js';
import { parsePrometheus } from '../support/prometheus-text.js';

const clusters = useClusters();
const NO_STANDBY = /^The database has no synchronous standby: a failover .* may lose acknowledged changes/;

test('decision 0026 — the console, the metrics and the log show the servers, and what is a risk', async () => {
  const cluster = await clusters.make();
  const first = await cluster.start({ nodeName: 'a' });
  const second = await cluster.start({ nodeName: 'b' });
  const gone = await cluster.start({ nodeName: 'c' });
  await cluster.stop(gone);
  await first.addUserWithDrive('root');
  const admin = await ConsoleClient.signedIn(second, 'root', PASSWORD);
  const { cluster: answered } = await admin.get<StorageAnswer>('/api/admin/storage');
  const server = { version: readVersion(), startedAt: expect.any(String), seenAt: expect.any(String) };
  expect(answered).toEqual({
    nodes: [
      { ...server, name: 'a', isThis: false },
      { ...server, name: 'b', isThis: true },
    ],
    warnings: [expect.stringMatching(NO_STANDBY)],
  });
  // What one of them finds all of them show.
  const record = {
    at: 1,
    kind: 'content-damaged',
    userId: null,
    actor: 'server',
    address: '',
    client: 'firn',
    details: {},
  };
  const damage = { contentId: 'ab'.repeat(32) as BlobId, kind: 'wrong-hash', message: 'is wrong', foundAt: 1 };
  await first.parts.engines.scrubStore.noteDamage(damage, record);
  expect((await admin.get<StorageAnswer>('/api/admin/storage')).damages).toEqual([
    { content: damage.contentId, kind: 'wrong-hash', message: 'is wrong', foundAt: '1970-01-01T00:00:00.001Z' },
  ]);
  const metrics = parsePrometheus((await second.send('GET', '/metrics')).text);
  const shown = (name: string) => metrics.get(name)!.samples[0]!.value;
  expect(shown('firn_scrub_damaged')).toBe(1);
  expect(shown('firn_cluster_servers')).toBe(2);
  expect(shown('firn_cluster_warnings')).toBe(1);
  expect(Math.abs(shown('firn_cluster_clock_ahead_seconds'))).toBeLessThan(5);
  expect(first.logged.map((line) => JSON.parse(line).msg)).toEqual([expect.stringMatching(NO_STANDBY)]);
});
