import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Config } from '../../src/config.js';
import { collectGarbage } from '../../src/jobs/gc.js';
import { GcTotals } from '../../src/jobs/gc-totals.js';
import { basic, DRIVE_ID, DRIVE_NAME, emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { type ParsedMetric, parsePrometheus } from '../support/prometheus-text.js';

const TOKEN = 'a-token-for-the-scraper';
const SAMPLE_LABELS: Readonly<Record<string, RegExp>> = {
  method: /^([A-Z]+|other)$/,
  mount: /^(drive|cloud|api|console-api|console|parent|other)$/,
  status: /^([1-5]xx|none)$/,
  outcome: /^(granted|refused|throttled|no-drive)$/,
  reason: /^(|wrong|revoked|expired|former|disabled|second-factor(-required)?|app-password)$/,
  job_name: /^[a-z-]+$/,
  le: /^([\d.]+|\+Inf)$/,
};

async function scrape(server: TestServer): Promise<Map<string, ParsedMetric>> {
  const { status, text } = await server.send('GET', '/metrics');
  expect(status).toBe(200);
  return parsePrometheus(text);
}

/** The sum of the samples with these labels; 0 where there is none. */
function sumOf(metrics: Map<string, ParsedMetric>, name: string, labels: Record<string, string> = {}): number {
  const metric = [...metrics.values()].find((one) => one.samples.some((sample) => sample.name === name));
  const samples = (metric?.samples ?? []).filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return samples.reduce((sum, { value }) => sum + value, 0);
}

async function startWith(settings: Partial<Config>): Promise<TestServer> {
  const server = await TestServer.start(settings);
  onTestFinished(() => server.stop());
  return server;
}

describe('PRODUCT R5 — /metrics', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  test('is text that Prometheus reads, also before anything happened', async () => {
    const { headers, text } = await server.send('GET', '/metrics');
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(parsePrometheus(text).get('firn_requests_open')?.type).toBe('gauge');
    expect((await server.send('POST', '/metrics')).status).toBe(405);
  });

  test('the parser sees what is wrong', () => {
    const wrong = [
      '# HELP a b\n# TYPE a counter\na{x="1} 1\n',
      '# HELP a b\n# TYPE a counter\nb 1\n',
      '# HELP a b\n# TYPE a counter\na 1\na 2\n',
      '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
      '# HELP a b\n# TYPE a gauge\na 1',
    ];
    for (const text of wrong) expect(() => parsePrometheus(text), text).toThrow();
  });

  test('requests are counted by method, kind of address and class of status, with their times', async () => {
    const before = await scrape(server);
    const alice = server.as('alice');
    await alice('PUT', '/a.txt', { body: 'hello' });
    for (let count = 0; count < 3; count++) await alice('GET', '/a.txt');
    await alice('GET', '/missing');
    await server.send('GET', '/');
    const grown = async (name: string, labels: Record<string, string>) =>
      sumOf(await scrape(server), name, labels) - sumOf(before, name, labels);
    const gets = { method: 'GET', mount: 'drive' };
    // A request is counted when its connection has let it go, which may be after the client has it.
    await vi.waitFor(async () => expect(await grown('firn_requests_total', { ...gets, status: '4xx' })).toBe(1));
    expect(await grown('firn_requests_total', { ...gets, status: '2xx' })).toBe(3);
    expect(await grown('firn_requests_total', { method: 'PUT', mount: 'drive', status: '2xx' })).toBe(1);
    expect(await grown('firn_requests_total', { method: 'GET', mount: 'parent', status: '2xx' })).toBe(1);
    for (const name of ['firn_request_duration_seconds', 'firn_request_first_byte_seconds']) {
      expect(await grown(`${name}_count`, gets)).toBe(4);
      expect(await grown(`${name}_sum`, gets)).toBeGreaterThan(0);
      expect(await grown(`${name}_sum`, gets)).toBeLessThan(60);
    }
  });

  test('bytes both ways are counted, heads included, on connections that are open and that have ended', async () => {
    const before = await scrape(server);
    const body = 'x'.repeat(100_000);
    await server.as('alice')('PUT', '/large', { body });
    for (let count = 0; count < 2; count++) await server.as('alice')('GET', '/large');
    const after = await scrape(server);
    const grown = (name: string) => sumOf(after, name) - sumOf(before, name);
    expect(grown('firn_received_bytes_total')).toBeGreaterThan(100_000);
    expect(grown('firn_received_bytes_total')).toBeLessThan(110_000);
    expect(grown('firn_sent_bytes_total')).toBeGreaterThan(200_000);
    // The first scrape's own answer was sent after it was counted.
    expect(grown('firn_sent_bytes_total')).toBeLessThan(290_000);
  });

  test('an upload under way shows as an open PUT, and one that broke off as broken', async () => {
    const connection = await server.connect();
    const authorization = `Authorization: ${basic(emailOf('alice'), PASSWORD)}`;
    connection.writeHead(`PUT /dav/${DRIVE_ID}/slow HTTP/1.1`, 'Host: x', authorization, 'Content-Length: 900000');
    connection.write('x'.repeat(100_000));
    const isOpen = async (expected: number) => {
      const metrics = await scrape(server);
      expect(sumOf(metrics, 'firn_requests_open', { method: 'PUT' })).toBe(expected);
      expect(sumOf(metrics, 'firn_blob_uploads_open')).toBe(expected);
      return metrics;
    };
    const broken = sumOf(await vi.waitFor(() => isOpen(1)), 'firn_requests_broken_total');
    connection.close();
    expect(sumOf(await vi.waitFor(() => isOpen(0)), 'firn_requests_broken_total')).toBe(broken + 1);
  });

  test('sign-ins are counted by outcome and reason, and argon2 apart from what is known', async () => {
    const before = await scrape(server);
    await server.as('alice')('GET', '/');
    const wrong = basic(emailOf('alice'), 'not her password');
    for (let count = 0; count < 2; count++) await server.as(wrong)('GET', '/');
    await server.as('alice', 999999)('GET', '/');
    const after = await scrape(server);
    const grown = (name: string, labels = {}) => sumOf(after, name, labels) - sumOf(before, name, labels);
    expect(grown('firn_sign_ins_total', { outcome: 'granted' })).toBe(1);
    expect(grown('firn_sign_ins_total', { outcome: 'no-drive' })).toBe(1);
    expect(grown('firn_sign_ins_total', { outcome: 'refused', reason: 'wrong' })).toBe(2);
    expect(grown('firn_sign_in_cache_hits_total')).toBe(3);
    // The wrong password, compared with the right one and with three earlier ones.
    expect(grown('firn_argon2_runs_total')).toBe(4);
  });

  test('the stores say how full they are and how they commit; uploads in parts and waiters are counted', async () => {
    const alice = server.as('alice');
    const bytes = sumOf(await scrape(server), 'firn_drive_bytes');
    await alice('PUT', '/counted', { body: 'x'.repeat(1234) });
    await server.send('MKCOL', `/remote.php/dav/uploads/${emailOf('alice')}/one`, { user: 'alice' });
    const changes = `/api/drives/${DRIVE_ID}/changes`;
    const { cursor } = JSON.parse((await server.send('GET', changes, { user: 'alice' })).text) as { cursor: string };
    const target = `${changes}?timeout=30&since=${encodeURIComponent(cursor)}`;
    const waiting = server.send('GET', target, { user: 'alice' });
    const metrics = await vi.waitFor(async () => {
      const found = await scrape(server);
      expect(sumOf(found, 'firn_change_feed_waiting')).toBe(1);
      return found;
    });
    expect(sumOf(metrics, 'firn_drives')).toBe(1);
    expect(sumOf(metrics, 'firn_drive_bytes') - bytes).toBe(1234);
    expect(sumOf(metrics, 'firn_part_uploads_open')).toBe(1);
    expect(sumOf(metrics, 'firn_storage_free_bytes')).toBeGreaterThan(0);
    expect(sumOf(metrics, 'firn_store_commit_writes_count')).toBeGreaterThan(0);
    expect(sumOf(metrics, 'firn_store_failed_commits_total')).toBe(0);
    expect(sumOf(metrics, 'firn_store_failing')).toBe(0);
    expect(sumOf(metrics, 'firn_store_losses_at_start')).toBe(0);
    expect(metrics.get('firn_blobs')?.samples).toEqual([]);
    await alice('PUT', '/wakes', { body: 'up' });
    await waiting;
  });

  test('the collector’s totals grow by what each run did, and know what is stored', async () => {
    const totals = new GcTotals();
    const { blobs, blobIndex } = server.engines;
    await server.as('alice')('PUT', '/kept', { body: 'k'.repeat(40_000) });
    const run = () =>
      totals.tally((onBlob) => collectGarbage({ blobs, blobIndex, now: Date.now, graceSeconds: 0, onBlob }));
    await run();
    const listed: number[] = [];
    for await (const { size } of blobs.list()) listed.push(size);
    expect(totals.stored!.count - totals.deleted).toBe(listed.length);
    const { condemned, deleted } = totals;
    await (await blobs.put(Readable.from([Buffer.from('nobody names this')]))).release('surplus');
    await run();
    expect([totals.condemned - condemned, totals.deleted - deleted]).toEqual([1, 1]);
    expect(totals.stored).toEqual({
      count: listed.length + 1,
      bytes: listed.reduce((sum, size) => sum + size, 0) + 'nobody names this'.length,
    });
  });

  test('labels are a fixed set: no path, user, drive, made-up method or secret gets in', async () => {
    await server.as('alice')('MKCOL', '/private-folder');
    await server.send('BREW', `/dav/${DRIVE_ID}/private-folder`, { user: 'alice' });
    await server.send('GET', '/dav/765432/private-folder', { headers: { Authorization: basic('mallory', 'secret') } });
    const { text } = await server.send('GET', '/metrics');
    for (const word of ['private', 'alice', 'mallory', 'secret', PASSWORD, DRIVE_NAME, `${DRIVE_ID}`, '765432', 'BREW'])
      expect(text).not.toContain(`"${word}`);
    const samples = [...parsePrometheus(text).values()].filter(({ name }) => name.startsWith('firn_'));
    for (const { name, samples: all } of samples)
      for (const { labels } of all)
        for (const [label, value] of Object.entries(labels))
          expect(value, `${label} of ${name}`).toMatch(SAMPLE_LABELS[label]!);
  });
});

