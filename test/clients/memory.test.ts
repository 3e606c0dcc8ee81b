import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { parsePrometheus } from '../support/prometheus-text.js';

const WRITERS = 32;

let server: BootedServer | undefined;
afterEach(() => server?.remove());

/** Bytes that V8 has for objects of this age, on the main thread. */
async function heapBytes({ url }: BootedServer, space: 'new' | 'old'): Promise<number> {
  const metrics = parsePrometheus(await (await fetch(`${url}/metrics`)).text());
  const sizes = metrics.get('nodejs_heap_space_size_total_bytes')?.samples ?? [];
  const size = sizes.find(({ labels }) => labels.space === space)?.value;
  if (size === undefined) throw new Error(`the metrics tell no size of the ${space} space`);
  return size;
}

/** Collections of the whole heap so far, on the main thread. */
async function fullCollections({ url }: BootedServer): Promise<number> {
  const metrics = parsePrometheus(await (await fetch(`${url}/metrics`)).text());
  const counts = metrics.get('nodejs_gc_duration_seconds')?.samples.filter(({ name }) => name.endsWith('_count'));
  return counts?.find(({ labels }) => labels.kind === 'major')?.value ?? 0;
}

/** Resident bytes: now, or the most since `forgetPeak`. */
async function memoryBytes({ pid }: BootedServer, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status tells no ${field}`);
  return Number(kibibytes) * 1024;
}

/** proc(5), clear_refs. */
const forgetPeak = ({ pid }: BootedServer) => writeFile(`/proc/${pid}/clear_refs`, '5');

/** Writes small files, 32 at a time. */
async function putMany({ pathMount, authorization }: BootedServer, name: string, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: WRITERS });
  const body = randomBytes(4096);
  const put = (file: string) =>
    new Promise<void>((resolve, reject) => {
      const headers = { authorization, 'content-length': body.length };
      const sent = request(`${pathMount}${file}`, { method: 'PUT', agent, headers }, (answer) => {
        answer.resume();
        if (answer.statusCode === 201) answer.once('end', resolve);
        else reject(new Error(`${file} was answered ${answer.statusCode}`));
      });
      sent.once('error', reject);
      sent.end(body);
    });
  let next = 0;
  const write = async () => {
    while (next < count) await put(`${name}-${next++}.bin`);
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  agent.destroy();
}

test('decision 0034 — V8 keeps to a small nursery, also when a thread begins, and to half of what lives', async () => {
  server = await bootServer();
  // The first scrape begins the counts.
  const before = await heapBytes(server, 'old');
  await putMany(server, 'before', 3000);
  // Its size makes that a thread hashes it; V8 resets the flag that holds the nursery.
  const { pathMount, authorization } = server;
  const large = { method: 'PUT', headers: { authorization }, body: new Uint8Array(8_000_000) };
  expect((await fetch(`${pathMount}large.bin`, large)).status).toBe(201);
  let old = 0;
  for (let round = 0; round < 6; round++) {
    await putMany(server, `after-${round}`, 1500);
    old = Math.max(old, await heapBytes(server, 'old'));
  }
  expect(await heapBytes(server, 'new')).toBeLessThan(10_000_000);
  expect(old).toBeLessThan(2.2 * before);
});

test('decision 0034 — an upload of 256 MB is no reason to collect the whole heap', async () => {
  server = await bootServer();
  const before = await fullCollections(server);
  const { pathMount, authorization } = server;
  const chunk = randomBytes(1_000_000);
  async function* body() {
    for (let number = 0; number < 256; number++) yield chunk;
  }
  const upload = { method: 'PUT', headers: { authorization }, body: body(), duplex: 'half' } as RequestInit;
  expect((await fetch(`${pathMount}large.bin`, upload)).status).toBe(201);
  // 11 where each chunk is left to the collector.
  expect((await fullCollections(server)) - before).toBeLessThanOrEqual(3);
});

/** Takes what comes, little by little, until told to stop; returns the bytes that came. */
async function readSlowly(socket: Socket, isOver: () => boolean): Promise<number> {
  while (!isOver()) {
    socket.read(64 * 1024);
    await wait(50);
  }
  socket.destroy();
  return socket.bytesRead;
}

/** Sends a body little by little. */
async function writeSlowly(socket: Socket, isOver: () => boolean): Promise<number> {
  const piece = randomBytes(64 * 1024);
  while (!isOver()) {
    if (socket.writableLength === 0) socket.write(piece);
    await wait(50);
  }
  socket.destroy();
  return socket.bytesWritten;
}

test('decision 0034 — 50 slow readers and 50 slow writers take 60 MB above what a server at rest has', async () => {
  server = await bootServer();
  const { authorization } = server;
  const headers = { authorization };
  const { pathname } = new URL(server.pathMount);
  const large = { method: 'PUT', headers, body: new Uint8Array(64_000_000) };
  expect((await fetch(`${server.pathMount}large.bin`, large)).status).toBe(201);
  await server.restart();
  expect((await fetch(server.pathMount, { method: 'OPTIONS', headers })).status).toBe(200);
  await wait(1000);
  const rest = await memoryBytes(server, 'VmRSS');
  await forgetPeak(server);
  const { port } = server;
  const endsAt = performance.now() + 8_000;
  const isOver = () => performance.now() > endsAt;
  const open = (head: string) => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.pause();
    socket.write(`${head} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n`);
    return socket;
  };
  const moved = await Promise.all(
    Array.from({ length: 50 }, async (_, number) => {
      const reader = open(`GET ${pathname}large.bin`);
      reader.write('\r\n');
      const writer = open(`PUT ${pathname}slow-${number}.bin`);
      writer.write('Content-Length: 64000000\r\n\r\n');
      return Promise.all([readSlowly(reader, isOver), writeSlowly(writer, isOver)]);
    }),
  );
  for (const bytes of moved.flat()) expect(bytes).toBeGreaterThan(1_000_000);
  expect((await memoryBytes(server, 'VmHWM')) - rest).toBeLessThan(60_000_000);
});
