import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { totpCode } from '../../src/accounts/totp.js';
import type { TotpAnswer } from '../../src/console/contract/security.js';
import { Cluster } from '../support/cluster-stage.js';
import { ConsoleClient } from '../support/console-client.js';
import { NodeRequests } from '../support/node-requests.js';
import { waitUntil } from '../support/run-program.js';

const LIBRARY = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)
  .find((file) => existsSync(file));
/** By node: the first is ahead, the second behind, the third right. */
const OFFSETS = ['+20s', '-20s', null];
const STEP_MS = 30_000;
const LOCK =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';

let cluster: Cluster;
let nodes: NodeRequests;
beforeAll(async () => {
  if (LIBRARY === undefined) throw new Error('the Debian package faketime is missing');
  cluster = await Cluster.start({
    environmentOf: (node): Record<string, string> => {
      const offset = OFFSETS[node];
      return offset ? { LD_PRELOAD: LIBRARY, FAKETIME: offset, DONT_FAKE_MONOTONIC: '1' } : {};
    },
  });
  nodes = new NodeRequests(cluster);
});
afterAll(async () => {
  nodes?.close();
  await cluster?.remove();
});

describe('the clocks of two nodes are wrong by 20 s', () => {
  test('in what they answer themselves', async () => {
    const dates = await Promise.all(
      [0, 1, 2].map(async (node) =>
        Date.parse(String((await nodes.at(node).send('GET', '/healthz', {})).headers.date)),
      ),
    );
    const now = Date.now();
    const seconds = dates.map((date) => Math.round((date - now) / 10_000) * 10);
    expect(seconds.map(String)).toEqual(['20', '-20', '0']);
  });

  test.each([0, 1, 2])(
    'a lock that node %i made holds at all nodes as long as was said, and no longer',
    async (node) => {
      const at = `locked-${node}`;
      expect((await nodes.drive(node, 'PUT', at, {}, 'text')).status).toBe(201);
      const lock = await nodes.drive(node, 'LOCK', at, { Timeout: 'Second-8', 'Content-Type': 'text/xml' }, LOCK);
      const lockedAt = performance.now();
      expect(lock.status).toBe(200);
      const others = async () =>
        Promise.all([0, 1, 2].map(async (other) => (await nodes.drive(other, 'PUT', at, {}, 'other')).status));
      expect(await others()).toEqual([423, 423, 423]);
      await wait(Math.max(0, 9_500 - (performance.now() - lockedAt)));
      expect(await others()).toEqual([204, 204, 204]);
    },
  );

  test('a file that a node writes is of the right time', async () => {
    for (const node of [0, 1, 2]) {
      await nodes.drive(node, 'PUT', `dated-${node}`, {}, 'text');
      const { headers } = await nodes.drive(2, 'HEAD', `dated-${node}`);
      expect(Math.abs(Date.parse(String(headers['last-modified'])) - Date.now())).toBeLessThan(10_000);
    }
  });

  test('codes of an authenticator count at both as at the third', { timeout: 120_000 }, async () => {
    const { user: email, accountPassword: password } = cluster.server;
    const enter = async (node: number) => {
      const client = new ConsoleClient(nodes.at(node));
      expect((await client.send('POST', '/api/session', { email, password })).status).toBe(201);
      return client;
    };
    const client = await enter(2);
    const { secret } = await client.post<TotpAnswer>('/api/security/totp');
    const phase = (from: number, to: number) =>
      waitUntil(
        'the moment within a step',
        () => Date.now() % STEP_MS >= from * 1000 && Date.now() % STEP_MS < to * 1000,
        STEP_MS / 1000 + 5,
      );
    // Of the step before; a clock that is ahead is in the next one.
    await phase(12, 26);
    await sameAt(0, client).post('/api/security/totp/confirm', { code: totpCode(secret, Date.now() - STEP_MS) });
    // Of the step after; a clock that is behind is in the one before.
    await phase(1, 15);
    const code = totpCode(secret, Date.now() + STEP_MS);
    const status = async (node: number) =>
      (await (await enter(node)).send('POST', '/api/session/second-step', { code })).status;
    expect([await status(1), await status(0), await status(2)]).toEqual([200, 403, 403]);
  });

  test('both say so in their log, and all stay ready', async () => {
    for (const node of [0, 1]) expect(cluster.nodes[node]!.log).toContain('clock');
    for (const node of [0, 1, 2]) expect((await nodes.at(node).send('GET', '/readyz', {})).status).toBe(200);
  });
});

function sameAt(node: number, client: ConsoleClient): ConsoleClient {
  const same = new ConsoleClient(nodes.at(node));
  same.cookie = client.cookie;
  same.csrfToken = client.csrfToken;
  return same;
}
