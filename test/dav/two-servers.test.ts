import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RunningServer, startServer } from '../../src/server.js';
import { ConsoleClient } from '../support/console-client.js';
import { type Answer, Connection, sendRequest } from '../support/http-client.js';
import { authorizationOf, DRIVE_ID, PASSWORD, TestServer } from '../support/make-server.js';
import { openRaw } from '../support/sqlite-file.js';
import { checkSameBytes } from '../support/trees.js';
import { BYTES, metadata, TUS, TusClient } from '../support/tus-client.js';

// Two servers on one storage, each with a database connection of its own, as nodes of a cluster are on one database.
vi.mock('../../src/engines/sqlite/storage-claim.js', () => ({ claimStorage: () => () => {}, isClaimed: () => true }));

const ROUNDS = 50;
const STEP = 1000;
const CHUNKS = `/dav/${DRIVE_ID}/remote.php/dav/uploads/alice@example.org`;
const FILES = `/dav/${DRIVE_ID}/remote.php/dav/files/alice@example.org`;
const MINUTE = 60_000;

type Body = Uint8Array | AsyncIterable<Uint8Array>;

let server: TestServer;
let other: RunningServer;
let tus: TusClient;
const defects: string[] = [];
beforeAll(async () => {
  server = await TestServer.start();
  const log = pino({ level: 'error' }, { write: (line: string) => void defects.push(line) });
  other = await startServer(server.config, log);
  tus = new TusClient(server, ROUNDS * STEP + 1);
  await server.as('alice')('MKCOL', '/dir');
});
afterAll(async () => {
  await other.stop();
  await server.stop();
  expect(defects).toEqual([]);
});

const ports = () => [server.port, Number(new URL(other.url).port)] as const;
const send = (port: number, method: string, at: string, headers = {}, body?: Body): Promise<Answer> =>
  sendRequest(port, method, at, {
    headers: { Authorization: authorizationOf('alice'), ...headers },
    ...(body ? { body } : {}),
  });
const patch = (port: number, at: string, offset: number, body: Body, headers = {}) =>
  send(port, 'PATCH', at, { ...BYTES, 'Upload-Offset': String(offset), ...headers }, body);

/** For so many bodies that each begin to flow when all have been asked for: after the checks before a body. */
function together(count: number): (bytes: Uint8Array) => AsyncIterable<Uint8Array> {
  let isEveryoneHere = () => {};
  const everyone = new Promise<void>((resolve) => {
    isEveryoneHere = resolve;
  });
  let here = 0;
  return async function* (bytes) {
    if (++here === count) isEveryoneHere();
    await everyone;
    yield bytes;
  };
}
const EXPECT = { Expect: '100-continue' };

/** A request whose body has begun. */
async function begun(port: number, method: string, at: string, length: number, first: Uint8Array, ...lines: string[]) {
  const connection = await Connection.open(port);
  const fixed = ['Host: x', `Authorization: ${authorizationOf('alice')}`, `Content-Length: ${length}`];
  connection.writeHead(`${method} ${at} HTTP/1.1`, ...fixed, ...lines);
  connection.write(first);
  return connection;
}
const beginPatch = (port: number, at: string, length: number, first: Uint8Array) =>
  begun(port, 'PATCH', at, length, first, ...Object.entries(BYTES).map((pair) => pair.join(': ')), 'Upload-Offset: 0');

/** What a clock or an ended process leaves in the rows of the uploads. */
const change = (what: string) => openRaw(join(server.config.storage, 'firn.db')).exec(`UPDATE upload SET ${what}`);

