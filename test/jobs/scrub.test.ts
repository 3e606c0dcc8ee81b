import { createHash } from 'node:crypto';
import { readdir, readFile, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Logger } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Scrub, ScrubTotals, scrub, scrubLane } from '../../src/jobs/scrub.js';
import { NOW } from '../conformance/metadata-fixture.js';
import { TestServer } from '../support/make-server.js';
import { idOf, Storage } from './storage-fixture.js';

/** The job over its runs, as the runner keeps it. */
class Runs {
  readonly told: string[] = [];
  readonly totals = new ScrubTotals();
  progress: object | null = null;

  constructor(private readonly parts: Pick<Scrub, 'blobs' | 'blobIndex'>) {}

  async run(signal = new AbortController().signal): Promise<void> {
    const log = {
      error: (first: unknown, second?: string) => this.told.push(second ?? String(first)),
    } as unknown as Logger;
    const report = (progress: object) => {
      this.progress = JSON.parse(JSON.stringify(progress)) as object;
    };
    const work = { job: { progress: this.progress } as never, signal, report };
    const { blobs, blobIndex } = this.parts;
    await scrub({ blobs, blobIndex, totals: this.totals, log, now: () => NOW }, work);
  }

  /** To the end of the round. */
  async round(): Promise<number> {
    for (let runs = 1; ; runs++) {
      await this.run();
      if ((this.progress as { after: string | null }).after === null) return runs;
    }
  }
}

describe('faults C1 — bit rot is found by the server itself, and never served as 200', () => {
  it('a bit in a blob and in a small content: told with the files, refused with a sentence, mended by an upload', async () => {
    const server = await TestServer.start();
    const alice = server.as('alice');
    const bodies = { '/large.bin': 'large '.repeat(10_000), '/small.txt': 'a small content', '/well.txt': 'well' };
    for (const [path, body] of Object.entries(bodies)) await alice('PUT', path, { body });
    const { storage } = server.config;
    const id = createHash('sha256').update(bodies['/large.bin']).digest('hex');
    const blob = join(storage, 'blobs', id.slice(0, 2), id);
    const bytes = await readFile(blob);
    bytes[7_000]! ^= 1;
    await writeFile(blob, bytes);
    const database = new Database(join(storage, 'firn.db'));
    const smallId = createHash('sha256').update(bodies['/small.txt']).digest('hex');
    database.prepare('UPDATE content SET bytes = ? WHERE id = ?').run(Buffer.from('a smalm content'), smallId);
    database.close();

    const runs = new Runs(server.engines);
    await runs.round();
    expect(runs.told.length).toBe(2);
    for (const path of ['large.bin', 'small.txt']) expect(runs.told.join()).toContain(path);
    expect(runs.told.join()).not.toContain('well.txt');
    expect(runs.totals.damaged).toBe(2);
    for (const path of ['/large.bin', '/small.txt']) {
      const answer = await alice('GET', path);
      expect([answer.status, answer.text]).toEqual([500, expect.stringContaining('lost or damaged')]);
      expect((await alice('GET', path, { headers: { Range: 'bytes=0-1' } })).status).toBe(500);
    }
    expect((await alice('GET', '/well.txt')).text).toBe('well');
    expect(server.defects.splice(0).length).toBe(4);
    for (const [path, body] of Object.entries(bodies)) {
      await alice('PUT', `${path}.again`, { body });
      expect((await alice('GET', path)).text).toBe(body);
    }
    const kept = new Database(join(storage, 'firn.db'), { readonly: true });
    expect(kept.prepare('SELECT content_id, CAST(bytes AS TEXT) AS text FROM damaged_bytes').all()).toEqual([
      { content_id: smallId, text: 'a smalm content' },
    ]);
    kept.close();
    const again = new Runs(server.engines);
    await again.round();
    expect([again.told, again.totals.damaged]).toEqual([[], 0]);
    await server.stop();
  });

  it('the server has the job, in a lane of its own, and shows its numbers', async () => {
    const server = await TestServer.start();
    const rows = await server.stores.jobs.list({ kind: 'scrub' }, null, 9);
    expect(rows).toMatchObject([{ state: 'waiting', everyMinutes: 60 }]);
    const { text } = await server.send('GET', '/metrics');
    expect(text).toMatch(/^firn_scrub_contents_total 0$/m);
    expect(scrubLane({} as never)).toMatchObject({ limit: 1, kinds: [{ kind: 'scrub' }] });
    await server.stop();
  });
});

