import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { addressBlock } from '../../src/accounts/address-block.js';
import { PasswordsBusyError } from '../../src/accounts/passwords.js';
import type { Guess, Throttle } from '../../src/accounts/throttle.js';
import { SpareCounts } from '../../src/accounts/throttle.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { throttleOn } from '../support/guess-throttle.js';
import { MIGRATIONS } from './bench.js';

let now = Date.parse('2027-01-01T00:00:00Z');

function open(database = openDatabase()): Throttle {
  return throttleOn(new SqlMetadataStore(database), () => now);
}

function openDatabase(path = ':memory:'): SqliteDatabase {
  const database = SqliteDatabase.open(path, MIGRATIONS);
  onTestFinished(() => database.close());
  return database;
}

describe('PRODUCT S5 — who counts as one address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1:2:3::', '1:2:3:0::/64'],
    ['', ''],
  ])('%s is %s', (address, block) => {
    expect(addressBlock(address)).toBe(block);
  });
});

/** Whether the guess was let through. */
async function guessWrongly(throttle: Throttle, account: string, address: string): Promise<boolean> {
  const guess = await throttle.take(account, address);
  if (!('end' in guess)) return false;
  await guess.end(true);
  return true;
}

/** Begins `count` guesses at once; as many of them as have been let through by now can be ended. */
function beginAtOnce(throttle: Throttle, count: number, account: (index: number) => string) {
  const begun: Guess[] = [];
  const answers = Array.from({ length: count }, async (_, index) => {
    const guess = await throttle.take(account(index), '192.0.2.1');
    if ('end' in guess) begun.push(guess);
    return 'end' in guess;
  });
  return { begun, answers: Promise.all(answers) };
}

/** Until so many have begun. */
const begin = (begun: readonly Guess[], count: number) => vi.waitFor(() => expect(begun.length).toBe(count));
/** Until the guesses that were let through have had time to begin. */
const settle = () => sleep(20);

describe('PRODUCT S5 — right passwords that come at once, as after a restart', () => {
  it('of one account wait for each other; none is refused', async () => {
    const { begun, answers } = beginAtOnce(open(), 60, () => 'anna');
    let mostAtOnce = 0;
    for (let ended = 0; ended < 60; ) {
      await settle();
      mostAtOnce = Math.max(mostAtOnce, begun.length);
      for (const guess of begun.splice(0)) {
        await guess.end(false);
        ended++;
      }
    }
    expect(mostAtOnce).toBe(10);
    expect(await answers).toEqual(Array.from({ length: 60 }, () => true));
  });

  it('of a whole office wait for each other, and more than 64 are told to come back', async () => {
    const throttle = open();
    const { begun, answers } = beginAtOnce(throttle, 164, (index) => `user ${index}`);
    await begin(begun, 100);
    await expect(throttle.take('one more', '192.0.2.1')).rejects.toThrow(PasswordsBusyError);
    for (let ended = 0; ended < 164; await settle()) {
      for (const guess of begun.splice(0)) {
        await guess.end(false);
        ended++;
      }
    }
    expect((await answers).every((isLetThrough) => isLetThrough)).toBe(true);
  });

  it('wrong ones at once are ten all the same', async () => {
    const { begun, answers } = beginAtOnce(open(), 60, () => 'anna');
    await begin(begun, 10);
    for (const guess of begun) await guess.end(true);
    expect((await answers).filter((isLetThrough) => isLetThrough)).toHaveLength(10);
  });

  it('a wrong one among them keeps its place and no more', async () => {
    const throttle = open();
    const { begun, answers } = beginAtOnce(throttle, 60, () => 'anna');
    await begin(begun, 10);
    for (const guess of begun.splice(0, 9)) await guess.end(true);
    for (let ended = 0; ended < 51; await settle()) {
      for (const guess of begun.splice(0)) {
        await guess.end(false);
        ended++;
      }
    }
    expect((await answers).filter((isLetThrough) => isLetThrough)).toHaveLength(60);
    expect(await guessWrongly(throttle, 'anna', '192.0.2.1')).toBe(true);
    expect(await guessWrongly(throttle, 'anna', '192.0.2.1')).toBe(false);
  });
});

