import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestServer } from '../support/make-server.js';
import { mayMount, SmallDisk } from '../support/small-disk.js';

const MB = 1024 * 1024;

describe.runIf(mayMount)('a disk without a byte of room (mounting one needs root)', () => {
  let disk: SmallDisk;
  let server: TestServer;
  beforeEach(async () => {
    disk = await SmallDisk.mount(100);
    server = await TestServer.start({ storage: path.join(disk.folder, 'storage') });
    const alice = server.as('alice');
    for (const name of ['a', 'b', 'c', 'd']) {
      expect((await alice('PUT', `/${name}`, { body: 'x'.repeat(100_000) })).status).toBe(201);
    }
  });
  afterEach(async () => {
    await rm(path.join(disk.folder, 'fill'), { force: true });
    // That the disk is full is logged as an error, which is no defect here.
    server.defects.splice(0);
    await server.stop();
    await disk.unmount();
  });
  const storage = (name: string) => path.join(server.config.storage, name);
  const status = async (method: string, target: string, options = {}) =>
    (await server.as('alice')(method, target, options)).status;
  const ready = () => server.send('GET', '/readyz');

  /** What goes and what doesn't while nothing is free. */
  async function checkWhatGoes(): Promise<void> {
    expect(await status('GET', '/a')).toBe(200);
    expect(await status('PROPFIND', '/', { headers: { Depth: '1' } })).toBe(207);
    for (const body of ['small', 'x'.repeat(30_000)]) {
      const refused = await server.as('alice')('PUT', '/new', { body });
      expect(refused.status).toBe(507);
      expect(refused.text).toContain('disk is full');
    }
    expect(await ready()).toMatchObject({ status: 503, text: 'not ready: the disk is full\n' });
  }

  test('faults D2 — DELETE, MOVE and emptying the trash go on, a PUT does not live on their room', async () => {
    await server.engines.durability.keepReserve();
    expect((await stat(storage('reserve'))).size).toBe(16 * MB);
    expect((await stat(storage('reserve'))).mode & 0o777).toBe(0o600);
    await disk.fill();
    await checkWhatGoes();
    expect(await status('DELETE', '/a')).toBe(204);
    expect(await status('MOVE', '/b', { headers: { Destination: server.urlOf('/b2') } })).toBe(201);
    expect(await status('DELETE', '/Trash/a')).toBe(204);
    for (let count = 0; count < 200; count++) {
      const [from, to] = count % 2 ? ['/c2', '/c'] : ['/c', '/c2'];
      expect(await status('MOVE', from, { headers: { Destination: server.urlOf(to) } })).toBe(201);
    }
    expect(await status('PUT', '/new', { body: 'small' })).toBe(507);
    expect((await stat(storage('reserve'))).size).toBeGreaterThan(0);
    await rm(path.join(disk.folder, 'fill'));
    await expect.poll(() => status('PUT', '/new', { body: 'small' })).toBe(201);
    await server.engines.durability.keepReserve();
    expect((await stat(storage('reserve'))).size).toBe(16 * MB);
  });

  test('faults D1 — the server starts, and goes on as before', async () => {
    await server.engines.durability.keepReserve();
    await server.restart({}, () => disk.fill());
    await disk.fill();
    await checkWhatGoes();
    expect(await status('DELETE', '/a')).toBe(204);
  });

  test('faults D1 — it starts without a reserve too, and takes writes again when there is room', async () => {
    await server.restart({}, () => disk.fill());
    expect(server.defects.join()).toContain('the disk is full, to the last byte');
    await checkWhatGoes();
    expect(await status('DELETE', '/a')).toBe(507);
    await rm(path.join(disk.folder, 'fill'));
    expect(await status('DELETE', '/a')).toBe(204);
    expect(await status('PUT', '/new', { body: 'small' })).toBe(201);
    await server.restart();
    expect(await status('GET', '/new')).toBe(200);
  });
});
