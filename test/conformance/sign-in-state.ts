import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoginFlowRow } from '../../src/stores/login-flow-store.js';
import type { DriveId } from '../../src/stores/values.js';
import { NOW, type OpenEngine, World } from './metadata-fixture.js';

const LIMITS = [
  { points: 2, seconds: 60 },
  { points: 3, seconds: 3600 },
];
const FLOW: LoginFlowRow = {
  key: 'key',
  pollKey: 'poll key',
  client: 'Nextcloud',
  remoteAddress: '192.0.2.1',
  network: '192.0.2.1',
  address: 'https://example.org',
  driveId: null,
  isWebView: false,
  startedAt: NOW,
  seenAt: NOW,
  person: null,
  stepKey: null,
  grantKey: null,
  grantedDriveId: null,
};

/** What is under way while somebody signs in. */
export function signInStateSuite(open: OpenEngine): void {
  let world: World;
  beforeEach(async () => {
    world = await World.open(open);
  });
  afterEach(async () => {
    await world.engine.close();
  });

  describe('ThrottleStore', () => {
    const take = (now: number, counter = 'a') => world.write(({ throttle }) => throttle.take(counter, LIMITS, now));

    it('take — counts under each limit, and says how long the longest one that is used up lasts', async () => {
      expect([await take(NOW), await take(NOW + 1000)]).toEqual([0, 0]);
      expect(await take(NOW + 2000)).toBe(58_000);
      expect(await take(NOW + 60_000)).toBe(0);
      expect(await take(NOW + 61_000)).toBe(3_539_000);
      expect(await take(NOW, 'another')).toBe(0);
    });

    it('take — what is refused does not count, under no limit', async () => {
      for (let count = 0; count < 5; count++) await take(NOW);
      expect(await take(NOW + 60_000)).toBe(0);
      expect(await take(NOW + 60_000)).not.toBe(0);
    });

    it('giveBack — frees a place under each limit; forget frees all', async () => {
      for (let count = 0; count < 2; count++) await take(NOW);
      await world.write(({ throttle }) => throttle.giveBack('a'));
      expect([await take(NOW), await take(NOW)]).toEqual([0, 60_000]);
      await world.write(({ throttle }) => throttle.forget('a'));
      expect([await take(NOW), await take(NOW)]).toEqual([0, 0]);
      await world.write(({ throttle }) => throttle.giveBack('never taken'));
    });

    it('take — who comes by a clock that is a little behind counts with those before', async () => {
      expect([await take(NOW + 20_000), await take(NOW)]).toEqual([0, 0]);
      expect([await take(NOW + 1), await take(NOW + 20_001)]).toEqual([79_999, 59_999]);
    });

    it('take — a count of a clock that was ahead begins again', async () => {
      const ahead = NOW + 365 * 86_400_000;
      for (let count = 0; count < 3; count++) await take(ahead);
      expect([await take(NOW), await take(NOW), await take(NOW)]).toEqual([0, 0, 60_000]);
    });

    it('removeEnded — leaves what still counts', async () => {
      for (let count = 0; count < 2; count++) await take(NOW);
      await world.write(({ throttle }) => throttle.removeEnded(NOW + 59_999));
      expect(await take(NOW + 59_999)).toBe(1);
      await world.write(({ throttle }) => throttle.removeEnded(NOW + 60_000));
      expect([await take(NOW + 60_000), await take(NOW + 60_000)]).toEqual([0, 3_540_000]);
    });
  });

  describe('LoginFlowStore', () => {
    const insert = (change: Partial<LoginFlowRow> = {}) =>
      world.write(({ loginFlows }) => loginFlows.insert({ ...FLOW, ...change }));
    const find = (key = FLOW.key) => world.read(({ loginFlows }) => loginFlows.find(key));

    it('insert, find — by either key; null for what is not there', async () => {
      await insert({ driveId: 7 as DriveId, isWebView: true });
      const row = { ...FLOW, driveId: 7, isWebView: true };
      expect(await find()).toEqual(row);
      expect(await world.read(({ loginFlows }) => loginFlows.findByPollKey('poll key'))).toEqual(row);
      expect([await find('poll key'), await find('none')]).toEqual([null, null]);
    });

    it('update — what is given, and nothing else; of none that is gone', async () => {
      await insert();
      const person = { userId: world.anna.userId, email: 'anna@x', passwordVersion: 3, hasSecondFactor: true };
      await world.write(({ loginFlows }) => loginFlows.update('key', { person, stepKey: 'step' }));
      await world.write(({ loginFlows }) =>
        loginFlows.update('key', { grantKey: 'grant', stepKey: null, seenAt: NOW + 1 }),
      );
      expect(await find()).toEqual({ ...FLOW, person, grantKey: 'grant', seenAt: NOW + 1 });
      await world.write(({ loginFlows }) => loginFlows.update('gone', { grantKey: 'x' }));
      expect(await find('gone')).toBeNull();
    });

    it('remove — true once', async () => {
      await insert();
      const remove = () => world.write(({ loginFlows }) => loginFlows.remove('key'));
      expect([await remove(), await remove(), await find()]).toEqual([true, false, null]);
    });

    it('count, removeAbandoned — of one network or of all, the oldest first', async () => {
      const flows = [
        { key: 'a', network: '192.0.2.1', startedAt: NOW, seenAt: NOW + 9 },
        { key: 'b', network: '192.0.2.1', startedAt: NOW + 1, seenAt: NOW + 1 },
        { key: 'c', network: '198.51.100.1', startedAt: NOW + 2, seenAt: NOW + 2 },
      ];
      for (const flow of flows) await insert({ ...flow, pollKey: `poll ${flow.key}` });
      const count = (network: string | null) => world.read(({ loginFlows }) => loginFlows.count(network));
      expect([await count('192.0.2.1'), await count('203.0.113.1'), await count(null)]).toEqual([2, 0, 3]);
      const abandon = (network: string | null, before: number) =>
        world.write(({ loginFlows }) => loginFlows.removeAbandoned(network, before));
      expect(await abandon('192.0.2.1', NOW)).toBe(false);
      expect([await abandon('192.0.2.1', NOW + 5), await find('b')]).toEqual([true, null]);
      expect([await abandon(null, NOW + 5), await find('c')]).toEqual([true, null]);
      expect([await abandon(null, NOW + 5), await count(null)]).toEqual([false, 1]);
    });

    it('removeOutside — what started too early, or in a future that a wrong clock made', async () => {
      for (const startedAt of [NOW, NOW + 10, NOW + 20]) {
        await insert({ key: `${startedAt}`, pollKey: `${startedAt}`, startedAt });
      }
      await world.write(({ loginFlows }) => loginFlows.removeOutside(NOW + 5, NOW + 15));
      expect(await Promise.all([NOW, NOW + 10, NOW + 20].map(async (at) => (await find(`${at}`)) !== null))).toEqual([
        false,
        true,
        false,
      ]);
    });
  });
}
