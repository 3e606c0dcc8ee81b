import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addressBlock } from '../../src/accounts/address-block.js';
import { Throttle } from '../../src/accounts/throttle.js';

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

describe('PRODUCT S5 — guesses', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const takeMany = async (throttle: Throttle, count: number, account: (index: number) => string, address: string) => {
    let taken = 0;
    for (let index = 0; index < count; index++) {
      if ('giveBack' in (await throttle.take(account(index), address))) taken++;
    }
    return taken;
  };

  it('ten at one account from one address in 15 minutes, then a time to wait', async () => {
    const throttle = new Throttle();
    expect(await takeMany(throttle, 20, () => 'anna', '192.0.2.1')).toBe(10);
    vi.advanceTimersByTime(5 * 60_000);
    expect(await throttle.take('anna', '192.0.2.1')).toEqual({ retryAfterSeconds: 600 });
    vi.advanceTimersByTime(11 * 60_000);
    expect(await takeMany(throttle, 1, () => 'anna', '192.0.2.1')).toBe(1);
  });

  it('another address and another account are free', async () => {
    const throttle = new Throttle();
    await takeMany(throttle, 20, () => 'anna', '192.0.2.1');
    expect(await takeMany(throttle, 1, () => 'anna', '192.0.2.2')).toBe(1);
    expect(await takeMany(throttle, 1, () => 'ben', '192.0.2.1')).toBe(1);
  });

  it('a /64 is one address', async () => {
    const throttle = new Throttle();
    let taken = 0;
    for (let index = 0; index < 20; index++) {
      if ('giveBack' in (await throttle.take('anna', `2001:db8::${index.toString(16)}`))) taken++;
    }
    expect(taken).toBe(10);
  });

  it('a hundred from one address over all accounts', async () => {
    const throttle = new Throttle();
    expect(await takeMany(throttle, 150, (index) => `user ${index}`, '192.0.2.1')).toBe(100);
  });

  it('a guess refused for its address does not count for its account', async () => {
    const throttle = new Throttle();
    await takeMany(throttle, 100, (index) => `user ${index}`, '192.0.2.1');
    vi.advanceTimersByTime(14 * 60_000);
    expect(await takeMany(throttle, 20, () => 'anna', '192.0.2.1')).toBe(0);
    vi.advanceTimersByTime(2 * 60_000);
    expect(await takeMany(throttle, 20, () => 'anna', '192.0.2.1')).toBe(10);
  });

  it('one that is given back does not count', async () => {
    const throttle = new Throttle();
    for (let index = 0; index < 200; index++) {
      const guess = await throttle.take('anna', '192.0.2.1');
      if ('giveBack' in guess) await guess.giveBack();
    }
    expect(await takeMany(throttle, 20, () => 'anna', '192.0.2.1')).toBe(10);
  });
});
