import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { type DavSource, SOURCE_PASSWORD, SOURCE_USER, SOURCES, startSource } from '../support/dav-sources.js';
import { mustRun, waitUntil } from '../support/run-program.js';
import { makeTree, writeTree } from '../support/trees.js';

const FILES = 300;
const FIRN = path.resolve(import.meta.dirname, '../../bin/firn.js');

describe.each(SOURCES)('firn import from %s', (name) => {
  let server: BootedServer;
  let source: DavSource;
  afterEach(async () => {
    await server.remove();
    await source.remove();
  });

  const start = async () => {
    const words = ['import', 'start', source.url, '--user', SOURCE_USER, '--password-stdin', '--drive', server.driveId];
    const environment = {
      FIRN_STORAGE: server.storage,
      FIRN_CONFIG: path.join(server.storage, '..', 'firn.config.json'),
    };
    const input = `${SOURCE_PASSWORD}\n`;
    return (await mustRun(process.execPath, [FIRN, ...words, '--to', 'in'], { environment, input })).trim();
  };
  const show = async (id: string) => JSON.parse(await server.firn('import', 'show', id, '--json'));
  const untilEnded = async (id: string) => {
    await waitUntil('the import ended', async () => (await show(id)).endedAt !== null, 90);
    return show(id);
  };
  const get = (file: string) =>
    fetch(`${server.pathMount}in/${file.split('/').map(encodeURIComponent).join('/')}`, {
      headers: { Authorization: server.authorization },
    });

  it('PRODUCT I2, I3 — killed twice it ends whole; again it takes nothing; the password is nowhere', async () => {
    source = await startSource(name);
    server = await bootServer({ settings: { importAllowedNetworks: ['127.0.0.1'] } });
    const tree = makeTree(name, FILES);
    await writeTree(tree, source.files);
    const id = await start();
    for (const _ of [1, 2]) {
      await waitUntil('something came', async () => ['running', 'succeeded'].includes((await show(id)).state), 30);
      await server.kill();
      await server.restart();
    }
    expect(await untilEnded(id)).toMatchObject({ state: 'succeeded', files: FILES, failed: 0, skipped: 0 });
    expect(await server.firn('import', 'report', id)).toBe('path,outcome,reason,what to do\r\n');
    for (const [file, bytes] of tree) {
      if (file.endsWith('/')) continue;
      const answer = await get(file);
      expect(bytes.equals(Buffer.from(await answer.arrayBuffer()))).toBe(true);
      const modified = Math.floor((await stat(path.join(source.files, file))).mtimeMs / 1000) * 1000;
      expect(Date.parse(answer.headers.get('last-modified')!)).toBe(modified);
    }
    expect(await untilEnded(await start())).toMatchObject({ unchanged: FILES, done: 0, receivedBytes: 0 });
    for (const found of await readdir(server.storage, { recursive: true, withFileTypes: true })) {
      if (!found.isFile()) continue;
      const bytes = await readFile(path.join(found.parentPath, found.name));
      expect(bytes.includes(SOURCE_PASSWORD)).toBe(false);
    }
    expect(server.logs()).not.toContain(SOURCE_PASSWORD);
  }, 180_000);
});