describe('PRODUCT S5 — guesses', () => {
  const takeMany = async (throttle: Throttle, count: number, account: (index: number) => string, address: string) => {
    let taken = 0;
    for (let index = 0; index < count; index++) {
      if (await guessWrongly(throttle, account(index), address)) taken++;
    }
    return taken;
  };

  it('ten at one account from one address in 15 minutes, then a time to wait', async () => {
    const throttle = open();
    expect(await takeMany(throttle, 20, () => 'anna', '192.0.2.1')).toBe(10);
    now += 5 * 60_000;
    expect(await throttle.take('anna', '192.0.2.1')).toEqual({ retryAfterSeconds: 600 });
    now += 11 * 60_000;
    expect(await takeMany(throttle, 1, () => 'anna', '192.0.2.1')).toBe(1);
  });

  it('another address and another account are free', async () => {
    const throttle = open();
    await takeMany(throttle, 20, () => 'anna', '192.0.2.1');
    expect(await takeMany(throttle, 1, () => 'anna', '192.0.2.2')).toBe(1);
    expect(await takeMany(throttle, 1, () => 'ben', '192.0.2.1')).toBe(1);
  });

  it('a /64 is one address', async () => {
    const throttle = open();
    let taken = 0;
    for (let index = 0; index < 20; index++) {
      if (await guessWrongly(throttle, 'anna', `2001:db8::${index.toString(16)}`)) taken++;
    }
    expect(taken).toBe(10);
  });

  it('a hundred from one address over all accounts', async () => {
    const throttle = open();
    expect(await takeMany(throttle, 150, (index) => `user ${index}`, '192.0.2.1')).toBe(100);
  });

  it('a guess refused for its address does not count for its account', async () => {
    const throttle = open();
    await takeMany(throttle, 100, (index) => `user ${index}`, '192.0.2.1');
    now += 14 * 60_000;
    expect(await takeMany(throttle, 20, () => 'anna', '192.0.2.1')).toBe(0);
    now += 2 * 60_000;
    expect(await takeMany(throttle, 20, () => 'anna', '192.0.2.1')).toBe(10);
  });

  it('one that is given back does not count', async () => {
    const throttle = open();
    for (let index = 0; index < 200; index++) {
      const guess = await throttle.take('anna', '192.0.2.1');
      if ('end' in guess) await guess.end(false);
    }
    expect(await takeMany(throttle, 20, () => 'anna', '192.0.2.1')).toBe(10);
  });

  it('are still counted after a restart, and by another process', async () => {
    const database = openDatabase();
    expect(await takeMany(open(database), 7, () => 'anna', '192.0.2.1')).toBe(7);
    expect(await takeMany(open(database), 7, () => 'anna', '192.0.2.1')).toBe(3);
  });

  it('a clock that was a year ahead for a minute locks nobody out', async () => {
    const throttle = open();
    const then = now;
    now += 365 * 86_400_000;
    await takeMany(throttle, 20, () => 'anna', '192.0.2.1');
    now = then;
    expect(await takeMany(throttle, 20, () => 'anna', '192.0.2.1')).toBe(10);
  });
});

describe('PRODUCT S5 — counts while the disk takes no writes', () => {
  const LIMITS = [
    { points: 2, seconds: 60 },
    { points: 3, seconds: 3600 },
  ];

  it('are those of the store', async () => {
    const counts = new SpareCounts();
    const take = (at: number) => counts.take('a', LIMITS, at);
    expect([await take(0), await take(1000), await take(2000)]).toEqual([0, 0, 58_000]);
    expect([await take(60_000), await take(61_000)]).toEqual([0, 3_539_000]);
    await counts.giveBack('a');
    expect([await take(61_000), await take(61_000)]).toEqual([0, 3_539_000]);
    expect(await counts.take('another', LIMITS, 0)).toBe(0);
    await counts.giveBack('never taken');
  });

  it('of a clock that was ahead begin again', async () => {
    const counts = new SpareCounts();
    const ahead = 365 * 86_400_000;
    for (let count = 0; count < 3; count++) await counts.take('a', LIMITS, ahead);
    expect(await counts.take('a', LIMITS, 0)).toBe(0);
  });
});
