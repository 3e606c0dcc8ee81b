import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { bootServer } from '../support/boot-server.js';
import { freePort } from '../support/free-port.js';
import { RemoteDrive } from '../support/remote-drive.js';
import { expectBoth } from '../support/sync-conflicts.js';
import { SyncDevice, type SyncProgram } from '../support/sync-device.js';

const PROGRAMS: readonly SyncProgram[] = [
  { name: 'nextcloudcmd', spell: (address) => address.replace('/dav/', '/%64av/') },
  { name: 'owncloudcmd', spell: (address) => address },
];
/** Programs that write while the backup is made. */
const WRITERS = 8;

const undos: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of undos.splice(0).reverse()) await undo();
});

async function begin() {
  const folder = await mkdtemp(path.join(tmpdir(), 'firn-restored-'));
  undos.push(() => rm(folder, { recursive: true, force: true }));
  const place = path.join(folder, 'backups');
  const server = await bootServer({
    storage: path.join(folder, 'storage'),
    // Programs know a server by its address.
    environment: { FIRN_PORT: String(await freePort()) },
    settings: { backup: { to: { engine: 'folder', path: place } } },
  });
  undos.push(() => server.remove());
  /** The server's disk is lost; what was backed up is restored elsewhere, by nothing but the backup. */
  const loseAndRestore = async () => {
    await server.kill();
    await rm(server.storage, { recursive: true });
    await server.firn('restore', place);
    await server.restart();
  };
  return { server, remote: new RemoteDrive(server), loseAndRestore };
}

test.each(PROGRAMS)(
  'past A4, F11 — after a restoration $name deletes nothing, and overwrites nothing with an old copy',
  { timeout: 300_000 },
  async (program) => {
    const { server, remote, loseAndRestore } = await begin();
    const device = await SyncDevice.make(program, server, `${server.url}/dav/${server.driveId}`);
    undos.push(() => device.forget());
    await device.write('same.txt', 'the same all the time');
    await device.write('changed.txt', 'as of the backup');
    await device.write('folder/inner.txt', 'inner');
    await device.sync();
    await server.firn('backup');

    await device.write('changed.txt', 'what was written after the backup');
    await device.write('later.txt', 'made after the backup');
    await device.write('folder/later too.txt', 'made after the backup, too');
    await device.sync();
    const before = await device.readTree();
    await loseAndRestore();
    expect((await remote.readTree()).has('later.txt')).toBe(false);

    for (let run = 0; run < 3; run++) await device.trySync();
    const after = await device.readTree();
    const there = await remote.readTree();
    for (const name of ['same.txt', 'later.txt', 'folder/inner.txt', 'folder/later too.txt']) {
      expect(after.get(name)?.toString(), `${name} on the device`).toBe(before.get(name)!.toString());
      expect(there.get(name)?.toString(), `${name} on the server`).toBe(before.get(name)!.toString());
    }
    // Both are kept, one of them under the name of a conflict.
    expectBoth(after, 'changed.txt', before.get('changed.txt')!, Buffer.from('as of the backup'));
  },
);

test('PRODUCT V8 — a backup while eight programs write: all that was acknowledged before it began is there, and fsck is clean', {
  timeout: 300_000,
}, async () => {
  const { server, loseAndRestore } = await begin();
  const headers = { authorization: server.authorization };
  const acknowledged = new Map<string, Buffer>();
  let isOver = false;
  const writer = async (number: number) => {
    for (let count = 0; !isOver; count++) {
      // Large and small ones, new ones and some that are overwritten.
      const name = `writer ${number}-${count % 3 === 2 ? 'again' : count}`;
      const bytes = randomBytes(count % 2 === 0 ? 300 : 60_000);
      const { status } = await fetch(`${server.pathMount}${encodeURIComponent(name)}`, {
        method: 'PUT',
        headers,
        body: bytes,
      });
      expect(status).toBeLessThan(300);
      acknowledged.set(name, bytes);
    }
  };
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, number) => writer(number)));
  await expect.poll(() => acknowledged.size, { timeout: 60_000 }).toBeGreaterThan(60);
  const before = new Map(acknowledged);
  await server.firn('backup');
  isOver = true;
  await writing;
  await loseAndRestore();
  for (const [name, bytes] of before) {
    const answer = await fetch(`${server.pathMount}${encodeURIComponent(name)}`, { headers });
    expect(answer.status, name).toBe(200);
    // What was overwritten meanwhile is as of the backup or before it, never something else.
    const found = Buffer.from(await answer.arrayBuffer());
    if (!name.endsWith('again')) expect(found.equals(bytes), name).toBe(true);
  }
  // It throws where something is wrong.
  await server.firn('fsck');
  await server.firn('backup', 'rehearse');
  expect(await readFile(path.join(server.storage, 'FORMAT'), 'utf8')).toBe('1\n');
});
