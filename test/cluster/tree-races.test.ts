import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../support/cluster-stage.js';
import type { Answer } from '../support/http-client.js';
import { NodeRequests, race, statusesOf } from '../support/node-requests.js';
import { BYTES, metadata, TUS } from '../support/tus-client.js';

// CLUSTER_ROUNDS=1000: the long form.
const ROUNDS = Number(process.env.CLUSTER_ROUNDS ?? 12);

let cluster: Cluster;
let nodes: NodeRequests;
beforeAll(async () => {
  cluster = await Cluster.start();
  nodes = new NodeRequests(cluster);
});
afterAll(async () => {
  nodes?.close();
  await cluster?.remove();
});

/** Pairs of nodes: each meets each. */
const pairOf = (round: number): [number, number] => [round % 3, (round + 1 + (Math.floor(round / 3) % 2)) % 3];

/** A sentence that holds in each round, in a folder of its own. */
function holds(title: string, work: (folder: string, one: number, other: number) => Promise<void>): void {
  const name = title.replace(/\W+/g, '-');
  test(title, { timeout: 60_000 + ROUNDS * 2_000 }, async () => {
    await made(name, 0);
    for (let round = 0; round < ROUNDS; round++) {
      const [one, other] = pairOf(round);
      await made(`${name}/${round}`, one);
      await work(`${name}/${round}`, one, other);
    }
  });
}

async function made(path: string, node: number): Promise<void> {
  expect((await nodes.drive(node, 'MKCOL', path)).status).toBe(201);
}

async function put(path: string, text: string, node = 0): Promise<void> {
  expect((await nodes.drive(node, 'PUT', path, {}, text)).status).toBeLessThan(300);
}

const get = async (path: string, node = 2) => {
  const { status, text } = await nodes.drive(node, 'GET', path);
  return status === 200 ? text : status;
};

/** Names in a folder, those of folders with a slash at the end. */
async function names(path: string, node = 2): Promise<string[]> {
  const { status, text } = await nodes.drive(node, 'PROPFIND', path, { Depth: '1' });
  if (status === 404) return [];
  expect(status).toBe(207);
  const hrefs = [...text.matchAll(/<(?:\w+:)?href>([^<]*)</g)].map((match) => decodeURIComponent(match[1]!));
  return hrefs.slice(1).map((href) => /[^/]+\/?$/.exec(href)![0]);
}

const unlocked = (answer: Answer) => ({ 'Lock-Token': String(answer.headers['lock-token']) });
const lockBody =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
const property = (name: string, value: string) =>
  `<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><t:${name} xmlns:t="urn:t">${value}</t:${name}></d:prop></d:set></d:propertyupdate>`;

