import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runImport, startImport } from '../../support/import-start.js';
import { TestServer } from '../../support/make-server.js';
import { type Meddling, type SourceFile, SyntheticSource } from '../../support/synthetic-source.js';
import { seededBytes } from '../../support/trees.js';

const MTIME = new Date('2019-03-04T05:06:07Z');
const FILES = 250;

/** The same numbers in each run, so that a failure can be looked into. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function makeTree(hasChecksums: boolean): Record<string, SourceFile> {
  return Object.fromEntries(
    Array.from({ length: FILES }, (_, index): [string, SourceFile] => {
      const bytes = seededBytes(`fault ${index}`, (index * 7919) % 40_000);
      const sha1 = createHash('sha1').update(bytes).digest('hex');
      const checksum = hasChecksums ? { checksum: `SHA1:${sha1} MD5:${'0'.repeat(31)}x` } : {};
      return [`/f${index % 5}/${index}.bin`, { bytes, etag: `"${sha1}"`, modified: MTIME, ...checksum }];
    }),
  );
}

/** Faults by chance, in `share` of the requests each; `answers` tells which happened. */
function faulty(source: SyntheticSource, share: number, wrongShare: number, happened: Map<string, number>): Meddling {
  const roll = dice(7);
  return (request, response, path) => {
    const { bytes, etag } = source.files.get(path) ?? { bytes: Buffer.alloc(100), etag: null };
    const isWhole = request.method === 'GET' && request.headers.range === undefined;
    const head = { 'Content-Length': bytes.length, ...(etag ? { ETag: etag } : {}) };
    const half = bytes.subarray(0, bytes.length / 2);
    const faults: [string, number, () => void][] = [
      ['no answer', share, () => void response.destroy()],
      ['503', share / 2, () => void response.writeHead(503, { 'Retry-After': '1' }).end()],
      ['500', share, () => void response.writeHead(500).end()],
    ];
    if (isWhole) {
      faults.push(
        ['cut', share, () => void response.writeHead(200, head).write(half, () => response.destroy())],
        ['stall', share / 2, () => void response.writeHead(200, head).write(half)],
        ['short', share, () => void response.writeHead(200, { ...head, 'Content-Length': half.length }).end(half)],
        ['long', share, () => void response.writeHead(200, { 'X-Long': '1' }).end(Buffer.concat([bytes, half, half]))],
        ['wrong', wrongShare, () => void response.writeHead(200, head).end(Buffer.from(bytes.map((byte) => byte ^ 1)))],
      );
    }
    for (const [name, chance, act] of faults) {
      if (roll() >= chance) continue;
      happened.set(name, (happened.get(name) ?? 0) + 1);
      act();
      return true;
    }
    return false;
  };
}