describe('scrub', () => {
  let storage: Storage;
  let runs: Runs;
  beforeEach(async () => {
    storage = await Storage.make();
    runs = new Runs(storage);
  });
  afterEach(() => storage.remove());

  it('reads everything in 596 runs at most, each content once, and remembers where it is', async () => {
    for (let number = 0; number < 60; number++) {
      await storage.world.file(storage.world.home, `${number}`, `content ${number}`);
    }
    await storage.upload('large');
    await runs.run();
    expect(runs.totals.checked).toBeLessThan(10);
    const more = await runs.round();
    expect(more).toBeGreaterThan(500);
    expect(more).toBeLessThanOrEqual(595);
    expect(runs.totals.checked).toBe(61);
    expect(runs.totals.damaged).toBe(0);
  });

  it('an empty storage, and a progress that it can’t read, begin at the beginning', async () => {
    runs.progress = { after: 'x', checked: 'many' };
    await runs.run();
    expect(runs.progress).toEqual({ after: null, checked: 0, damaged: 0, damagedBefore: 0 });
  });

  it('damage stays in the numbers until a whole round found none', async () => {
    await storage.upload('lost');
    await unlink(storage.pathOf('lost'));
    await runs.round();
    expect([runs.totals.damaged, runs.told[0]]).toEqual([1, expect.stringContaining('has no bytes; it belongs to')]);
    await runs.run();
    expect(runs.totals.damaged).toBe(1);
    await storage.upload('again', 'lost');
    await runs.round();
    expect(runs.totals.damaged).toBe(0);
  });

  it('what is read wrongly once and rightly then is told, and not set aside', async () => {
    await storage.upload('sound');
    const { blobs } = storage;
    let reads = 0;
    const flipping = Object.create(blobs, {
      stat: { value: blobs.stat.bind(blobs) },
      setAside: { value: blobs.setAside.bind(blobs) },
      open: {
        value: async (...parameters: Parameters<typeof blobs.open>) => {
          const bytes = Buffer.concat(await (await blobs.open(...parameters)).toArray());
          if (reads++ === 0) bytes[0]! ^= 1;
          return [bytes];
        },
      },
    }) as typeof blobs;
    runs = new Runs({ blobs: flipping, blobIndex: storage.blobIndex });
    await runs.round();
    expect(runs.told).toEqual([expect.stringContaining('was read wrongly once and rightly then')]);
    expect(await storage.has('sound')).toBe(true);
  });

  it('a blob that is too short is set aside; its bytes are kept', async () => {
    await storage.upload('short');
    await truncate(storage.pathOf('short'), 2);
    await runs.round();
    expect(runs.told).toEqual([expect.stringContaining('has 2 bytes instead of 5, and is set aside')]);
    expect(await readdir(join(storage.folder, 'damaged'))).toEqual([expect.stringContaining(idOf('short'))]);
  });

  it('faults B4 — ends in the middle of a blob when the server does, and goes on with it', async () => {
    const text = 'x'.repeat(2_000_000);
    await storage.upload('large', text);
    const abort = new AbortController();
    const after = Number.parseInt(idOf(text).slice(0, 4), 16) - 1;
    runs.progress = { after: after.toString(16).padStart(4, '0') };
    const before = runs.progress;
    const running = runs.run(abort.signal);
    abort.abort(new Error('ending'));
    await expect(running).rejects.toThrow();
    expect(runs.told).toEqual([]);
    expect(runs.progress).toEqual(before);
    await runs.run();
    expect(runs.totals.checked).toBe(1);
  });
});
