import { expect, test } from 'vitest';
import { DatabaseTime } from '../../src/engines/postgres/database-time.js';

/** A machine and a database with clocks of their own; a question takes the trips in turn, in milliseconds, half of each there. */
function makeClocks(trips: readonly number[], { database = 1_000_000, wall = 1_000_000 } = {}) {
  let passed = 0;
  let asked = 0;
  const clocks = {
    databaseNow: () => database + passed,
    setWall: (ms: number) => {
      wall += ms;
    },
    setDatabase: (ms: number) => {
      database += ms;
    },
    pass: (ms: number) => {
      passed += ms;
    },
  };
  const ask = async () => {
    const trip = trips[asked++ % trips.length]!;
    clocks.pass(trip / 2);
    const time = clocks.databaseNow();
    clocks.pass(trip / 2);
    return time;
  };
  const time = new DatabaseTime({ ask, passed: () => passed, wall: () => wall + passed });
  return { ...clocks, time };
}

test('decision 0026 — the time is the database’s, and goes on between two measurements', async () => {
  const { time, databaseNow, pass } = makeClocks([4], { wall: 1_000_000 + 90_000 });
  await time.measure();
  expect(time.now()).toBe(databaseNow());
  expect(time.aheadMs()).toBe(90_000);
  pass(7_000);
  expect(time.now()).toBe(databaseNow());
});

test('decision 0026 — a machine’s clock that is set changes nothing; it shows', async () => {
  const { time, databaseNow, setWall } = makeClocks([4]);
  await time.measure();
  setWall(-20_000);
  expect(time.now()).toBe(databaseNow());
  expect(time.aheadMs()).toBe(-20_000);
});

test('decision 0026 — the answer that comes fastest counts; a database whose clock is set is followed at the next measurement', async () => {
  // On the slow ones the way there and the way back differ, which nobody can know.
  const trips = [900, 400, 2, 300, 800];
  let [passed, asked] = [0, 0];
  const ask = async () => {
    const trip = trips[asked++ % trips.length]!;
    const time = 5_000_000 + passed + trip * (trip > 2 ? 0.9 : 0.5);
    passed += trip;
    return time;
  };
  const time = new DatabaseTime({ ask, passed: () => passed, wall: () => passed });
  await time.measure();
  expect(time.now()).toBe(5_000_000 + passed);
  const other = makeClocks([4]);
  await other.time.measure();
  other.setDatabase(-3_000);
  await other.time.measure();
  expect(other.time.now()).toBe(other.databaseNow());
});

test('decision 0026 — before it was asked, and while it does not answer, the time goes on', async () => {
  let passed = 0;
  const time = new DatabaseTime({
    ask: async () => Promise.reject(new Error('silent')),
    passed: () => passed,
    wall: () => 9_000,
  });
  await expect(time.start()).rejects.toThrow('silent');
  passed = 500;
  expect(time.now()).toBe(9_500);
  time.stop();
});
