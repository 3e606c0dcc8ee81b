import { createHash } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster-stage.js';
import { mustRun, waitUntil } from '../support/run-program.js';
import { root } from '../support/server-process.js';
import { SyntheticSource } from '../support/synthetic-source.js';

const FILES = 60;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ settings: { importAllowedNetworks: ['127.0.0.1'] } });
});
afterAll(() => cluster?.remove());

interface Row {
  readonly state: string;
  readonly owner: string | null;
  readonly done: number;
}

async function rowOf(id: string): Promise<Row> {
  const [row] = await cluster.engines.ask('SELECT state, owner, progress FROM job WHERE id = $1', [Number(id)]);
  const { done = 0 } = JSON.parse((row!.progress as string | null) ?? '{}') as { done?: number };
  return { state: row!.state as string, owner: row!.owner as string | null, done };
}

test('decision 0026 — an import goes on at another server when its own is killed, and loses and repeats nothing', async () => {
  const names = Array.from({ length: FILES }, (_, number) => `file-${number}.bin`);
  const bytesOf = (name: string) => Buffer.alloc(2000, createHash('sha256').update(name).digest());
  const source = await SyntheticSource.start(
    Object.fromEntries(names.map((name) => [`/${name}`, { bytes: bytesOf(name) }])),
  );
  // It answers for so many files; who asks for more waits.
  let allowed = 0;
  let answered = 0;
  const waiting: (() => void)[] = [];
  const allow = (files: number) => {
    allowed = files;
    while (answered < allowed && waiting.length > 0) waiting.shift()!();
  };
  source.meddle = (request, response, asked) => {
    if (request.method !== 'GET') return false;
    const answer = () => {
      if (response.destroyed) return;
      answered++;
      response.writeHead(200, { 'Content-Length': 2000 }).end(bytesOf(asked.slice(1)));
    };
    if (answered < allowed) answer();
    else waiting.push(answer);
    return true;
  };
  const folder = path.dirname(cluster.nodes[0]!.storage);
  const environment = { FIRN_CONFIG: path.join(folder, 'command.json'), FIRN_STORAGE: path.join(folder, 'command') };
  const words = ['import', 'start', source.url, '--user', 'u', '--password-stdin', '--drive', cluster.server.driveId];
  await Promise.all([1, 2].map((number) => cluster.nodes[number]!.stop()));
  const id = (
    await mustRun(process.execPath, [path.join(root, 'bin', 'firn.js'), ...words, '--to', 'in'], {
      environment,
      input: 'p\n',
    })
  ).trim();
  // One server runs at a time, and then the next one beside it: so it is known which one has the import.
  for (const [running, share] of [0.1, 0.4].entries()) {
    allow(FILES * share);
    await waitUntil(`${share} of the files came`, async () => (await rowOf(id)).done >= FILES * share, 90);
    await cluster.nodes[running + 1]!.start();
    const { owner, state } = await rowOf(id);
    expect(state).toBe('running');
    await cluster.nodes[running]!.kill();
    await waitUntil('another server goes on', async () => (await rowOf(id)).owner !== owner, 60);
  }
  allow(Number.POSITIVE_INFINITY);
  await waitUntil('the import ended', async () => (await rowOf(id)).state === 'succeeded', 90);
  const headers = { authorization: cluster.server.authorization };
  for (const name of names) {
    const found = await fetch(`${cluster.mountOf(2)}in/${name}`, { headers });
    expect(Buffer.from(await found.arrayBuffer()).equals(bytesOf(name))).toBe(true);
  }
  // What came before a kill wasn't taken again.
  expect(answered).toBe(FILES);
});
