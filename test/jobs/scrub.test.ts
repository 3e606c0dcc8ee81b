import { createHash } from 'node:crypto';
import { readFile, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Logger } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Audit } from '../../src/accounts/audit.js';
import { Contents } from '../../src/drive/contents.js';
import { Damages, type RepairSource } from '../../src/jobs/damages.js';
import { allVerifiedAt, type Scrub, ScrubTotals, scrub, scrubLane, scrubMs } from '../../src/jobs/scrub.js';
import type { BlobStore } from '../../src/stores/blob-store.js';
import { NOW } from '../conformance/metadata-fixture.js';
import { TestServer } from '../support/make-server.js';
import { idOf, Storage } from './storage-fixture.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The job over its runs, as the runner keeps it. */
class Runs {
  readonly told: string[] = [];
  readonly mails: string[] = [];
  readonly totals = new ScrubTotals();
  readonly sources: RepairSource[] = [];
  readonly damages: Damages;
  progress: object | null = null;
  now = NOW;

  constructor(
    readonly parts: Pick<Scrub, 'blobIndex' | 'store'> & {
      blobs: BlobStore;
      metadata: Storage['world']['engine']['metadata'];
    },
  ) {
    const { metadata, blobs } = parts;
    const now = () => this.now;
    const alerts = {
      tellAdministrators: async (_what: string, lines: readonly string[]) => this.mails.push(lines.join('\n')),
    };
    const contents = new Contents(blobs, { inlineMaxBytes: 10 });
    this.damages = new Damages({ ...parts, contents, audit: new Audit(metadata, now), alerts, log: this.log, now });
  }

  get log(): Logger {
    const tell = (first: unknown, second?: string) => this.told.push(second ?? String(first));
    return { error: tell, warn: tell, info: tell } as unknown as Logger;
  }

  async run(signal = new AbortController().signal): Promise<void> {
    const report = (progress: object) => {
      this.progress = JSON.parse(JSON.stringify(progress)) as object;
    };
    const work = { job: { progress: this.progress } as never, signal, report };
    const { damages, totals, log } = this;
    await scrub(
      {
        ...this.parts,
        damages,
        mend: (ended) => damages.mend(this.sources, ended),
        totals,
        log,
        scrubDays: 30,
        now: () => this.now,
      },
      work,
    );
  }

  verifiedAt(): Promise<number | null> {
    return allVerifiedAt(this.parts.store);
  }