describe('PRODUCT I2 — a faulty source', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ importAllowedNetworks: ['127.0.0.0/8'], idleTimeoutSeconds: 2 });
  });
  afterAll(() => server.stop());

  /** Names of files that are not here, having looked that all others are right. */
  const missingOf = async (source: SyntheticSource, to: string): Promise<string[]> => {
    const missing: string[] = [];
    for (const [path, { bytes }] of source.files) {
      const answer = await server.as('alice')('GET', `/${to}${path}`);
      if (answer.status === 404) missing.push(path);
      else if (!bytes.equals(answer.bytes)) throw new Error(`${path} is stored with wrong bytes`);
    }
    return missing;
  };

  it('cuts, stalls, 503s, wrong lengths and wrong bytes: each file is right, or in the report', async () => {
    const source = await SyntheticSource.start(makeTree(true));
    const happened = new Map<string, number>();
    const chance = faulty(source, 0.03, 0.01, happened);
    const broken = ['/f1/1.bin', '/f2/77.bin'];
    source.meddle = (request, response, path) => {
      if (request.method !== 'GET' || !broken.includes(path)) return chance(request, response, path);
      response.writeHead(200).end(source.files.get(path)!.bytes.map((byte) => byte ^ 1));
      return true;
    };
    const { job, progress, report } = await runImport(server, source.url, { to: 'faults' }, 180_000);
    expect(job).toMatchObject({ state: 'succeeded', hasSecret: false });
    expect([...happened.keys()].sort()).toEqual(['500', '503', 'cut', 'long', 'no answer', 'short', 'stall', 'wrong']);
    const missing = await missingOf(source, 'faults');
    expect(report.filter(({ outcome }) => outcome === 'failed').map(({ path }) => path)).toEqual(missing);
    expect(missing.sort()).toEqual(broken);
    expect(progress).toMatchObject({ files: FILES, done: FILES - 2, failed: 2 });
    expect(report[0]!.reason).toMatch(/another checksum/);
  }, 240_000);

  it('without checksums: what has another size is never stored', async () => {
    const source = await SyntheticSource.start(makeTree(false));
    source.meddle = faulty(source, 0.03, 0, new Map());
    const { report } = await runImport(server, source.url, { to: 'sizes' }, 180_000);
    const missing = await missingOf(source, 'sizes');
    expect(report.filter(({ outcome }) => outcome === 'failed').map(({ path }) => path)).toEqual(missing);
  }, 240_000);

  it('a source that goes away for a while loses nothing: the import waits for it', async () => {
    const source = await SyntheticSource.start(makeTree(true));
    let isAway = false;
    let gets = 0;
    source.meddle = (request, response) => {
      if (request.method === 'GET' && ++gets === 60) isAway = true;
      if (!isAway) return false;
      response.writeHead(503, { 'Retry-After': '300' }).end();
      return true;
    };
    const id = await startImport(server, source.url, { to: 'away' });
    await expect
      .poll(async () => (await server.stores.jobs.find(id))!, { timeout: 30_000 })
      .toMatchObject({ state: 'waiting', attempts: 1, hasSecret: true });
    const waiting = (await server.stores.jobs.find(id))!;
    // As long as the source wants, and nobody is blamed.
    expect(waiting.runAt - Date.now()).toBeGreaterThan(250_000);
    expect(waiting.progress).toMatchObject({ failed: 0 });
    const asked = source.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(source.requests.length).toBe(asked);
    expect(await server.stores.jobs.cancel(id, Date.now())).toBe(true);
    expect(await server.stores.jobs.find(id)).toMatchObject({ state: 'cancelled', hasSecret: false });

    isAway = false;
    const { progress } = await runImport(server, source.url, { to: 'away' });
    expect(progress).toMatchObject({ files: FILES, failed: 0, skipped: 0 });
    expect(progress.unchanged).toBeGreaterThan(0);
    expect(await missingOf(source, 'away')).toEqual([]);
  }, 120_000);

  it('a part that is sent after a cut is hashed with what came before; one of another version begins again', async () => {
    const bytes = seededBytes('resumed', 900_000);
    const checksum = `SHA256:${createHash('sha256').update(bytes).digest('hex')}`;
    const source = await SyntheticSource.start({ '/r.bin': { bytes, etag: '"v1"', modified: MTIME, checksum } });
    const ranges: (string | undefined)[] = [];
    source.meddle = (request, response) => {
      if (request.method !== 'GET') return false;
      ranges.push(request.headers.range);
      if (ranges.length === 1) {
        response.writeHead(200, { 'Content-Length': bytes.length, ETag: '"v1"' });
        response.write(bytes.subarray(0, 300_000), () => response.destroy());
        return true;
      }
      if (ranges.length === 2) {
        // Claims to go on, with bytes of another version.
        const range = request.headers.range!.match(/\d+/)![0];
        response.writeHead(206, { 'Content-Range': `bytes ${range}-899999/900000`, ETag: '"v2"' }).end(bytes);
        return true;
      }
      if (ranges.length === 3) {
        response.writeHead(200, { 'Content-Length': bytes.length, ETag: '"v1"' });
        response.write(bytes.subarray(0, 500_000), () => response.destroy());
        return true;
      }
      return false;
    };
    const { progress } = await runImport(server, source.url, { to: 'resumed' });
    expect(progress).toMatchObject({ done: 1, failed: 0 });
    expect(ranges[1]).toMatch(/^bytes=[1-9]/);
    expect(ranges[2]).toBeUndefined();
    expect(ranges[3]).toMatch(/^bytes=[1-9]/);
    expect(await missingOf(source, 'resumed')).toEqual([]);
  });
});
