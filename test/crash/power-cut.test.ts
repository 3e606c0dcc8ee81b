import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { BootedServer } from '../support/boot-server.js';
import { waitUntil } from '../support/run-program.js';
import { seededRandom } from './load.js';
import { Faults } from './rig/faults.js';
import { checkCanMount, type FileSystem } from './rig/power-disk.js';
import { PowerRun } from './rig/power-run.js';

// POWER_SEED=… repeats the choice of requests and of moments; POWER_ROUNDS=… and POWER_FS=… are the long form: npm run power.
const seed = Number(process.env.POWER_SEED ?? Date.now() % 1_000_000_000);
const rounds = Number(process.env.POWER_ROUNDS ?? 3);
const fileSystem = (process.env.POWER_FS ?? 'ext4') as FileSystem;
const roundsPerDisk = 3;
/** One for each disk. Names of files are in the database's log; a write at random is often one of the journal's. */
const faultsOfDisks = ['fail-containing worker-', 'fail-writes N 1', 'fail-flushes N 1'];
const workerCount = 4;
/** That are answered before the disk fails, and as many after it. */
const requestsAround = 100;
const survivors = ['all', 'none', 'half'] as const;
const small = (name: string) => Buffer.from(`${name} `.repeat(300));

/** After a failed sync in a thread the process would end; the disk here is slow. */
const healsByItself = { metadata: { engine: 'sqlite', slowSyncMs: 600_000 } };

let run: PowerRun | undefined;
beforeAll(() => {
  checkCanMount();
  console.log(`power test: POWER_SEED=${seed} on ${fileSystem}`);
});
afterEach(async () => {
  await run?.end();
  run = undefined;
});

/** PUT; gives the status. */
async function put(mount: string, authorization: string, name: string): Promise<number> {
  const answer = await fetch(`${mount}${name}`, { method: 'PUT', headers: { authorization }, body: small(name) });
  await answer.arrayBuffer();
  return answer.status;
}

/** Uploads files one after the other; gives the names of those that were acknowledged. */
async function putAll({ server }: PowerRun, prefix: string, count: number): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let number = 0; number < count; number++) {
    const name = `${prefix}-${number}.txt`;
    if ((await put(server.pathMount, server.authorization, name)) < 300) acknowledged.push(name);
  }
  return acknowledged;
}

/** Of these files, those whose bytes are not there after a power cut that leaves what was flushed. */
async function lostAfterCut(disk: PowerRun, names: string[], at = disk.disk.position()): Promise<string[]> {
  const lost: string[] = [];
  await disk.afterCut({ at, survivors: 'none', random: Math.random }, async (server) => {
    for (const name of names) {
      const answer = await fetch(`${server.pathMount}${name}`, { headers: { authorization: server.authorization } });
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (answer.status !== 200 || !bytes.equals(small(name))) lost.push(name);
    }
  });
  return lost;
}

describe(`PRODUCT U4 — the power goes, on ${fileSystem}`, () => {
  test(`faults A1 — one failed write-back of SQLite's log, 100 more uploads, a power cut: nothing acknowledged is lost`, {
    timeout: 180_000,
  }, async () => {
    run = await PowerRun.start(fileSystem, { settings: healsByItself });
    const acknowledged = await putAll(run, 'before', 20);
    expect(acknowledged).toHaveLength(20);
    // Small contents lie in the database: the first to carry this name to the disk is the log.
    run.disk.order('fail-containing unlucky-0.txt');
    expect(await putAll(run, 'unlucky', 1)).toEqual([]);
    expect(run.disk.refused()).toBe(1);
    acknowledged.push(...(await putAll(run, 'after', 100)));
    console.log(`power test: ${acknowledged.length} of 120 acknowledged`);
    const lost = await lostAfterCut(run, acknowledged);
    expect(`${lost.length} of ${acknowledged.length} lost`).toBe(`0 of ${acknowledged.length} lost`);
  });

  test('the rig sees a loss: with fsync as a no-op, acknowledged files are gone', { timeout: 120_000 }, async () => {
    const faults = await Faults.make();
    try {
      run = await PowerRun.start(fileSystem, { environment: faults.environment });
      faults.arm({ action: 'do nothing', call: 'sync', path: '', which: 0 });
      const acknowledged = await putAll(run, 'unsynced', 20);
      expect(acknowledged).toHaveLength(20);
      expect(faults.hits()).toBeGreaterThan(0);
      expect(await lostAfterCut(run, acknowledged)).not.toEqual([]);
    } finally {
      faults.remove();
    }
  });

  test(`${rounds} cuts during the set-up and the first start: a server starts on what is left, and finds it in order`, {
    timeout: 60_000 + rounds * 30_000,
  }, async () => {
    const random = seededRandom(seed);
    run = await PowerRun.start(fileSystem);
    const end = run.disk.position();
    const problems: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const cut = { at: Math.floor(random() * end), survivors: survivors[round % survivors.length]!, random };
      await run.afterCut(cut, async () => {}).catch((error: Error) => problems.push(`${cut.at}: ${error.message}`));
    }
    expect(problems, `POWER_SEED=${seed}`).toEqual([]);
  });

  test(`${rounds} cuts under load, an I/O error before them: nothing acknowledged is lost, nothing refused is shown`, {
    timeout: 60_000 + rounds * 60_000,
  }, async () => {
    const random = seededRandom(seed);
    let acknowledged = 0;
    let refused = 0;
    let disk = 0;
    for (let round = 0; round < rounds; ) {
      run = await PowerRun.start(fileSystem, { settings: healsByItself });
      await run.prepare(workerCount, seed + round);
      const begin = run.disk.position();
      const fault = faultsOfDisks[disk++ % faultsOfDisks.length]!;
      await loadWithFault(run, fault.replace('N', String(1 + Math.floor(random() * 50))));
      const end = run.disk.position();
      for (let cut = 0; cut < roundsPerDisk && round < rounds; cut++, round++) {
        const at = Math.floor(begin + random() * (end - begin));
        const chosen = { at, survivors: survivors[round % survivors.length]!, random };
        expect(await run.differencesAfter(chosen), `cut ${round}, POWER_SEED=${seed}`).toEqual([]);
      }
      acknowledged += run.acknowledged;
      refused += run.answered - run.acknowledged;
      await run.end();
      run = undefined;
    }
    console.log(`power test: ${rounds} cuts, ${acknowledged} requests acknowledged, ${refused} refused`);
    expect(acknowledged).toBeGreaterThan(rounds * workerCount);
  });
});

