import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { type ChangingMethod, changingMethods, isAcknowledgement, look, Place } from './rig/changing-methods.js';
import { type Call, type Fault, Faults } from './rig/faults.js';

// Each method at one of its points, and one method at all of them; CRASH_LONG=1: all methods at all points.
const isLong = process.env.CRASH_LONG === '1';
const thoroughMethod = 'PUT large over a file';
const triesMax = 3;
const endTimeoutMs = 20_000;

interface Point {
  readonly name: string;
  readonly fault: Omit<Fault, 'which'>;
  /** What is there after the next start. `either`: the process had written it, and had not been told that it is safe. */
  readonly outcome: 'unchanged' | 'changed' | 'either';
}

/** In the order of storage/README.md. A killed process, unlike a power cut, leaves what it had written to the system. */
const filePoints: Point[] = [
  { name: 'bytes written', fault: { action: 'kill before', call: 'sync', path: '/incoming/' }, outcome: 'unchanged' },
  { name: 'bytes synced', fault: { action: 'kill after', call: 'sync', path: '/incoming/' }, outcome: 'unchanged' },
  { name: 'linked', fault: { action: 'kill after', call: 'link', path: '/blobs/' }, outcome: 'unchanged' },
  { name: 'folder synced', fault: { action: 'kill after', call: 'sync', path: '/blobs/' }, outcome: 'unchanged' },
];
const rowPoints: Point[] = [
  { name: 'row half written', fault: { action: 'kill before', call: 'write', path: '-wal' }, outcome: 'unchanged' },
  { name: 'row written', fault: { action: 'kill before', call: 'sync', path: '-wal' }, outcome: 'either' },
  { name: 'committed', fault: { action: 'kill after', call: 'sync', path: '-wal' }, outcome: 'changed' },
  { name: 'answered', fault: { action: 'kill after', call: 'write', path: 'tcp' }, outcome: 'changed' },
];

interface Trial {
  readonly point: Point;
  readonly which: number;
}

let faults: Faults;
let server: BootedServer;
let places = 0;
beforeAll(async () => {
  faults = await Faults.make();
  server = await bootServer({ environment: faults.environment });
});
afterAll(async () => {
  faults?.disarm();
  await server?.remove();
  faults?.remove();
});

async function prepared(method: ChangingMethod): Promise<Place> {
  const place = new Place(server, `place-${places++}`);
  await place.do('MKCOL', `${place.folder}/`);
  await method.prepare(place);
  return place;
}

/** Lets the request come to its end: what the place looks like then, and at which points it can be killed. */
async function rehearse(method: ChangingMethod): Promise<{ after: string[]; trials: Trial[] }> {
  const place = await prepared(method);
  const calls = await faults.callsDuring(async () => {
    const answer = await method.request(place);
    expect([answer.status, isAcknowledgement(answer.status, await answer.text())]).toEqual([answer.status, true]);
  });
  const trials = [...(method.hasFile ? filePoints : []), ...rowPoints].flatMap((point) => {
    if (point.name === 'answered') return [{ point, which: 1 }];
    const count = calls.filter((call) => isAt(point, call)).length;
    expect(count, `${method.name} passes the point “${point.name}”`).toBeGreaterThan(0);
    if (point.name === 'row half written') return [{ point, which: Math.ceil(count / 2) }];
    // Of what commits twice, the second commit is another change.
    if (point.fault.path === '-wal') return [{ point, which: 1 }];
    return Array.from({ length: count }, (_, index) => ({ point, which: index + 1 }));
  });
  return { after: await look(place), trials };
}

function isAt({ fault: { call, path: part } }: Point, { name, path: place }: Call): boolean {
  const isNamed = call === 'sync' ? name.endsWith('sync') : name.includes(call);
  return isNamed && place.includes(part);
}

/** Kills the server at the point; gives what is seen after the next start, before and now. */
async function killAt(method: ChangingMethod, { point, which }: Trial) {
  const place = await prepared(method);
  const before = await look(place);
  faults.arm({ ...point.fault, which });
  const answer = await method.request(place).catch(() => null);
  const isAcknowledged = answer !== null && isAcknowledgement(answer.status, await answer.text().catch(() => ''));
  const timer = setTimeout(() => void server.kill(), endTimeoutMs);
  await server.ended();
  clearTimeout(timer);
  const isReached = faults.hits() === 1;
  faults.disarm();
  await server.restart();
  expect(await readdir(path.join(server.storage, 'incoming')), 'incoming/ after the start').toEqual([]);
  return { before, seen: await look(place), isAcknowledged, isReached };
}

async function checkTrial(method: ChangingMethod, trial: Trial, after: string[]): Promise<void> {
  const { name, outcome } = trial.point;
  for (let tries = 1; ; tries++) {
    const { before, seen, isAcknowledged, isReached } = await killAt(method, trial);
    const title = `${method.name}, killed at “${name}” ${trial.which}`;
    const isSame = (one: string[]) => one.join('\n') === seen.join('\n');
    const isDone = isSame(after);
    if (!isDone && isAcknowledged) expect(seen, `${title}, acknowledged`).toEqual(after);
    if (!isDone) expect(seen, title).toEqual(before);
    // A job of the server's own may have come by first: then this was another moment, and it is tried again.
    const isRight = isReached && (outcome === 'either' || (outcome === 'changed') === isDone);
    if (isRight) return;
    if (tries === triesMax) expect([title, isReached, isDone]).toEqual([title, true, outcome === 'changed']);
  }
}

describe('PRODUCT U4 — the process is killed at a named point', () => {
  test.each(changingMethods.map((method, number) => ({ name: method.name, method, number })))(
    '$name',
    {
      timeout: 240_000,
    },
    async ({ method, number }) => {
      const { after, trials } = await rehearse(method);
      const isThorough = isLong || method.name === thoroughMethod;
      const chosen = isThorough ? trials : [trials[number % trials.length]!];
      for (const trial of chosen) await checkTrial(method, trial, after);
    },
  );

  test('a server that says it listens ends in order at a signal, however soon that comes', async () => {
    // Throws where the signal ends the process by itself.
    for (let times = 0; times < 5; times++) {
      await server.restart();
      await server.stop();
    }
  });

  test('after all of them fsck finds everything in order', async () => {
    // A non-zero exit code throws, with what fsck says.
    await server.firn('fsck');
  });
});
