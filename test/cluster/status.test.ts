import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster-stage.js';
import { runProgram } from '../support/run-program.js';
import { root } from '../support/server-process.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ environmentOf: (node) => ({ FIRN_NODE_NAME: `node${node + 1}` }) });
});
afterAll(() => cluster?.remove());

/** As an operator's machine, with a storage folder of its own that was never used. */
async function status(words: string[] = [], settings: Record<string, string> = {}) {
  const folder = path.dirname(cluster.nodes[0]!.storage);
  const environment = {
    FIRN_CONFIG: path.join(folder, 'command.json'),
    FIRN_STORAGE: path.join(folder, 'operator'),
    ...settings,
  };
  return runProgram(process.execPath, [path.join(root, 'bin', 'firn.js'), 'cluster', 'status', ...words], {
    environment,
  });
}
const json = async () => {
  const result = await status(['--json']);
  return { code: result.code, ...JSON.parse(result.output) };
};

test('decision 0026 — firn cluster status shows the servers, the database, the bucket and the key', async () => {
  const { code, output, errors } = await status();
  expect(output).toMatch(/^NAME +VERSION +STATE +STARTED +SEEN +TROUBLE\n/);
  expect(output.match(/^node[123] +\S+ +lives /gm)).toHaveLength(3);
  expect(output).toMatch(
    /\ndatabase {2}PostgreSQL \d+.*, no synchronous standby\nbucket {4}answers\nkey {7}the one of the cluster\n$/,
  );
  expect(errors).toMatch(/^warning: The database has no synchronous standby: .*\n$/);
  expect(code).toBe(0);
  expect(await json()).toMatchObject({
    code: 0,
    nodes: [1, 2, 3].map(() => ({ state: 'lives', trouble: null })),
    database: { standbys: '', isUsable: true },
    bucket: { isReachable: true },
    key: { isRight: true },
    faults: [],
  });
});

test('decision 0026 — it fails where the key is another one', async () => {
  const file = path.join(path.dirname(cluster.nodes[0]!.storage), 'other.key');
  await writeFile(file, randomBytes(32).toString('base64'), { mode: 0o600 });
  const { code, output, errors } = await status([], { FIRN_SECRET_KEY_FILE: file });
  expect([code, output]).toEqual([1, expect.stringMatching(/\nkey {7}wrong\n$/)]);
  expect(errors).toMatch(/\nerror: The key is wrong: .*\nerror: 1 fault found\.\n$/);
});

test('decision 0026 — a server that was killed is silent, and a fault; one that left is not; a named one comes back', async () => {
  await cluster.nodes[0]!.kill();
  await cluster.nodes[1]!.stop();
  const stateOf = async (name: string) =>
    (await json()).nodes.filter((node: { name: string }) => node.name === name).at(-1).state;
  expect(await stateOf('node2')).toBe('left');
  await expect.poll(() => stateOf('node1'), { timeout: 55_000, interval: 3_000 }).toBe('silent');
  const { code, faults } = await json();
  expect([code, faults]).toEqual([
    1,
    [expect.stringMatching(/^The server node1 was last seen at .* and has not left\.$/)],
  ]);
  await Promise.all([cluster.nodes[0]!.start(), cluster.nodes[1]!.start()]);
  expect(await stateOf('node1')).toBe('lives');
  expect(await json()).toMatchObject({ code: 0, faults: [] });
});

test('decision 0026 — with SQLite there is no cluster to show', async () => {
  const storage = path.join(path.dirname(cluster.nodes[0]!.storage), 'embedded');
  const run = (words: string[]) =>
    runProgram(process.execPath, [path.join(root, 'bin', 'firn.js'), ...words], {
      environment: { FIRN_STORAGE: storage },
      input: `${randomBytes(9).toString('hex')}\n`,
    });
  await run(['user', 'create', 'a@x.org', '--password-stdin']);
  const { code, errors } = await run(['cluster', 'status']);
  expect([code, errors]).toEqual([1, 'error: The metadata is in SQLite: one server has the storage, and no other.\n']);
});
