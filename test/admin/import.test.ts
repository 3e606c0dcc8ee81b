import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { DATABASE } from '../../src/engines/storage-format.js';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { type DavSource, SOURCE_PASSWORD, SOURCE_USER, SOURCES, startSource } from '../support/dav-sources.js';
import { changeImportTree, checkImported, tracesOf, writeImportTree } from '../support/import-tree.js';
import { mustRun, waitUntil } from '../support/run-program.js';
import { startThrottle, type Throttle } from '../support/throttle.js';

/** The tree of the promise takes minutes for each source: FIRN_TEST_IMPORT=full. */
const isFull = process.env.FIRN_TEST_IMPORT === 'full';
const TREE = isFull
  ? { files: 5000, folders: 500, bytes: 2_000_000_000 }
  : { files: 600, folders: 60, bytes: 8_000_000 };
/** Slow enough to be killed twice before the end. */
const SPEED = TREE.bytes / (isFull ? 60 : 12);
/** Shares of the files that are there when the server is killed. */
const KILLS = [0.15, 0.5];
const FIRN = path.resolve(import.meta.dirname, '../../bin/firn.js');

describe.each(SOURCES)('firn import from %s', (name) => {
  let server: BootedServer;
  let source: DavSource;
  let way: Throttle;
  afterEach(async () => {
    await server?.remove();
    await way?.stop();
    await source?.remove();
  });

  const start = async () => {
    const url = `http://127.0.0.1:${way.port}/`;
    const words = ['import', 'start', url, '--user', SOURCE_USER, '--password-stdin', '--drive', server.driveId];
    const environment = {
      FIRN_STORAGE: server.storage,
      FIRN_CONFIG: path.join(server.storage, '..', 'firn.config.json'),
    };
    const input = `${SOURCE_PASSWORD}\n`;
    return (await mustRun(process.execPath, [FIRN, ...words, '--to', 'in'], { environment, input })).trim();
  };
  const show = async (id: string) => JSON.parse(await server.firn('import', 'show', id, '--json'));
  const untilEnded = async (id: string) => {
    await waitUntil('the import ended', () => rowOf(server.storage, id).endedAt !== null, isFull ? 600 : 90);
    return show(id);
  };
  const read = async (file: string) => {
    const answer = await fetch(`${server.pathMount}in/${file.split('/').map(encodeURIComponent).join('/')}`, {
      headers: { Authorization: server.authorization },
    });
    if (answer.status !== 200) throw new Error(`${file} answers ${answer.status}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { bytes, modified: Date.parse(answer.headers.get('last-modified')!) };
  };

  it('PRODUCT I2, I3 — killed twice it ends whole; again it takes what changed; the password is nowhere', async () => {
    const note = stopwatch(name);
    source = await startSource(name);
    let tree = await writeImportTree(source.files, TREE);
    way = await startThrottle(Number(new URL(source.url).port));
    const environment = { FIRN_LOG_LEVEL: 'debug' };
    server = await bootServer({ settings: { importAllowedNetworks: ['127.0.0.1'] }, environment });
    way.speed = SPEED;
    const id = await start();
    note('queued');
    const sealed = rowOf(server.storage, id).secret!;
    let before = 0;
    for (const share of KILLS) {
      const enough = Math.max(TREE.files * share, before + 1);
      await waitUntil(`${enough} files came`, () => rowOf(server.storage, id).done >= enough, isFull ? 300 : 60);
      await server.kill();
      const { state, done } = await show(id);
      note(`killed with ${done} of ${TREE.files} files`);
      expect({ state, isHalfWay: done > before && done < TREE.files }).toEqual({ state: 'running', isHalfWay: true });
      await expectNoTrace(server, tracesOf(SOURCE_USER, SOURCE_PASSWORD));
      before = done;
      await server.restart();
    }
    way.speed = Number.POSITIVE_INFINITY;
    const ended = await untilEnded(id);
    note('ended');
    expect(ended).toMatchObject({ state: 'succeeded', files: TREE.files, done: TREE.files, failed: 0, skipped: 0 });
    // It went on where it was: what is sent again is what was on its way, and the listings.
    expect(way.received).toBeLessThan(tree.bytes * 1.5 + 4_000_000);
    expect(await server.firn('import', 'report', id)).toBe('path,outcome,reason,what to do\r\n');
    await checkImported(tree, read);
    note('compared');

    const second = await untilEnded(await start());
    expect(second).toMatchObject({ unchanged: TREE.files, done: 0, receivedBytes: 0 });
    tree = await changeImportTree(tree);
    const third = await start();
    expect(await untilEnded(third)).toMatchObject({ done: 50, unchanged: TREE.files - 35, gone: 5, failed: 0 });
    const report = JSON.parse(await server.firn('import', 'report', third, '--json')) as { outcome: string }[];
    expect(report.map(({ outcome }) => outcome)).toEqual(new Array(5).fill('gone'));
    await checkImported(tree, read);
    note('again twice, and compared');

    await expectNoTrace(server, [...tracesOf(SOURCE_USER, SOURCE_PASSWORD), sealed]);
    expect(rowOf(server.storage, third).secret).toBeNull();
  }, 1_500_000);
});

/** A job as it lies in the database: looking by the command line takes too long to kill in between. */
function rowOf(storage: string, id: string): { secret: string | null; endedAt: number | null; done: number } {
  const database = new Database(path.join(storage, DATABASE), { readonly: true });
  try {
    const columns = "secret, ended_at AS endedAt, coalesce(progress ->> '$.done', 0) AS done";
    return database.prepare(`SELECT ${columns} FROM job WHERE id = ?`).get(id) as ReturnType<typeof rowOf>;
  } finally {
    database.close();
  }
}

/** Looks at every byte of the data root, and at all that was logged. */
async function expectNoTrace(server: BootedServer, traces: readonly string[]): Promise<void> {
  for (const found of await readdir(server.storage, { recursive: true, withFileTypes: true })) {
    if (!found.isFile()) continue;
    const place = path.join(found.parentPath, found.name);
    // Blobs come and go while a server runs.
    if ((await stat(place).catch(() => null)) === null) continue;
    const bytes = await readFile(place);
    const left = traces.filter((trace) => bytes.includes(trace));
    expect({ place, left }).toEqual({ place, left: [] });
  }
  const logs = server.logs();
  expect(traces.filter((trace) => logs.includes(trace))).toEqual([]);
}

/** Says how long things took, where the whole tree is imported. */
function stopwatch(name: string): (what: string) => void {
  const begun = performance.now();
  const lines: string[] = [];
  if (isFull) onTestFinished(() => void process.stderr.write(`${lines.join('\n')}\n`));
  return (what) => lines.push(`${name}: ${what} after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}
