import { rename } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Koa from 'koa';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FirnState } from '../../src/http/context.js';
import { answerHealth, readinessAnswer } from '../../src/http/health.js';
import { StorageFullError } from '../../src/stores/blob-store.js';
import { StoreFailingError } from '../../src/stores/metadata-store.js';
import { TestServer } from '../support/make-server.js';
import { commitsInLog, openRaw } from '../support/sqlite-file.js';

describe('PRODUCT R5 — /readyz', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(async () => {
    // Why it wasn't ready is logged as an error, which is no defect here.
    server.defects.splice(0);
    await server.stop();
  });
  const database = () => path.join(server.config.storage, 'firn.db');
  const ready = async () => (await server.send('GET', '/readyz')).status;

  test('faults E2 — goes the way of a write each time, and makes a commit once in some seconds, anyone who asks', async () => {
    const before = commitsInLog(database());
    const { counts: commitsBySize } = server.engines.metrics()[0]!;
    const writes = commitsBySize[1]!;
    for (let count = 0; count < 3; count++) expect(await ready()).toBe(200);
    expect(commitsInLog(database()) - before).toBe(1);
    expect(commitsBySize[1]! - writes).toBe(4);
    expect(await server.unfinished()).toEqual([]);
  });

  test('says 503 in time while nobody gets to write, and 200 again afterwards', async () => {
    const other = openRaw(database());
    other.exec('BEGIN IMMEDIATE');
    const startedAt = performance.now();
    const [first, second, alive] = await Promise.all([ready(), ready(), server.send('GET', '/healthz')]);
    expect([first, second, alive.status]).toEqual([503, 503, 200]);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    other.exec('ROLLBACK');
    other.close();
    await expect.poll(ready, { timeout: 20_000 }).toBe(200);
    expect(server.defects.join()).toContain('did not answer within');
  });

  test('says 503 when there is no folder for uploads', async () => {
    const [incoming, away] = ['incoming', 'elsewhere'].map((name) => path.join(server.config.storage, name));
    await rename(incoming!, away!);
    expect(await ready()).toBe(503);
    await rename(away!, incoming!);
    expect(await ready()).toBe(200);
  });
});

describe('health, where the stores hang', () => {
  test('answers after its time, and probes share one look', async () => {
    let looks = 0;
    let ended = 0;
    let isHanging = true;
    const app = new Koa<FirnState>();
    const logged: unknown[] = [];
    app.use((context, next) => {
      const state = {
        url: context.path,
        mount: { kind: 'other', path: context.url },
        requestId: 'x',
        note: { method: 0, startedAt: 0, answeredAt: 0 },
        log: { error: (facts: unknown) => logged.push(facts) },
      };
      Object.assign(context.state, state);
      return next();
    });
    const look = async () => {
      looks++;
      while (isHanging) await wait(5);
      ended++;
    };
    const answerReadiness = readinessAnswer(look, 30);
    app.use((context) => (context.path === '/healthz' ? answerHealth(context) : answerReadiness(context)));
    const { status } = await supertest(app.callback()).get('/readyz');
    expect(status).toBe(503);
    expect((await supertest(app.callback()).get('/readyz')).status).toBe(503);
    expect((await supertest(app.callback()).get('/healthz')).status).toBe(200);
    expect([looks, logged.length]).toEqual([1, 2]);
    isHanging = false;
    await expect.poll(() => ended).toBe(1);
    await expect.poll(async () => (await supertest(app.callback()).get('/readyz')).status).toBe(200);
    expect(looks).toBeGreaterThan(1);
  });

  const eio = Object.assign(new Error('EIO: i/o error, fsync /secret/place'), { code: 'EIO' });
  test.each([
    [new StorageFullError(), 'not ready: the disk is full\n'],
    [new StoreFailingError('the disk failed to store a commit'), 'not ready: the disk fails\n'],
    [eio, 'not ready: the disk fails\n'],
    [new Error('at /secret/place'), 'not ready\n'],
  ])('faults E2 — says why, in words that tell a stranger nothing: %s', async (error, text) => {
    const app = new Koa<FirnState>();
    app.use((context, next) => {
      Object.assign(context.state, {
        url: context.path,
        mount: { kind: 'other', path: context.url },
        requestId: 'x',
        note: { method: 0, startedAt: 0, answeredAt: 0 },
        log: { error: () => {} },
      });
      return next();
    });
    app.use(readinessAnswer(() => Promise.reject(error)));
    expect(await supertest(app.callback()).get('/readyz')).toMatchObject({ status: 503, text });
  });
});