describe(`PRODUCT U4 — the power goes, on ${fileSystem}, where syncs are slow`, () => {
  test(`${rounds} cuts under load: nothing acknowledged is lost, nothing refused is shown, and what was read stays`, {
    timeout: 60_000 + rounds * 60_000,
  }, async () => {
    const random = seededRandom(seed);
    const faults = await Faults.make();
    onTestFinished(() => faults.remove());
    run = await PowerRun.start(fileSystem, { environment: faults.environment });
    faults.arm({ action: 'wait', call: 'sync', path: 'firn.db-wal', which: 0, milliseconds: 12 });
    // So many that the server knows it.
    await putAll(run, 'slow', 30);
    const counter = new Counter(run);
    await counter.write();
    await run.prepare(workerCount, seed);
    const begin = run.disk.position();
    const end = run.answered + 3 * requestsAround;
    const isEnough = () => run!.answered >= end && counter.seen.length >= requestsAround;
    await run.loadDuring(() => counter.during(() => waitUntil('enough was answered and read', isEnough, 120)));
    const last = run.disk.position();
    for (let round = 0; round < rounds; round++) {
      const at = Math.floor(begin + random() * (last - begin));
      const cut = { at, survivors: survivors[round % survivors.length]!, random };
      expect(await run.differencesAfter(cut), `cut ${round}, POWER_SEED=${seed}`).toEqual([]);
      const before = counter.seen.filter((seen) => seen.at <= at).at(-1)?.value ?? 0;
      await run.afterCut(cut, async (server) => {
        expect(await readCounter(server), `cut ${round}, POWER_SEED=${seed}`).toBeGreaterThanOrEqual(before);
      });
    }
    console.log(
      `power test: ${run.acknowledged} acknowledged, ${counter.seen.length} reads of ${counter.value} states`,
    );
    expect(counter.value).toBeGreaterThan(rounds);
  });
});

const counterName = 'counter.txt';

async function readCounter({ pathMount, authorization }: BootedServer): Promise<number> {
  const answer = await fetch(`${pathMount}${counterName}`, { headers: { authorization } });
  return Number(await answer.text());
}

/** A file that counts upwards, and what readers have seen of it: how far the disk's log was at that time. */
class Counter {
  value = 0;
  /** In the order in which the answers came. */
  readonly seen: { readonly value: number; readonly at: number }[] = [];

  constructor(private readonly run: PowerRun) {}

  async write(): Promise<void> {
    const { pathMount, authorization } = this.run.server;
    const body = String(this.value + 1);
    const answer = await fetch(`${pathMount}${counterName}`, { method: 'PUT', headers: { authorization }, body });
    if (answer.status >= 300) throw new Error(`PUT answered ${answer.status}`);
    this.value++;
  }

  /** Counts and reads while `work` lasts. */
  async during(work: () => Promise<void>): Promise<void> {
    let isOver = false;
    const repeat = async (once: () => Promise<unknown>) => {
      while (!isOver) await once();
    };
    const read = async () => {
      const value = await readCounter(this.run.server);
      this.seen.push({ value, at: this.run.disk.position() });
    };
    const all = [repeat(() => this.write()), repeat(read), repeat(read)];
    await work().finally(() => {
      isOver = true;
    });
    await Promise.all(all);
  }
}

/** Load before and after one write or one flush has failed. */
async function loadWithFault(run: PowerRun, fault: string): Promise<void> {
  const requests = async (count: number) => {
    const end = run.answered + count;
    await waitUntil(`${count} more requests are answered`, () => run.answered >= end, 60);
  };
  await run.loadDuring(async () => {
    await requests(requestsAround);
    run.disk.order(fault);
    await waitUntil('the disk has refused one', () => run.disk.refused() > 0, 60);
    await requests(requestsAround);
  });
}
