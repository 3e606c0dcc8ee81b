import { createHash } from 'node:crypto';
import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { StorageAnswer } from '../../src/console/contract/admin-reports.js';
import { backupLane, backupState, noteByHand } from '../../src/jobs/backup-jobs.js';
import type { Backups } from '../../src/jobs/backups.js';
import { Parts } from '../../src/parts.js';
import { ConsoleClient } from '../support/console-client.js';
import { emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { parsePrometheus } from '../support/prometheus-text.js';

const HOUR = 3_600_000;
let outside: string;
let server: TestServer;
let backups: Backups;

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'firn-backup-jobs-'));
  const to = { engine: 'folder' as const, path: join(outside, 'backups') };
  const backup = { to, everyHours: 24, keep: 2, rehearseDays: 7, secretKeyCopy: null };
  server = await TestServer.start({ backup });
  backups = new Parts(server.config, server.engines).makeBackups()!;
});
afterEach(async () => {
  await server.stop();
  await rm(outside, { recursive: true });
});

/** The jobs over their runs, as the runner keeps them. */
class Lane {
  readonly told: string[] = [];
  readonly mails: string[] = [];
  now = Date.now();
  readonly #progress = new Map<string, object | null>();

  /** Whether something was made. */
  async run(kind: string): Promise<boolean> {
    const tell = (_facts: unknown, text: string) => void this.told.push(text);
    const alerts = {
      tellAdministrators: async (_what: string, lines: readonly string[]) => this.mails.push(lines.join('\n')),
    };
    const log = { error: tell, info: tell } as never;
    const lane = backupLane({ backups, everyHours: 24, rehearseDays: 7, alerts, log, now: () => this.now });
    const before = this.#progress.get(kind) ?? null;
    const report = (progress: object) => this.#progress.set(kind, JSON.parse(JSON.stringify(progress)));
    const work = { job: { progress: before }, signal: new AbortController().signal, report, renew: () => {} };
    const toldBefore = this.told.length;
    await lane.kinds.find((each) => each.kind === kind)!.run(work as never);
    return this.told.length > toldBefore;
  }
}

it('PRODUCT V8 — one each day and a rehearsal each week, also where the server looks a little early or its clock was wrong', async () => {
  const rows = (await server.stores.jobs.list({}, null, 99)).filter(({ kind }) => kind.startsWith('backup'));
  expect(rows.map(({ kind, everyMinutes }) => [kind, everyMinutes]).sort()).toEqual([
    ['backup', 60],
    ['backup-rehearsal', 60],
  ]);
  const lane = new Lane();
  expect(await lane.run('backup-rehearsal')).toBe(false);
  expect(await lane.run('backup')).toBe(true);
  expect(await lane.run('backup-rehearsal')).toBe(true);
  lane.now += 20 * HOUR;
  expect(await lane.run('backup')).toBe(false);
  lane.now += 3.8 * HOUR;
  expect(await lane.run('backup')).toBe(true);
  expect(await lane.run('backup-rehearsal')).toBe(false);
  lane.now += 7 * 24 * HOUR;
  expect(await lane.run('backup-rehearsal')).toBe(true);
  lane.now = Date.now() - 24 * HOUR;
  expect(await lane.run('backup')).toBe(true);
  expect(lane.mails).toEqual([]);
});

it('past A5 — a backup that lacks a file is told: in the log, by mail, in the console and in the metrics', async () => {
  const body = 'large '.repeat(10_000);
  await server.as('alice')('PUT', '/large.bin', { body });
  const id = createHash('sha256').update(body).digest('hex');
  const now = Date.now();
  await noteByHand(server.engines.metadata, { backup: await backups.make() }, now);
  await noteByHand(server.engines.metadata, { rehearsal: await backups.rehearse() }, now);
  await unlink(join(server.config.storage, 'blobs', id.slice(0, 2), id));
  await rm(join(outside, 'backups', 'blobs'), { recursive: true });
  const lane = new Lane();
  expect(await lane.run('backup')).toBe(true);
  expect(lane.told).toEqual([
    expect.stringMatching(/^a backup lacks contents: content .* has no bytes; .*large\.bin$/),
  ]);
  expect(lane.mails).toEqual([expect.stringContaining('large.bin')]);
  expect(await lane.run('backup-rehearsal')).toBe(true);

  await noteByHand(server.engines.metadata, { backup: await backups.make() }, now);
  await noteByHand(server.engines.metadata, { rehearsal: await backups.rehearse() }, now);
  const state = await backupState(server.engines.metadata);
  expect(state.backup).toMatchObject({ last: { problemCount: 1 }, lastWholeAt: expect.any(Number), error: null });
  await server.accounts.changeUser(emailOf('alice'), { isAdmin: true });
  const admin = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
  const { backups: shown } = await admin.get<StorageAnswer>('/api/admin/storage');
  expect(shown).toMatchObject({
    to: join(outside, 'backups'),
    backup: { last: { problemCount: 1, problems: [expect.stringContaining('large.bin')] } },
    rehearsal: { last: { problems: [expect.any(String)] }, lastWholeAt: expect.any(String) },
  });
  const metrics = parsePrometheus((await server.send('GET', '/metrics')).text);
  const value = (name: string) => metrics.get(name)?.samples[0]?.value;
  expect(value('firn_backup_problems')).toBe(1);
  expect(value('firn_backup_rehearsal_problems')).toBeGreaterThan(0);
  expect(value('firn_backup_last_whole_timestamp_seconds')).toBeCloseTo(state.backup.lastWholeAt! / 1000);
  expect(value('firn_backup_rehearsal_last_whole_timestamp_seconds')).toBeGreaterThan(0);
});
