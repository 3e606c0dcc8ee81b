import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { checkSameBytes, readOverHttp, seededBytes } from '../support/trees.js';
import { seededRandom } from './load.js';

const workerCount = 6;

/** Few and shared: the last name of a content goes while another client brings the same content again. */
const contents = [300, 4096, 100 * 1024, 100 * 1024 + 1].map((size, number) => seededBytes(`race ${number}`, size));

async function countFiles(folder: string): Promise<number> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((place) => place.isFile()).length;
}

/** What is right between requests of one process has to be right between those of two: fewer rounds show it. */
const shapes = [
  { workers: 1, collections: 20, pairs: 50 },
  { workers: 2, collections: 6, pairs: 30 },
];

describe.each(shapes)('PRODUCT U4 — clients that race, workers: $workers', ({ workers, collections, pairs }) => {
  let server: BootedServer;

  beforeAll(async () => {
    server = await bootServer({ settings: { workers } });
  });
  afterAll(() => server?.remove());

  /** Sends a request below the drive; returns its status, and throws where that is not an expected one. */
  async function send(
    method: string,
    name: string,
    expected: number[],
    headers: Record<string, string> = {},
    body: Uint8Array<ArrayBuffer> | null = null,
  ): Promise<Response> {
    const answer = await fetch(`${server.pathMount}${name}`, {
      method,
      headers: { authorization: server.authorization, ...headers },
      body,
    });
    const text = await answer.text();
    if (!expected.includes(answer.status)) throw new Error(`${method} ${name} answered ${answer.status}: ${text}`);
    return answer;
  }

  /** Uploads, copies and finally deletes the shared contents until `isOver`; reads a file back after each step. */
  async function churn(folder: string, seed: number, isOver: () => boolean): Promise<Map<string, number>> {
    const random = seededRandom(seed);
    const live = new Map<string, number>();
    await send('MKCOL', `${folder}/`, [201]);
    const pick = () => [...live.keys()][Math.floor(random() * live.size)]!;
    for (let step = 0; !isOver(); step++) {
      const name = `${folder}-${step}.bin`;
      const chance = random();
      if (live.size === 0 || (chance < 0.35 && live.size < 4)) {
        const number = Math.floor(random() * contents.length);
        await send('PUT', `${folder}/${name}`, [201], {}, new Uint8Array(contents[number]!));
        live.set(name, number);
      } else if (chance < 0.55 && live.size < 4) {
        const origin = pick();
        await send('COPY', `${folder}/${origin}`, [201], { destination: `${server.pathMount}${folder}/${name}` });
        live.set(name, live.get(origin)!);
      } else {
        const gone = pick();
        live.delete(gone);
        await send('DELETE', `${folder}/${gone}`, [204]);
        await send('DELETE', `Trash/${gone}`, [204]);
      }
      if (live.size > 0) await checkContent(folder, pick(), live);
    }
    return live;
  }

  async function checkContent(folder: string, name: string, live: Map<string, number>): Promise<void> {
    const found = await readOverHttp(`${server.pathMount}${folder}/${name}`, server.authorization);
    checkSameBytes(found, contents[live.get(name)!]!);
  }

  test(`storage/README invariant 3 — ${collections} runs of gc beside uploads, copies and deletions of the same bytes lose none`, {
    timeout: 300_000,
  }, async () => {
    const seed = Number(process.env.RACE_SEED ?? Date.now() % 1_000_000_000);
    console.log(`race test: RACE_SEED=${seed}`);
    let isOver = false;
    const load = Promise.all(
      Array.from({ length: workerCount }, async (_, number) => {
        const folder = `churn-${number}`;
        return { folder, live: await churn(folder, seed + number, () => isOver) };
      }),
    );
    const collect = async () => {
      for (let run = 0; run < collections && !isOver; run++) await server.firn('gc', '--grace', '0');
    };
    try {
      await Promise.race([collect(), load]);
    } finally {
      isOver = true;
      // A failure of the load is thrown by the race above or by the loop below.
      await load.catch(() => undefined);
    }
    const checkAll = async () => {
      for (const { folder, live } of await load) {
        for (const name of live.keys()) await checkContent(folder, name, live);
      }
    };
    await checkAll();
    await server.firn('gc', '--grace', '0');
    await checkAll();
    // A collector that collects nothing would pass all of the above.
    const named = new Set((await load).flatMap(({ live }) => [...live.values()]));
    const large = [...named].filter((number) => contents[number]!.length >= 100 * 1024);
    expect(await countFiles(path.join(server.storage, 'blobs'))).toBe(large.length);
    await server.firn('fsck');
  });

  test(`RFC 9110 §13.1.1 — of two writers with If-Match on the same ETag one gets 2xx and one 412, ${pairs} times`, async () => {
    await send('MKCOL', 'pairs/', [201]);
    const compete = async (number: number) => {
      const name = `pairs/p${number}.bin`;
      // Every second pair is large enough to be a file of its own, not a row.
      const size = number % 2 === 0 ? 500 : 60_000;
      const first = await send('PUT', name, [201], {}, new Uint8Array(seededBytes(`${number} first`, size)));
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"[^"]+"$/);
      const bodies = [seededBytes(`${number} a`, size), seededBytes(`${number} b`, size)];
      const answers = await Promise.all(
        bodies.map((body) => send('PUT', name, [204, 412], { 'if-match': etag }, new Uint8Array(body))),
      );
      const statuses = answers.map(({ status }) => status);
      expect([...statuses].sort(), name).toEqual([204, 412]);
      const found = await readOverHttp(`${server.pathMount}${name}`, server.authorization);
      checkSameBytes(found, bodies[statuses.indexOf(204)]!);
    };
    await Promise.all(Array.from({ length: pairs }, (_, number) => compete(number)));
    await server.firn('fsck');
  });

  test('RFC 9110 §13.1.2 — of two writers with If-None-Match: * one creates the file and one gets 412, 20 times', async () => {
    await send('MKCOL', 'creators/', [201]);
    const compete = async (number: number) => {
      const name = `creators/c${number}.bin`;
      const bodies = [seededBytes(`${number} a`, 60_000), seededBytes(`${number} b`, 60_000)];
      const answers = await Promise.all(
        bodies.map((body) => send('PUT', name, [201, 412], { 'if-none-match': '*' }, new Uint8Array(body))),
      );
      const statuses = answers.map(({ status }) => status);
      expect([...statuses].sort(), name).toEqual([201, 412]);
      const found = await readOverHttp(`${server.pathMount}${name}`, server.authorization);
      checkSameBytes(found, bodies[statuses.indexOf(201)]!);
    };
    await Promise.all(Array.from({ length: 20 }, (_, number) => compete(number)));
  });

  test('RFC 4918 §9.10 — of two who lock the same file one gets it, and the other can not write, 20 times', async () => {
    await send('MKCOL', 'locked/', [201]);
    const lockinfo = new Uint8Array(
      Buffer.from('<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'),
    );
    const compete = async (number: number) => {
      const name = `locked/l${number}.bin`;
      await send('PUT', name, [201], {}, new Uint8Array([1]));
      const answers = await Promise.all([1, 2].map(() => send('LOCK', name, [200, 423], {}, lockinfo)));
      expect(answers.map(({ status }) => status).sort(), name).toEqual([200, 423]);
      const token = answers.find(({ status }) => status === 200)!.headers.get('lock-token')!;
      const writes = await Promise.all([
        send('PUT', name, [423], {}, new Uint8Array([2])),
        send('PUT', name, [204], { if: `(${token})` }, new Uint8Array([3])),
      ]);
      expect(writes.map(({ status }) => status)).toEqual([423, 204]);
      await send('UNLOCK', name, [204], { 'lock-token': token });
    };
    await Promise.all(Array.from({ length: 20 }, (_, number) => compete(number)));
    await server.firn('fsck');
  });
});
