import { expect, test } from 'vitest';
import { paced } from '../../src/engines/paced.js';

test('work is shared while it runs, its answer holds for the time, and then it runs again', async () => {
  let runs = 0;
  const failures: Error[] = [];
  const work = async () => {
    runs++;
    const failure = failures.pop();
    if (failure) throw failure;
  };
  const slow = paced(work, 60_000);
  await Promise.all([slow(), slow()]);
  await slow();
  expect(runs).toBe(1);
  const quick = paced(work, 0);
  failures.push(new Error('once'));
  await expect(quick()).rejects.toThrow('once');
  await quick();
  await quick();
  expect(runs).toBe(4);
});