  async audited(): Promise<{ kind: string; details: Record<string, unknown> }[]> {
    const rows = await this.parts.metadata.readOne([], ({ security }) => security.audit({}, null, 99));
    return rows.map(({ kind, details }) => ({ kind, details })).reverse();
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

    const runs = new Runs({ ...server.engines, store: server.engines.scrubStore });
    await runs.run();
    expect(runs.told.length).toBe(2);
    for (const path of ['large.bin', 'small.txt']) expect(runs.told.join()).toContain(path);
    expect(runs.told.join()).not.toContain('well.txt');
    for (const path of ['/large.bin', '/small.txt']) {
      const answer = await alice('GET', path);
      expect([answer.status, answer.text]).toEqual([500, expect.stringContaining('lost or damaged')]);
      expect((await alice('GET', path, { headers: { Range: 'bytes=0-1' } })).status).toBe(500);
    }
    expect((await alice('GET', '/well.txt')).text).toBe('well');
    expect(server.defects.splice(0).length).toBe(4);
    expect((await server.send('GET', '/metrics')).text).toMatch(/^firn_scrub_damaged 2$/m);
    const listing = await alice('PROPFIND', '/Drive/', { headers: { Depth: '1' } });
    for (const path of ['large.bin', 'small.txt']) expect(listing.text).toContain(path);
    for (const [path, body] of Object.entries(bodies)) {
      await alice('PUT', `${path}.again`, { body });
      expect((await alice('GET', path)).text).toBe(body);
    }
    const kept = new Database(join(storage, 'firn.db'), { readonly: true });
    expect(kept.prepare('SELECT content_id, CAST(bytes AS TEXT) AS text FROM damaged_bytes').all()).toEqual([
      { content_id: smallId, text: 'a smalm content' },
    ]);
    kept.close();
    await runs.run();
    expect((await server.send('GET', '/metrics')).text).toMatch(/^firn_scrub_damaged 0$/m);
    await server.stop();
  });

  it('PRODUCT V7 — a flipped bit of a small content is never served, also before a scrub came by; it is marked by that', async () => {
    const server = await TestServer.start();
    const alice = server.as('alice');
    await alice('PUT', '/small.txt', { body: 'a small content' });
    const database = new Database(join(server.config.storage, 'firn.db'));
    database.prepare("UPDATE content SET bytes = CAST('a smalm content' AS BLOB)").run();
    database.close();
    for (const headers of [{}, { Range: 'bytes=0-1' }]) {
      const answer = await alice('GET', '/small.txt', { headers });
      expect([answer.status, answer.text]).toEqual([500, expect.stringContaining('lost or damaged')]);
    }
    await expect.poll(() => server.engines.scrubStore.countDamages()).toBe(1);
    const [damage] = await server.engines.scrubStore.damages(9);
    expect(damage!.message).toMatch(/has other bytes than were stored, and is set aside; it belongs to .*small\.txt/);
    expect(server.defects.splice(0).join()).toContain('a read found damage');
    await server.stop();
  });

  it('the server has the job, in a lane of its own, and shows its numbers', async () => {
    const server = await TestServer.start();
    const rows = await server.stores.jobs.list({ kind: 'scrub' }, null, 9);
    expect(rows).toMatchObject([{ state: 'waiting', everyMinutes: 60 }]);
    const { text } = await server.send('GET', '/metrics');
    expect(text).toMatch(/^firn_scrub_contents_total 0$/m);
    expect(text).not.toMatch(/^firn_scrub_verified_timestamp_seconds/m);
    expect(scrubLane({} as never)).toMatchObject({ limit: 1, kinds: [{ kind: 'scrub' }] });
    for (let part = 0; part < 256; part++) {
      await server.engines.scrubStore.noteVerified(part.toString(16).padStart(2, '0'), NOW + part);
    }
    const later = await server.send('GET', '/metrics');
    expect(later.text).toContain(`firn_scrub_verified_timestamp_seconds ${NOW / 1000}\n`);
    await server.stop();
  });
});

