import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SendUpload, UploadMeans, UploadMemory, UploadSource } from '../../../src/console/web/files/tus-upload.js';
import { UploadQueue } from '../../../src/console/web/files/upload-queue.js';
import { ConsoleClient } from '../../support/console-client.js';
import { authorizationOf, DRIVE_ID, PASSWORD, TestServer } from '../../support/make-server.js';
import { checkSameBytes } from '../../support/trees.js';

const CHUNK = 256 * 1024;

/** Between the browser and the server: it can be cut, after so many bytes to the server. */
class Cable {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #bytesLeft = Number.POSITIVE_INFINITY;
  cuts = 0;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      if (this.#bytesLeft <= 0) return near.destroy();
      const far = connect(port, '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.on('data', (bytes: Buffer) => {
        this.#bytesLeft -= bytes.length;
        if (this.#bytesLeft <= 0) this.#cut();
        else if (!far.write(bytes)) near.pause();
      });
      far.on('drain', () => near.resume());
      far.pipe(near);
    });
  }
  static async lay(port: number): Promise<Cable> {
    const cable = new Cable(port);
    await new Promise<void>((resolve) => cable.#server.listen(0, '127.0.0.1', resolve));
    return cable;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  cutAfter(bytes: number): void {
    this.#bytesLeft = bytes;
  }
  mend(): void {
    this.#bytesLeft = Number.POSITIVE_INFINITY;
  }
  #cut(): void {
    this.cuts++;
    for (const socket of this.#sockets) socket.destroy();
  }
  stop(): Promise<void> {
    this.#bytesLeft = 0;
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

class Memory implements UploadMemory {
  readonly urls = new Map<string, string>();
  find = (key: string) => this.urls.get(key) ?? null;
  keep = (key: string, url: string) => void this.urls.set(key, url);
  forget = (key: string) => void this.urls.delete(key);
}

let server: TestServer;
let cable: Cable;
let memory: Memory;
/** Methods that were sent, whether or not an answer came. */
let sent: string[];
let queue: UploadQueue;
beforeAll(async () => {
  server = await TestServer.start();
  await server.as('alice')('MKCOL', '/up');
});
afterAll(() => server.stop());
beforeEach(async () => {
  cable = await Cable.lay(server.port);
  memory = new Memory();
  sent = [];
  queue = new UploadQueue(3);
});
afterEach(async () => {
  await queue.cancelAll();
  await cable.stop();
});

/** The address by which a browser reaches the server is the page's own. */
const send: SendUpload = async ({ method, url, headers, body, signal, onProgress }) => {
  sent.push(method);
  const answer = await fetch(new URL(url, cable.url), {
    method,
    headers: { Authorization: authorizationOf('alice'), ...headers },
    body,
    signal,
  });
  onProgress(body?.size ?? 0);
  return { status: answer.status, header: (name) => answer.headers.get(name), text: await answer.text() };
};
const means = (more: Partial<UploadMeans> = {}): UploadMeans => ({
  address: `/dav/${DRIVE_ID}/up`,
  send,
  csrfToken: () => 'token',
  memory,
  chunkBytes: CHUNK,
  lossRestsMs: [10, 20],
  busyRestsMs: [10, 50, 100],
  ...more,
});
/** With the session in place of Basic, as the page has it. */
async function meansOfPage(): Promise<UploadMeans> {
  const page = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
  const signed: SendUpload = (request) =>
    send({ ...request, headers: { ...request.headers, Authorization: '', Cookie: page.cookie! } });
  return means({ address: `/api/drives/${DRIVE_ID}/uploads`, send: signed, csrfToken: () => page.csrfToken! });
}
const source = (name: string, content: Uint8Array<ArrayBuffer>): UploadSource => ({
  content: new Blob([content]),
  name,
  folder: '/up',
  modifiedMs: Date.UTC(2020, 0, 2),
});
const bytes = (length: number) => new Uint8Array(randomBytes(length));
const expectFile = async (path: string, content: Uint8Array) => {
  const answer = await server.as('alice')('GET', path);
  expect(answer.status).toBe(200);
  checkSameBytes(answer.bytes, content);
  return answer;
};
const settled = () => vi.waitFor(() => expect(queue.totals().busyFiles).toBe(0), { timeout: 20_000, interval: 10 });

describe('uploads by TUS', () => {
  test('a file comes in pieces, with its name in any script and its date', async () => {
    const content = bytes(CHUNK * 2 + 17);
    queue.add([source('Été — 夏.bin', content)], means());
    await settled();
    const { headers } = await expectFile(`/up/${encodeURIComponent('Été — 夏.bin')}`, content);
    expect(headers['last-modified']).toBe('Thu, 02 Jan 2020 00:00:00 GMT');
    expect(sent).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH']);
    expect(queue.totals()).toMatchObject({ doneFiles: 1, sentBytes: content.length, bytes: content.length });
    expect(memory.urls.size).toBe(0);
  });

  test('an empty file is a file', async () => {
    queue.add([source('empty', bytes(0))], means());
    await settled();
    expect(queue.uploads[0]!.stage).toBe('done');
    await expectFile('/up/empty', bytes(0));
  });

  test('after the network was lost it goes on from where the server is', async () => {
    const content = bytes(CHUNK * 6);
    cable.cutAfter(CHUNK * 3.5);
    const [upload] = queue.add([source('lost', content)], means());
    await vi.waitFor(() => expect(upload!.stage).toBe('retrying'), { timeout: 10_000, interval: 1 });
    expect(cable.cuts).toBe(1);
    cable.mend();
    await settled();
    await expectFile('/up/lost', content);
    expect(sent.filter((method) => method === 'POST')).toEqual(['POST']);
    expect(sent).toContain('HEAD');
    // Of six pieces only the one that was cut came twice, or the rest of it; again they would be ten with those before.
    expect(sent.filter((method) => method === 'PATCH').length).toBeLessThan(10);
  });

  test('the network coming back ends a long rest', async () => {
    cable.cutAfter(CHUNK);
    const content = bytes(CHUNK * 2);
    const [upload] = queue.add([source('woken', content)], means({ lossRestsMs: [3_600_000] }));
    await vi.waitFor(() => expect(upload!.stage).toBe('retrying'), { timeout: 10_000, interval: 1 });
    cable.mend();
    await vi.waitFor(
      () => {
        queue.wake();
        expect([upload!.stage, upload!.error]).toEqual(['done', null]);
      },
      { timeout: 10_000, interval: 20 },
    );
    await expectFile('/up/woken', content);
  });

  test('a pause keeps what was sent, and resuming sends the rest', async () => {
    const content = bytes(CHUNK * 4);
    const [upload] = queue.add([source('paused', content)], means());
    queue.onChange(() => upload!.sentBytes >= CHUNK && upload!.sentBytes < CHUNK * 3 && upload!.pause());
    await vi.waitFor(() => expect(upload!.stage).toBe('paused'), { interval: 1 });
    expect((await server.as('alice')('GET', '/up/paused')).status).toBe(404);
    expect(queue.totals().busyFiles).toBe(0);
    vi.spyOn(upload!, 'pause').mockImplementation(() => {});
    queue.resume(upload!);
    await settled();
    await expectFile('/up/paused', content);
    expect(sent.filter((method) => method === 'POST')).toEqual(['POST']);
  });

  test('the same file chosen again after the page was closed goes on with what is there', async () => {
    const content = bytes(CHUNK * 4);
    const first = new UploadQueue(1);
    const [begun] = first.add([source('closed', content)], means());
    first.onChange(() => begun!.sentBytes >= CHUNK && begun!.pause());
    await vi.waitFor(() => expect(begun!.stage).toBe('paused'), { interval: 1 });
    expect(memory.urls.size).toBe(1);
    sent = [];
    queue.add([source('closed', content)], means());
    await settled();
    expect(sent[0]).toBe('HEAD');
    expect(sent).not.toContain('POST');
    await expectFile('/up/closed', content);
  });

  test('an upload that the server has forgotten begins again', async () => {
    const content = bytes(1000);
    memory.find = () => `/dav/${DRIVE_ID}/.uploads/none`;
    queue.add([source('forgotten', content)], means());
    await settled();
    expect(sent).toEqual(['HEAD', 'POST', 'PATCH']);
    await expectFile('/up/forgotten', content);
  });

  test('cancelling throws away what the server has', async () => {
    const [upload] = queue.add([source('cancelled', bytes(CHUNK * 4))], means());
    await vi.waitFor(() => expect(memory.urls.size).toBe(1), { interval: 1 });
    const [url] = memory.urls.values();
    await queue.cancel(upload!);
    const headers = { 'Tus-Resumable': '1.0.0' };
    expect((await server.send('HEAD', url!, { user: 'alice', headers })).status).toBe(404);
    expect([queue.uploads.length, memory.urls.size]).toEqual([0, 0]);
  });

  test('a name that is taken is asked about: nothing is written over unasked', async () => {
    const [old, one, two] = [bytes(50), bytes(60), bytes(70)];
    for (const name of ['a.txt', 'b.txt', 'b%20(2).txt']) await server.as('alice')('PUT', `/up/${name}`, { body: old });
    const [a, b] = queue.add([source('a.txt', one), source('b.txt', two)], await meansOfPage());
    await settled();
    expect([a!.stage, b!.stage, queue.totals().takenFiles]).toEqual(['taken', 'taken', 2]);
    await expectFile('/up/a.txt', old);
    queue.resume(a!, 'replace');
    queue.resume(b!, 'keep-both');
    await settled();
    await expectFile('/up/a.txt', one);
    await expectFile('/up/b.txt', old);
    await expectFile('/up/b%20(2).txt', old);
    await expectFile('/up/b%20(3).txt', two);
    expect(b!.name).toBe('b (3).txt');
  });

  test('a refusal ends it with its reason, and another try works once the reason is gone', async () => {
    const content = bytes(100);
    const address = `/dav/${DRIVE_ID}/later`;
    const [upload] = queue.add([source('refused', content)], means({ address }));
    await settled();
    expect([upload!.stage, upload!.error!.kind]).toEqual(['failed', 'status-409']);
    await server.as('alice')('MKCOL', '/later');
    queue.resume(upload!);
    await settled();
    await expectFile('/later/refused', content);
  });

  test('a file that can not be read any more is not tried for ever', async () => {
    const gone = source('gone', bytes(10));
    const content = Object.assign(new Blob(['0123456789']), {
      slice: () => ({ size: 10, arrayBuffer: () => Promise.reject(new Error('gone')) }),
    });
    const unreadable: SendUpload = (request) =>
      request.method === 'PATCH' ? Promise.reject(new Error('gone')) : send(request);
    const [upload] = queue.add([{ ...gone, content }], means({ send: unreadable }));
    await settled();
    expect([upload!.stage, upload!.error!.kind]).toEqual(['failed', 'unreadable']);
  });

  test('three at a time, and the others after them', async () => {
    let now = 0;
    let most = 0;
    const counted: SendUpload = async (request) => {
      most = Math.max(most, ++now);
      return send(request).finally(() => now--);
    };
    const contents = Array.from({ length: 9 }, () => bytes(5000));
    const done: string[] = [];
    queue.onDone((upload) => done.push(upload.source.name));
    queue.add(
      contents.map((content, at) => source(`n${at}`, content)),
      means({ send: counted }),
    );
    await settled();
    expect(most).toBe(3);
    expect(done.sort()).toEqual(contents.map((_, at) => `n${at}`));
    for (const [at, content] of contents.entries()) await expectFile(`/up/n${at}`, content);
  });
});
