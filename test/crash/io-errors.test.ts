import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { waitUntil } from '../support/run-program.js';
import { type ChangingMethod, changingMethods, isAcknowledgement, look, Place } from './rig/changing-methods.js';
import { type Call, type Fault, Faults } from './rig/faults.js';

// Some methods, and of calls of one kind the first and the last; CRASH_LONG=1: all methods, all calls.
const isLong = process.env.CRASH_LONG === '1';
const shortMethods = [
  'PUT small over a file',
  'PUT large over a file',
  'DELETE',
  'MOVE over a file',
  'TUS PATCH',
  'chunks put together',
];
const makingRoom = /^(DELETE|MOVE|restore|emptying)/;
const errors = ['EIO', 'ENOSPC'] as const;

/** With two workers the process that fails is another one than the one that keeps the log: a few methods show what holds. */
const shapes = [
  { workers: 1, names: shortMethods },
  { workers: 2, names: ['PUT small over a file', 'PUT large over a file', 'DELETE'] },
];

/** After a failed sync in a thread the process ends: its own test is test/engines/slow-disk.test.ts. */
const healsByItself = { metadata: { engine: 'sqlite', slowSyncMs: 600_000 } };

let faults: Faults;
let server: BootedServer;
let places = 0;

async function prepared(method: ChangingMethod): Promise<Place> {
  const place = new Place(server, `place-${places++}`);
  await place.do('MKCOL', `${place.folder}/`);
  await method.prepare(place);
  return place;
}

/** What a call is about, as a fault names it: the files have random names. */
function kindOf({ name, path }: Call): { call: string; path: string } {
  const place = path.slice(server.storage.length);
  return { call: name, path: /^\/(incoming|blobs)/.exec(place)?.[0] ?? `${place}$` };
}

/** Each file-system call that a method makes, as a fault that makes it fail. */
async function faultsOf(method: ChangingMethod): Promise<{ fault: Fault; after: string[] }[]> {
  const place = await prepared(method);
  const calls = await faults.callsDuring(async () => {
    const answer = await method.request(place);
    expect(isAcknowledgement(answer.status, await answer.text()), `${method.name}: ${answer.status}`).toBe(true);
  });
  const after = await look(place);
  const counts = new Map<string, number>();
  for (const call of calls.filter(({ path }) => path.startsWith(server.storage))) {
    const kind = JSON.stringify(kindOf(call));
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].flatMap(([kind, count]) => {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    const chosen = isLong ? numbers : [...new Set([1, count])];
    const { call, path } = JSON.parse(kind) as { call: string; path: string };
    return chosen.flatMap((which) =>
      (needsRoom(call, path) ? errors : errors.slice(0, 1)).map((error) => ({
        fault: { action: 'fail' as const, call, path, which, error },
        after,
      })),
    );
  });
}

/**
 * Whether a full disk can refuse the call. An answer hangs on each of these; others read ahead, clean up behind a commit, or
 * look how much of the reserve is left.
 */
function needsRoom(call: string, path: string): boolean {
  if (path === '/reserve$') return false;
  return !/^p?read$/.test(call) && call !== 'unlink' && !(call === 'open' && path === '/blobs');
}

/** Whether a 2xx is wrong though all is there. What is put together of parts is put together again where that failed. */
function mustRefuse(method: ChangingMethod, { call, path, error, which }: Fault): boolean {
  // Behind the part itself the whole is begun to be put together, as soon as there is time; that may be after the answer.
  if (method.isPart && /^\/(incoming|blobs)/.test(path) && (which ?? 1) > 1) return false;
  // What makes room is tried again with the room that is kept for it.
  if (error === 'ENOSPC' && makingRoom.test(method.name) && path.startsWith('/firn.db')) return false;
  return needsRoom(call, path) && !(method.isOfParts && path !== '/firn.db-wal$');
}

/** The statuses that are right for a refusal. 503: nothing is acknowledged until the database's log is in order. */
function refusalsFor({ call, path, error }: Fault): number[] {
  // SQLite doesn't tell which error its sync met.
  const isTold = error === 'ENOSPC' && !(call.endsWith('sync') && path === '/firn.db-wal$');
  return isTold ? [507] : [500, 503, 507];
}

/** What a multi-status says inside; null for the bulk upload, which tells no number. */
function statusOf(status: number, text: string): number | null {
  if (status === 200 && text.includes('"error":true')) return null;
  return status === 207 ? Number(/ (5\d\d) /.exec(text)?.[1]) : status;
}

async function checkFault(method: ChangingMethod, fault: Fault, after: string[]): Promise<void> {
  const title = `${method.name}: ${fault.error} at ${fault.call} ${fault.which} of ${fault.path}`;
  const place = await prepared(method);
  const before = await look(place);
  faults.arm(fault);
  const answer = await method.request(place);
  const text = await answer.text();
  const isReached = faults.hits() > 0;
  faults.disarm();
  const isAcknowledged = isAcknowledgement(answer.status, text);
  const seen = await look(place);
  if (isAcknowledged) {
    expect(seen, `${title}, acknowledged`).toEqual(after);
    if (isReached) expect(mustRefuse(method, fault), `${title}: acknowledged with ${answer.status}`).toBe(false);
  } else {
    const isPartly = method.hasSteps && seen.join() === after.join();
    if (!isPartly) expect(seen, `${title}, answered ${answer.status}`).toEqual(before);
    const status = statusOf(answer.status, text);
    if (status !== null) expect(refusalsFor(fault), `${title}: ${status} ${text}`).toContain(status);
  }
  await waitUntil(`${title}: the next write works`, async () => {
    const next = await place.send('PUT', place.named('next'), {}, place.small);
    if (next.status >= 500 && next.status !== 503) throw new Error(`${title}: then a PUT answered ${next.status}`);
    return next.status < 300;
  });
}

describe.each(shapes)('PRODUCT U4 — a file-system call fails, workers: $workers', ({ workers, names }) => {
  beforeAll(async () => {
    faults = await Faults.make();
    const environment = { ...faults.environment, FIRN_LOG_LEVEL: 'fatal' };
    server = await bootServer({ environment, settings: { workers, ...healsByItself } });
  });
  afterAll(async () => {
    faults?.disarm();
    await server?.remove();
    faults?.remove();
  });
  const methods = changingMethods.filter(({ name }) => isLong || names.includes(name));
  test.each(methods.map((method) => ({ name: method.name, method })))(
    '$name',
    { timeout: 600_000 },
    async ({ method }) => {
      const found = await faultsOf(method);
      expect(found.length).toBeGreaterThan(3);
      const problems: string[] = [];
      for (const { fault, after } of found) {
        await checkFault(method, fault, after).catch((error: Error) => problems.push(error.message));
      }
      expect(problems).toEqual([]);
    },
  );

  test('after all of them fsck finds everything in order', async () => {
    // A non-zero exit code throws, with what fsck says.
    await server.firn('fsck');
  });
});