describe('scrub', () => {
  let storage: Storage;
  let runs: Runs;
  const partsOf = (from: Storage) => {
    const { metadata, scrub: store } = from.world.engine;
    return { metadata, store, blobs: from.blobs, blobIndex: from.blobIndex };
  };
  beforeEach(async () => {
    storage = await Storage.make();
    runs = new Runs(partsOf(storage));
  });
  afterEach(() => storage.remove());

  it('past F4 — a small storage is read whole each day; what says so is the oldest reading', async () => {
    for (let number = 0; number < 60; number++) {
      await storage.world.file(storage.world.home, `${number}`, `content ${number}`);
    }
    await storage.upload('large');
    expect(await runs.verifiedAt()).toBeNull();
    await runs.run();
    expect(runs.totals.checked).toBe(61);
    expect(await runs.verifiedAt()).toBe(NOW);
    runs.now = NOW + HOUR;
    await runs.run();
    expect(runs.totals.checked).toBeLessThan(65);
    runs.now = NOW + 2 * DAY;
    await runs.run();
    expect(await runs.verifiedAt()).toBe(NOW + 2 * DAY);
  });

  it('past F4 — the part that was not read for the longest time comes first, and what a wrong clock noted counts as never', async () => {
    const { store } = runs.parts;
    for (let part = 0; part < 256; part++) await store.noteVerified(part.toString(16).padStart(2, '0'), NOW - HOUR);
    await store.noteVerified('7f', NOW - 9 * HOUR);
    await store.noteVerified('ab', NOW + DAY);
    runs.now = NOW;
    await runs.run();
    expect((await store.verifiedAt()).get('ab')).toBe(NOW);
    expect((await store.verifiedAt()).get('7f')).toBe(NOW - 9 * HOUR);
    runs.now = NOW + 4 * HOUR;
    await runs.run();
    expect((await store.verifiedAt()).get('7f')).toBe(NOW + 4 * HOUR);
    expect((await store.verifiedAt()).get('00')).toBe(NOW - HOUR);
  });

  it('PRODUCT V7 — days on which the server is off count: on for a moment each third day, it reads all within 30 days of the wall', async () => {
    const verified = new Map<string, number>();
    for (let part = 0; part < 256; part++) verified.set(part.toString(16).padStart(2, '0'), NOW);
    const noteVerified = async (digits: string, at: number) => void verified.set(digits, at);
    const store = { verifiedAt: async () => verified, noteVerified } as unknown as Scrub['store'];
    // Each part has as much as a run reads beyond what it owes.
    const named = async (after: string | null, _limit: number, part: string) =>
      after !== null ? [] : Array.from({ length: 2_000 }, (_, n) => ({ position: `0${part}${n}`.padEnd(65, '0') }));
    const blobIndex = { named } as unknown as Scrub['blobIndex'];
    const nothing = async () => {};
    const damages = { mend: nothing, check: async () => null, tellAdministrators: nothing } as unknown as Damages;
    let progress: object | null = null;
    let worst = 0;
    for (let day = 3; day <= 63; day += 3) {
      const now = NOW + day * DAY;
      const work = {
        job: { progress } as never,
        signal: new AbortController().signal,
        report: (reported: object) => {
          progress = reported;
        },
      };
      const parts = { ...runs.parts, store, blobIndex, damages, totals: runs.totals, log: runs.log, scrubDays: 30 };
      await scrub({ ...parts, mend: nothing, now: () => now }, work);
      worst = Math.max(worst, now - Math.min(...verified.values()));
    }
    expect(worst).toBeLessThanOrEqual(30 * DAY);
    // Not all each day either.
    expect(worst).toBeGreaterThan(20 * DAY);
  });

  it('a progress that it can’t read begins at the beginning', async () => {
    await storage.upload('x');
    runs.progress = { after: 'x', checked: 'many', settledAt: 'never', digits: 'zz' };
    await runs.run();
    expect(runs.totals.checked).toBe(1);
    expect(runs.progress).toMatchObject({ digits: null, after: null });
  });

  it('past F1 — an equal upload heals: damage stays known until then, and leaves a receipt', async () => {
    await storage.upload('lost');
    await unlink(storage.pathOf('lost'));
    await runs.run();
    expect(runs.told).toEqual([expect.stringContaining('has no bytes; it belongs to')]);
    expect(await runs.parts.store.countDamages()).toBe(1);
    await runs.run();
    expect(await runs.parts.store.countDamages()).toBe(1);
    expect(runs.told.length).toBe(1);
    expect(runs.mails).toEqual([expect.stringMatching(/has no bytes; it belongs to drive \d+: .*lost/)]);
    await storage.upload('again', 'lost');
    await runs.run();
    expect(await runs.parts.store.countDamages()).toBe(0);
    expect(await runs.audited()).toEqual([
      { kind: 'content-damaged', details: expect.objectContaining({ content: idOf('lost'), by: 'scrub' }) },
      {
        kind: 'content-repaired',
        details: {
          content: idOf('lost'),
          files: expect.stringContaining('lost'),
          from: 'the same bytes, stored again',
        },
      },
    ]);
  });

  it('past F1 — an equal upload heals at places of its own, too', async () => {
    await storage.remove();
    storage = await Storage.make('memory');
    runs = new Runs(partsOf(storage));
    await storage.upload('rotten');
    const [content] = await storage.blobIndex.named(null, 1);
    await storage.blobs.deleteAll([content!.place!]);
    await runs.run();
    expect(await runs.parts.store.countDamages()).toBe(1);
    await storage.upload('again', 'rotten');
    await runs.run();
    expect(await runs.parts.store.countDamages()).toBe(0);
  });

  it('past F2 — only bytes with the right hash replace anything; from a source that has them it is repaired, with a receipt', async () => {
    for (const text of ['a content beyond ten', 'small']) {
      await storage.upload(text);
      await truncate(storage.pathOf(text), 2);
    }
    const chunks = (text: string) => async () =>
      (async function* () {
        yield Buffer.from(text);
      })();
    const nothing = { name: 'an empty place', open: async () => null };
    runs.sources.push(
      nothing,
      { name: 'a rotten place', open: chunks('') },
      { name: 'another', open: chunks('x'.repeat(20)) },
    );
    await runs.run();
    await runs.run();
    expect(await runs.parts.store.countDamages()).toBe(2);
    for (const text of ['a content beyond ten', 'small']) expect(await storage.has(text)).toBe(false);
    const right = {
      name: 'the backup of yesterday',
      open: async ({ id }: { id: string }) => chunks(id === idOf('small') ? 'small' : 'a content beyond ten')(),
    };
    runs.sources.push(right);
    await runs.run();
    expect(await runs.parts.store.countDamages()).toBe(0);
    expect(await readFile(storage.pathOf('a content beyond ten'), 'utf8')).toBe('a content beyond ten');
    const [row] = (await storage.blobIndex.named(null, 9)).filter(({ id }) => id === idOf('small'));
    expect(Buffer.from(row!.bytes!).toString()).toBe('small');
    const repaired = (await runs.audited()).filter(({ kind }) => kind === 'content-repaired');
    expect(repaired.map(({ details }) => details.from)).toEqual(['the backup of yesterday', 'the backup of yesterday']);
  });

  it('damage of what nobody names any more is forgotten', async () => {
    const file = await storage.upload('lost');
    await unlink(storage.pathOf('lost'));
    await runs.run();
    await storage.destroy(file);
    while (await storage.blobIndex.purge(9));
    await runs.run();
    expect(await runs.parts.store.countDamages()).toBe(0);
    expect((await runs.audited()).map(({ kind }) => kind)).toEqual(['content-damaged']);
  });

  it('past F3 — what is read wrongly once and rightly then is told, and not set aside', async () => {
    await storage.upload('sound');
    const { blobs } = storage;
    let reads = 0;
    const flipping = Object.create(blobs, {
      stat: { value: blobs.stat.bind(blobs) },
      stats: { value: blobs.stats.bind(blobs) },
      setAside: { value: blobs.setAside.bind(blobs) },
      open: {
        value: async (...parameters: Parameters<typeof blobs.open>) => {
          const bytes = Buffer.concat(await (await blobs.open(...parameters)).toArray());
          if (reads++ === 0) bytes[0]! ^= 1;
          return [bytes];
        },
      },
    }) as typeof blobs;
    runs = new Runs({ ...partsOf(storage), blobs: flipping });
    await runs.run();
    expect(runs.told).toEqual([expect.stringContaining('was read wrongly once and rightly then')]);
    expect(await storage.has('sound')).toBe(true);
    expect(await runs.parts.store.countDamages()).toBe(0);
  });

  it('past F6 — what the past alone names is read, too', async () => {
    const { world } = storage;
    const file = await storage.upload('then');
    await world.write(async (transaction) => {
      transaction.past.sign({ userId: world.anna.userId, appPasswordId: null, at: NOW }, DAY);
      await transaction.putContent({ id: idOf('now'), size: 3, bytes: Buffer.from('now'), place: null }, NOW);
      await transaction.replaceContent(file, { id: idOf('now'), size: 3 }, NOW);
    });
    await unlink(storage.pathOf('then'));
    await runs.run();
    expect(runs.told).toEqual([
      expect.stringMatching(/has no bytes; it belongs to drive \d+: then as it was until 20/),
    ]);
    expect(await runs.parts.store.countDamages()).toBe(1);
  });

  it('past F5 — ends in the middle of a part when the server does, and goes on there', async () => {
    const text = 'x'.repeat(2_000_000);
    await storage.upload('large', text);
    const digits = idOf(text).slice(0, 2);
    for (let part = 0; part < 256; part++) {
      const each = part.toString(16).padStart(2, '0');
      if (each !== digits) await runs.parts.store.noteVerified(each, NOW);
    }
    const abort = new AbortController();
    const running = runs.run(abort.signal);
    await expect.poll(() => runs.totals.bytes).toBeGreaterThan(0);
    abort.abort(new Error('ending'));
    await expect(running).rejects.toThrow();
    expect(runs.told).toEqual([]);
    expect(runs.progress).toMatchObject({ digits, begunAt: NOW, after: null });
    runs.progress = { ...runs.progress, after: `0${idOf(text)}` };
    runs.now = NOW + HOUR;
    await runs.run();
    // What was read before isn't read again, and the part is as old as the beginning of its reading.
    expect(runs.totals.checked).toBe(0);
    expect((await runs.parts.store.verifiedAt()).get(digits)).toBe(NOW);
  });

  it('past F5 — people at work slow it down, unless it is late', () => {
    const quiet = scrubMs(1_000_000, { isBusy: false, isLate: false });
    expect(scrubMs(1_000_000, { isBusy: true, isLate: false })).toBe(4 * quiet);
    expect(scrubMs(1_000_000, { isBusy: true, isLate: true })).toBe(quiet);
  });
});