describe('two nodes, one name', () => {
  holds('of two PUTs with If-None-Match: * one makes the file', async (folder, one, other) => {
    const bodies = ['first', 'second'];
    const answers = await race(
      ...[one, other].map(
        (node, index) => () => nodes.drive(node, 'PUT', `${folder}/new`, { 'If-None-Match': '*' }, bodies[index]!),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect([...statuses].sort()).toEqual([201, 412]);
    expect(await get(`${folder}/new`)).toBe(bodies[statuses.indexOf(201)]);
  });

  holds('of two PUTs with the same If-Match one is done', async (folder, one, other) => {
    await put(`${folder}/file`, 'before');
    const etag = String((await nodes.drive(one, 'HEAD', `${folder}/file`)).headers.etag);
    const answers = await race(
      ...[one, other].map((node) => () => nodes.drive(node, 'PUT', `${folder}/file`, { 'If-Match': etag }, `${node}`)),
    );
    const statuses = answers.map(({ status }) => status);
    expect([...statuses].sort()).toEqual([204, 412]);
    expect(await get(`${folder}/file`)).toBe(String([one, other][statuses.indexOf(204)]));
  });

  holds('of two large PUTs to a new name each is answered as if it had been alone', async (folder, one, other) => {
    const bodies = [randomBytes(40_000), randomBytes(40_000)];
    const statuses = await statusesOf(
      ...[one, other].map((node, index) => () => nodes.drive(node, 'PUT', `${folder}/new`, {}, bodies[index]!)),
    );
    expect(statuses).toEqual([201, 204]);
    const { bytes } = await nodes.drive(2, 'GET', `${folder}/new`);
    expect(bodies.some((body) => body.equals(bytes))).toBe(true);
  });

  holds('of two MKCOLs one makes the folder', async (folder, one, other) => {
    const make = (node: number) => () => nodes.drive(node, 'MKCOL', `${folder}/made`);
    expect(await statusesOf(make(one), make(other))).toEqual([201, 405]);
    expect(await names(folder)).toEqual(['made/']);
  });

  holds('two properties that are set at once are both set', async (folder, one, other) => {
    await put(`${folder}/file`, 'text');
    const set = (node: number, name: string) => () =>
      nodes.drive(node, 'PROPPATCH', `${folder}/file`, { 'Content-Type': 'text/xml' }, property(name, `${node}`));
    for (const { text } of await race(set(one, 'a'), set(other, 'b'))) expect(text).toContain('200 OK');
    const { text } = await nodes.drive(2, 'PROPFIND', `${folder}/file`, { Depth: '0' });
    const ask = '<d:propfind xmlns:d="DAV:"><d:prop><t:a xmlns:t="urn:t"/><t:b xmlns:t="urn:t"/></d:prop></d:propfind>';
    const found = await nodes.drive(2, 'PROPFIND', `${folder}/file`, { Depth: '0', 'Content-Type': 'text/xml' }, ask);
    expect([text.length > 0, found.text.match(/>[012]</g)?.sort()]).toEqual([true, [`>${one}<`, `>${other}<`].sort()]);
  });
});

describe('two nodes, one tree', () => {
  holds('of two folders that move into each other one stays', async (folder, one, other) => {
    await made(`${folder}/a`, one);
    await made(`${folder}/b`, other);
    const move = (node: number, from: string, to: string) => () =>
      nodes.drive(node, 'MOVE', `${folder}/${from}`, { Destination: nodes.href(node, `${folder}/${to}`) });
    const statuses = await statusesOf(move(one, 'a', 'b/a'), move(other, 'b', 'a/b'));
    expect(statuses[0]).toBe(201);
    expect([403, 404, 409]).toContain(statuses[1]);
    const tops = await names(folder);
    expect(tops).toHaveLength(1);
    expect(await names(`${folder}/${tops[0]}`)).toEqual([tops[0] === 'a/' ? 'b/' : 'a/']);
  });

  holds('of two deletions of one folder one is done', async (folder, one, other) => {
    await made(`${folder}/dir`, one);
    for (const name of ['x', 'y']) await put(`${folder}/dir/${name}`, name);
    const remove = (node: number) => () => nodes.drive(node, 'DELETE', `${folder}/dir`);
    expect(await statusesOf(remove(one), remove(other))).toEqual([204, 404]);
    expect(await names(folder)).toEqual([]);
  });

  holds('of a MOVE and a DELETE of one file one is done', async (folder, one, other) => {
    await put(`${folder}/from`, 'text');
    const Destination = nodes.href(one, `${folder}/to`);
    const statuses = await race(
      () => nodes.drive(one, 'MOVE', `${folder}/from`, { Destination }),
      () => nodes.drive(other, 'DELETE', `${folder}/from`),
    );
    const [moved, removed] = statuses.map(({ status }) => status);
    expect([
      [201, 404],
      [404, 204],
    ]).toContainEqual([moved, removed]);
    expect(await names(folder)).toEqual(moved === 201 ? ['to'] : []);
  });

  holds('a COPY beside a DELETE of the same folder copies all of it or nothing', async (folder, one, other) => {
    await made(`${folder}/from`, one);
    const files = ['a', 'b', 'c', 'd', 'e'];
    for (const name of files) await put(`${folder}/from/${name}`, name);
    const Destination = nodes.href(one, `${folder}/to`);
    const [copied, removed] = await race(
      () => nodes.drive(one, 'COPY', `${folder}/from`, { Destination }),
      () => nodes.drive(other, 'DELETE', `${folder}/from`),
    );
    expect(removed!.status).toBe(204);
    expect([201, 404]).toContain(copied!.status);
    expect((await names(`${folder}/to`)).sort()).toEqual(copied!.status === 201 ? files : []);
  });

  holds('a PUT into a folder that is being deleted is in the trash or refused', async (folder, one, other) => {
    await made(`${folder}/dir`, one);
    const [written, removed] = await race(
      () => nodes.drive(one, 'PUT', `${folder}/dir/file`, {}, 'text'),
      () => nodes.drive(other, 'DELETE', `${folder}/dir`),
    );
    expect(removed!.status).toBe(204);
    expect([201, 404, 409]).toContain(written!.status);
    expect(await names(folder)).toEqual([]);
  });
});

describe('two nodes, one lock', () => {
  const lock = (node: number, path: string) => () =>
    nodes.drive(node, 'LOCK', path, { Timeout: 'Second-60', Depth: '0', 'Content-Type': 'text/xml' }, lockBody);

  holds('of two exclusive locks one is given', async (folder, one, other) => {
    await put(`${folder}/file`, 'text');
    expect(await statusesOf(lock(one, `${folder}/file`), lock(other, `${folder}/file`))).toEqual([200, 423]);
  });

  holds('a PUT beside an UNLOCK is done after it, or refused', async (folder, one, other) => {
    await put(`${folder}/file`, 'before');
    const locked = await lock(one, `${folder}/file`)();
    const [ended, written] = await race(
      () => nodes.drive(one, 'UNLOCK', `${folder}/file`, unlocked(locked)),
      () => nodes.drive(other, 'PUT', `${folder}/file`, {}, 'after'),
    );
    expect(ended!.status).toBe(204);
    expect([204, 423]).toContain(written!.status);
    expect(await get(`${folder}/file`)).toBe(written!.status === 204 ? 'after' : 'before');
  });

  holds(
    'a lock and a PUT of somebody else: the lock is given, the PUT done before it or refused',
    async (folder, one, other) => {
      await put(`${folder}/file`, 'before');
      const [locked, written] = await race(lock(one, `${folder}/file`), () =>
        nodes.drive(other, 'PUT', `${folder}/file`, {}, 'after'),
      );
      expect(locked!.status).toBe(200);
      expect([204, 423]).toContain(written!.status);
      expect(await get(`${folder}/file`)).toBe(written!.status === 204 ? 'after' : 'before');
    },
  );
});

describe('two nodes, one upload', () => {
  const chunks = () => `remote.php/dav/uploads/${cluster.server.user}`;
  const files = () => `remote.php/dav/files/${cluster.server.user}`;

  holds('of two appends at one offset one is kept', async (folder, one, other) => {
    const begun = await nodes.drive(one, 'POST', folder, {
      ...TUS,
      'Upload-Length': '2000',
      'Upload-Metadata': metadata({ filename: 'file' }),
    });
    expect(begun.status).toBe(201);
    const at = new URL(String(begun.headers.location)).pathname.replace(`/dav/${cluster.server.driveId}/`, '');
    const kept: Buffer[] = [];
    for (const offset of [0, 1000]) {
      const bodies = [randomBytes(1000), randomBytes(1000)];
      const answers = await race(
        ...[one, other].map(
          (node, index) => () =>
            nodes.drive(node, 'PATCH', at, { ...BYTES, 'Upload-Offset': String(offset) }, bodies[index]!),
        ),
      );
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 204)).toHaveLength(1);
      expect([204, 404, 409, 423]).toEqual(expect.arrayContaining(statuses));
      kept.push(bodies[statuses.indexOf(204)]!);
    }
    expect((await nodes.drive(2, 'GET', `${folder}/file`)).bytes.equals(Buffer.concat(kept))).toBe(true);
  });

  holds('chunks that come to all nodes are put together once', async (folder, one, other) => {
    const name = folder.replaceAll('/', '-');
    const upload = `${chunks()}/${name}`;
    expect((await nodes.drive(one, 'MKCOL', upload)).status).toBe(201);
    const parts = Array.from({ length: 3 }, () => randomBytes(50_000));
    for (const { status } of await race(
      ...parts.map((part, index) => () => nodes.drive(index, 'PUT', `${upload}/${index + 1}`, {}, part)),
    )) {
      expect(status).toBe(201);
    }
    const finish = (node: number) => () =>
      nodes.drive(node, 'MOVE', `${upload}/.file`, { Destination: nodes.href(node, `${files()}/${folder}/whole`) });
    const statuses = await statusesOf(finish(one), finish(other));
    expect(statuses[0]).toBe(201);
    expect([404, 423]).toContain(statuses[1]);
    expect((await nodes.drive(2, 'GET', `${folder}/whole`)).bytes.equals(Buffer.concat(parts))).toBe(true);
  });
});
