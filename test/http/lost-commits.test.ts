import { copyFile, open, readdir, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkEverything } from '../../src/jobs/fsck.js';
import { TestServer } from '../support/make-server.js';
import { mustRun } from '../support/run-program.js';
import { openRaw } from '../support/sqlite-file.js';

const DAY_MS = 86_400_000;

describe('commits that were stored and are gone', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start();
    for (const name of ['a', 'b', 'c']) await put(name);
  });
  afterEach(async () => {
    // What is lost is logged as an error, which is no defect here.
    server.defects.splice(0);
    await server.stop();
  });
  const put = async (name: string) => {
    expect((await server.as('alice')('PUT', `/${name}`, { body: name })).status).toBe(201);
  };
  const names = async () => {
    const there: string[] = [];
    for (const name of 'abcde') {
      if ((await server.as('alice')('GET', `/${name}`)).status === 200) there.push(name);
    }
    return there;
  };
  const etag = async () => {
    const { text } = await server.as('alice')('PROPFIND', '/', { headers: { Depth: '0' } });
    return /getetag>([^<]*)</.exec(text)?.[1];
  };
  const findings = async (repair: boolean) => {
    const { blobs, blobIndex, check, durability } = server.engines;
    const found: string[] = [];
    for await (const { severity, kind } of checkEverything({
      blobs,
      blobIndex,
      metadata: check,
      durability,
      repair,
      now: 0,
    })) {
      if (severity === 'error') found.push(kind);
    }
    return found;
  };
  /** As a crash leaves it, then `damage`; the server goes on with that. */
  const crash = async (damage: (log: string) => Promise<void>) => {
    const { storage } = server.config;
    await mustRun('cp', ['-a', storage, `${storage}-crashed`]);
    await damage(path.join(`${storage}-crashed`, 'firn.db-wal'));
    await server.restart({ storage: `${storage}-crashed` });
  };
  const flip = async (file: string, place: number) => {
    const handle = await open(file, 'r+');
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, place);
    await handle.write(Buffer.from([byte[0]! ^ 1]), 0, 1, place);
    await handle.close();
  };

  test('faults C3 — a database of an earlier day is told of at the start and by fsck, until that is seen to', async () => {
    const database = path.join(server.config.storage, 'firn.db');
    await server.restart({}, () => copyFile(database, `${database}.earlier`));
    await put('d');
    const former = await etag();
    await server.restart({}, () => copyFile(`${database}.earlier`, database));
    expect(await names()).toEqual(['a', 'b', 'c']);
    expect(server.defects.join()).toContain('the database is of an earlier time');
    expect(await findings(false)).toEqual(['past-returned']);
    // Another change, another revision: no ETag says again what it said of something else.
    await put('e');
    expect(await etag()).not.toBe(former);
    const held = openRaw(database).prepare('SELECT held_until FROM sweep_hold').pluck().all() as number[];
    expect(held).toHaveLength(1);
    expect(held[0]! - Date.now()).toBeGreaterThan(6 * DAY_MS);
    server.defects.splice(0);
    await server.restart();
    expect(server.defects).toEqual([]);
    expect(await findings(true)).toEqual(['past-returned']);
    expect(await findings(false)).toEqual([]);
  });

  test('faults C3 — a bit in the middle of the log: how many commits are behind it', async () => {
    await crash(async (log) => flip(log, Math.floor((await stat(log)).size / 2)));
    expect(server.defects.join()).toMatch(/log was damaged after \d+ commits: \d+ commits behind/);
    expect(await findings(false)).toEqual(['log-damaged']);
  });

  test('faults C3 — half of the log, or none of it: the revision tells', async () => {
    await server.engines.durability.note(Date.now());
    await crash(async (log) => truncate(log, Math.floor((await stat(log)).size / 2)));
    expect(await names()).not.toContain('c');
    expect(server.defects.join()).toContain('the database is of an earlier time');
  });

  test('what a crash leaves is no damage: all of the log, or all but its end', async () => {
    await server.engines.durability.note(Date.now());
    await put('d');
    await crash(async (log) => truncate(log, (await stat(log)).size - 1000));
    expect(server.defects).toEqual([]);
    expect(await names()).toEqual(['a', 'b', 'c']);
    expect(await findings(false)).toEqual([]);
    expect(await readdir(server.config.storage)).toContain('revision.json');
  });
});
