import { expect, it } from 'vitest';
import { RecentMap } from '../../src/accounts/recent-map.js';

const MINUTE = 60_000;
const NOW = 1_800_000_000_000;

it('faults E3 — forgets what was known while the clock was ahead, when it is right again', () => {
  const map = new RecentMap<string>(9, MINUTE);
  map.set('a', 'wrong', NOW + 365 * 24 * 60 * MINUTE);
  expect(map.get('a', NOW, false)).toBeUndefined();
  map.set('a', 'wrong', NOW);
  expect(map.get('a', NOW - 5, false)).toBe('wrong');
  expect(map.get('a', NOW + MINUTE, false)).toBe('wrong');
  expect(map.get('a', NOW + MINUTE + 1, false)).toBeUndefined();
});