describe('who may read /metrics', () => {
  const bearer = (token: string, headers = {}) => ({ headers: { Authorization: `Bearer ${token}`, ...headers } });

  test('without settings: loopback alone, and nothing that a proxy passes on', async () => {
    const server = await startWith({});
    expect((await server.send('GET', '/metrics')).status).toBe(200);
    for (const headers of [
      { 'X-Forwarded-For': '198.51.100.7' },
      { Forwarded: 'for=127.0.0.1' },
      { Via: '1.1 proxy' },
    ]) {
      const { status, text } = await server.send('GET', '/metrics', { headers });
      expect(status).toBe(403);
      expect(text).toMatch(/metricsAddresses/);
    }
    const host = { Host: `${DRIVE_ID}.connect.example.org` };
    expect((await server.send('GET', '/metrics', { headers: host })).status).toBe(401);
  });

  test('with a token: anyone who has it, through a proxy too', async () => {
    const server = await startWith({ metricsToken: TOKEN });
    const proxied = { 'X-Forwarded-For': '198.51.100.7' };
    expect((await server.send('GET', '/metrics', bearer(TOKEN, proxied))).status).toBe(200);
    for (const wrong of [{}, bearer(`${TOKEN}x`), bearer(''), { user: 'alice' }]) {
      const { status, headers, text } = await server.send('GET', '/metrics', wrong);
      expect(status).toBe(401);
      expect(headers['www-authenticate']).toMatch(/^Bearer /);
      expect(text).not.toContain(TOKEN);
    }
  });

  test('with both: the token, from those addresses; a trusted proxy says from where', async () => {
    const server = await startWith({
      metricsToken: TOKEN,
      metricsAddresses: ['198.51.100.0/24'],
      trustedProxies: ['127.0.0.1'],
    });
    const from = (address: string) => ({ 'X-Forwarded-For': address });
    expect((await server.send('GET', '/metrics', bearer(TOKEN))).status).toBe(403);
    expect((await server.send('GET', '/metrics', bearer(TOKEN, from('203.0.113.9')))).status).toBe(403);
    expect((await server.send('GET', '/metrics', { headers: from('198.51.100.7') })).status).toBe(401);
    expect((await server.send('GET', '/metrics', bearer(TOKEN, from('198.51.100.7')))).status).toBe(200);
  });

  test('the token may lie in a file; one that is too short keeps the server from starting', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'firn-token-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const metricsTokenFile = path.join(folder, 'token');
    await writeFile(metricsTokenFile, 'short\n');
    await expect(TestServer.start({ metricsTokenFile })).rejects.toThrow(/holds no token/);
    await writeFile(metricsTokenFile, `${TOKEN}\n`);
    const server = await startWith({ metricsTokenFile });
    expect((await server.send('GET', '/metrics')).status).toBe(401);
    expect((await server.send('GET', '/metrics', bearer(TOKEN))).status).toBe(200);
  });
});

describe('docs/grafana-dashboard.json', () => {
  test('asks only for metrics and labels that there are, in panels with titles', async () => {
    const server = await startWith({});
    await server.as('alice')('PUT', '/a', { body: 'a' });
    const names = new Set<string>();
    for (const { name, type } of (await scrape(server)).values()) {
      for (const suffix of type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) names.add(name + suffix);
    }
    const file = new URL('../../docs/grafana-dashboard.json', import.meta.url);
    const dashboard = JSON.parse(await readFile(file, 'utf8')) as {
      schemaVersion: number;
      panels: { id: number; title: string; type: string; targets?: { expr: string }[] }[];
    };
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(38);
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title } of panels) expect(title).not.toBe('');
    const asked = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => [...expr.matchAll(METRIC)]));
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.map(([name]) => name).filter((name) => !names.has(name))).toEqual([]);
  });
});

const METRIC = /\b(?:firn|process|nodejs)_[a-z0-9_]+/g;
