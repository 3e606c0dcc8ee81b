import { describe, expect, test } from 'vitest';
import { Turns } from '../../src/drive/turns.js';

/** Numbers the turns of the event loop while work runs. */
async function ticking<T>(work: (turn: () => number) => Promise<T>): Promise<T> {
  let turn = 0;
  let isOver = false;
  const tick = () => {
    turn++;
    if (!isOver) setImmediate(tick);
  };
  setImmediate(tick);
  try {
    return await work(() => turn);
  } finally {
    isOver = true;
  }
}

const keepBusy = (milliseconds: number) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

describe('faults B1 — turns', () => {
  test('of many that do long work one goes on in a turn of the loop, each in its order', async () => {
    const turns = new Turns();
    const steps: { who: number; turn: number }[] = [];
    await ticking(async (turn) => {
      const work = async (who: number) => {
        for (let step = 0; step < 5; step++) {
          await turns.next();
          steps.push({ who, turn: turn() });
        }
      };
      await Promise.all([work(0), work(1), work(2)]);
    });
    expect(steps.map(({ who }) => who)).toEqual(Array.from({ length: 15 }, (_, index) => index % 3));
    expect(new Set(steps.map(({ turn }) => turn)).size).toBe(15);
  });

  test('the first step of a request that comes alone waits for nothing', async () => {
    const turns = new Turns();
    await ticking(async (turn) => {
      const before = turn();
      await turns.enter();
      expect(turn()).toBe(before);
    });
  });

  test('of first steps that come together four share a turn, the others go on one by one', async () => {
    const turns = new Turns();
    const seen = await ticking((turn) => Promise.all(Array.from({ length: 10 }, () => turns.enter().then(turn))));
    expect(seen.slice(0, 4)).toEqual([seen[0], seen[0], seen[0], seen[0]]);
    expect(new Set(seen).size).toBe(7);
  });

  test('a first step waits where the turn has worked for some milliseconds already', async () => {
    const turns = new Turns();
    await ticking(async (turn) => {
      await turns.enter();
      const before = turn();
      keepBusy(6);
      await turns.enter();
      expect(turn()).toBeGreaterThan(before);
    });
  });

  test('first steps come after those that wait already', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const going = turns.next().then(() => order.push('goes on'));
    await turns.enter();
    order.push('enters');
    await going;
    expect(order).toEqual(['goes on', 'enters']);
  });
});