describe('two servers on one metadata store', () => {
  test(`TUS — of two appends at one offset one is kept and the other gets 409, ${ROUNDS} rounds`, {
    timeout: 120_000,
  }, async () => {
    const at = await tus.begin('appended');
    const kept: Buffer[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const [bodies, as] = [[randomBytes(STEP), randomBytes(STEP)], together(2)];
      const answers = await Promise.all(
        ports().map((port, index) => patch(port, at, round * STEP, as(bodies[index]!), EXPECT)),
      );
      const statuses = answers.map(({ status }) => status);
      expect([...statuses].sort()).toEqual([204, 409]);
      kept.push(bodies[statuses.indexOf(204)]!);
      for (const port of ports()) {
        expect((await send(port, 'HEAD', at, TUS)).headers['upload-offset']).toBe(String((round + 1) * STEP));
      }
    }
    const last = randomBytes(1);
    expect((await patch(ports()[1], at, ROUNDS * STEP, last)).status).toBe(204);
    await tus.expectFile('/dir/appended', Buffer.concat([...kept, last]));
  });

  test('TUS — of two last appends one makes the file, and the other gets 409 and finds that all is there', async () => {
    for (let round = 0; round < 10; round++) {
      const at = await tus.begin(`last-${round}`, { size: STEP });
      const [bodies, as] = [[randomBytes(STEP), randomBytes(STEP)], together(2)];
      const answers = await Promise.all(ports().map((port, index) => patch(port, at, 0, as(bodies[index]!), EXPECT)));
      const statuses = answers.map(({ status }) => status);
      expect([...statuses].sort()).toEqual([204, 409]);
      await tus.expectFile(`/dir/last-${round}`, bodies[statuses.indexOf(204)]!);
      expect(await tus.offsetOf(at)).toBe(STEP);
    }
    const trash = await server.as('alice')('PROPFIND', '/Trash', { headers: { Depth: '1' } });
    expect(trash.text).not.toContain('last-');
  });

  test('chunks — parts go to either server; of two MOVEs one makes the file, once', { timeout: 60_000 }, async () => {
    for (let round = 0; round < 20; round++) {
      const [folder, target] = [`${CHUNKS}/moved-${round}`, `${FILES}/moved-${round}`];
      const parts = Array.from({ length: 4 }, () => randomBytes(50_000));
      expect((await send(ports()[0], 'MKCOL', folder)).status).toBe(201);
      const puts = parts.map((part, index) => send(ports()[index % 2]!, 'PUT', `${folder}/${index}`, {}, part));
      expect((await Promise.all(puts)).map(({ status }) => status)).toEqual([201, 201, 201, 201]);
      const Destination = `http://127.0.0.1${target}`;
      const moves = ports().map((port) => send(port, 'MOVE', `${folder}/.file`, { Destination }));
      const statuses = (await Promise.all(moves)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 201)).toHaveLength(1);
      // 404: it is finished, which programs take for success.
      expect(statuses.filter((status) => [201, 404, 423].includes(status))).toHaveLength(2);
      const { bytes, headers } = await send(ports()[round % 2]!, 'GET', target);
      checkSameBytes(bytes, Buffer.concat(parts));
      expect(headers.etag).toBeTruthy();
      for (const port of ports()) expect((await send(port, 'PROPFIND', folder)).status).toBe(404);
    }
  });

  test('an append that lasts keeps the other server out: 423 for PATCH, for DELETE, and for the console', async () => {
    const alice = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
    const values = { path: '/Drive/dir', filename: 'long' };
    const head = { ...TUS, 'Upload-Length': '2000', 'Upload-Metadata': metadata(values) };
    const { headers } = await alice.sendBytes('POST', `/api/drives/${DRIVE_ID}/uploads`, { headers: head });
    const address = new URL(headers.location!).pathname;
    const at = `${CHUNKS}/${address.split('/').at(-1)}`;
    const slow = await beginPatch(ports()[1], at, STEP, randomBytes(500));
    const ofConsole = (offset: number, body: Uint8Array) =>
      alice.sendBytes('PATCH', address, { headers: { ...BYTES, 'Upload-Offset': String(offset) }, body });
    await vi.waitFor(async () => expect((await ofConsole(0, new Uint8Array())).status).toBe(423), { timeout: 10_000 });
    expect((await ofConsole(0, randomBytes(2000))).text).toContain('"busy"');
    expect((await patch(ports()[0], at, 0, randomBytes(2000))).status).toBe(423);
    expect((await send(ports()[0], 'DELETE', at, TUS)).status).toBe(423);
    slow.write(randomBytes(500));
    expect((await slow.readAnswer()).status).toBe(204);
    slow.close();
    expect((await ofConsole(0, randomBytes(2000))).status).toBe(409);
    expect((await ofConsole(STEP, randomBytes(1000))).status).toBe(204);
    const { headers: file } = await server.as('alice')('HEAD', '/dir/long');
    expect(file['content-length']).toBe('2000');
  });

  test('what one server is still fed the other does not expire', async () => {
    const folder = `${CHUNKS}/fed`;
    const expire = () => other.parts.drives.uploads.removeExpired(Date.now() + MINUTE);
    await send(ports()[0], 'MKCOL', folder);
    const at = await tus.begin('fed', { size: STEP });
    change(`expires_at = ${Date.now() + 30_000} WHERE finished_at IS NULL`);
    const [part, append] = [
      await begun(ports()[0], 'PUT', `${folder}/0`, STEP, randomBytes(500)),
      await beginPatch(ports()[0], at, STEP, randomBytes(500)),
    ];
    const read = openRaw(join(server.config.storage, 'firn.db')).prepare(
      'SELECT count(*) FROM upload WHERE finished_at IS NULL AND expires_at > ?',
    );
    await vi.waitFor(() => expect(read.pluck().get(Date.now() + 2 * MINUTE)).toBe(2), { timeout: 10_000 });
    await expire();
    for (const connection of [part, append]) connection.write(randomBytes(500));
    expect([(await part.readAnswer()).status, (await append.readAnswer()).status]).toEqual([201, 204]);
    for (const connection of [part, append]) connection.close();
    await expire();
    expect((await send(ports()[1], 'PROPFIND', `${folder}/`)).status).toBe(207);
    await send(ports()[0], 'DELETE', folder);
  });

  test('a lease ends by itself, and with the restart of the one server', async () => {
    const at = await tus.begin('left', { size: 10 });
    const lease = (milliseconds: number) =>
      change(`lease_holder = 'dead', lease_until = ${Date.now() + milliseconds} WHERE finished_at IS NULL`);
    lease(30_000);
    expect((await patch(ports()[1], at, 0, randomBytes(2))).status).toBe(423);
    lease(-1);
    expect((await patch(ports()[1], at, 0, randomBytes(2))).status).toBe(204);
    lease(30_000);
    expect((await patch(ports()[1], at, 2, randomBytes(2))).status).toBe(423);
    await server.restart();
    expect((await patch(ports()[1], at, 2, randomBytes(8))).status).toBe(204);
  });
});
