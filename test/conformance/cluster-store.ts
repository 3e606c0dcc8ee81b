import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqlClusterStore } from '../../src/engines/sql/sql-cluster-store.js';
import type { SqlConnection, SqlDatabase } from '../../src/engines/sql/sql-database.js';
import type { ClusterStore, ServerId } from '../../src/stores/cluster-store.js';

const DAY_MS = 86_400_000;
const serverOf = (id: string, name = id) => ({ id: id as ServerId, name, version: '1.0.0' });

/** The contract of `ClusterStore`, clause by clause, for one database. */
export function clusterStoreSuite(name: string, open: () => Promise<SqlDatabase>): void {
  describe(`ClusterStore on ${name}`, () => {
    let database: SqlDatabase;
    let cluster: ClusterStore;
    beforeEach(async () => {
      database = await open();
      cluster = new SqlClusterStore(database);
      await change('UPDATE storage_id SET key_mac = NULL');
    });
    afterEach(() => database.close());

    const change = (sql: string) => database.write((connection: SqlConnection) => connection.run(sql, []));
    const names = async () => (await cluster.servers()).map((server) => server.name).sort();
    /** As if nothing had been heard of anybody for so long. */
    const age = (ms: number) =>
      change(
        `UPDATE cluster_node SET started_at = started_at - ${ms}, seen_at = seen_at - ${ms}, left_at = left_at - ${ms}`,
      );

    it('time — is that of the machine, in milliseconds', async () => {
      const before = Date.now();
      const time = await cluster.time();
      expect(Number.isInteger(time)).toBe(true);
      expect(time).toBeGreaterThanOrEqual(before - 1);
      expect(time).toBeLessThanOrEqual(Date.now());
    });

    it('join — notes who came and when, by the clock of the database', async () => {
      const before = await cluster.time();
      expect(await cluster.join(serverOf('a'), 0)).toBeNull();
      await age(1000);
      expect(await cluster.join(serverOf('b'), 0)).toBeNull();
      const [first, second] = await cluster.servers();
      expect(first).toMatchObject({ ...serverOf('a'), leftAt: null, trouble: null });
      // The clock may be looked at once for each.
      expect(first!.seenAt - first!.startedAt).toBeLessThan(100);
      expect(first!.startedAt).toBeGreaterThanOrEqual(before - 1000 - 1);
      expect(second!.name).toBe('b');
    });

    it('join — a name that a server has is that one’s until it leaves, or was not seen since a time', async () => {
      await cluster.join(serverOf('one', 'a'), 0);
      const [known] = await cluster.servers();
      expect(await cluster.join(serverOf('two', 'a'), known!.seenAt)).toEqual(known);
      expect(await names()).toEqual(['a']);
      expect(await cluster.join(serverOf('two', 'a'), known!.seenAt + 1)).toBeNull();
      expect(await cluster.renew('one' as ServerId, null)).toBe(false);
      expect(await cluster.renew('two' as ServerId, null)).toBe(true);
      await cluster.leave('two' as ServerId);
      expect(await cluster.join(serverOf('three', 'a'), 0)).toBeNull();
    });

    it('join — of two that come with one name at once, one is noted', async () => {
      const joined = await Promise.all(['one', 'two', 'three'].map((id) => cluster.join(serverOf(id, 'a'), 0)));
      expect(joined.filter((other) => other === null)).toHaveLength(1);
      expect(await names()).toEqual(['a']);
    });

    it('join — forgets who ended a day ago, left or not', async () => {
      await cluster.join(serverOf('left'), 0);
      await cluster.leave('left' as ServerId);
      await cluster.join(serverOf('killed'), 0);
      await age(DAY_MS - 60_000);
      await cluster.join(serverOf('now'), 0);
      expect(await names()).toEqual(['killed', 'left', 'now']);
      await age(120_000);
      await cluster.renew('now' as ServerId, null);
      await cluster.join(serverOf('later'), 0);
      expect(await names()).toEqual(['later', 'now']);
    });

    it('renew — says that a server lives, and what fails for it', async () => {
      await cluster.join(serverOf('a'), 0);
      await age(60_000);
      const [before] = await cluster.servers();
      expect(await cluster.renew('a' as ServerId, 'the object storage fails')).toBe(true);
      const [after] = await cluster.servers();
      expect(after!.seenAt).toBeGreaterThanOrEqual(before!.seenAt + 60_000);
      expect(after).toMatchObject({ startedAt: before!.startedAt, trouble: 'the object storage fails' });
      await cluster.renew('a' as ServerId, null);
      expect((await cluster.servers())[0]!.trouble).toBeNull();
    });

    it('leave — ends it at its time, once', async () => {
      await cluster.join(serverOf('a'), 0);
      await cluster.leave('a' as ServerId);
      const [left] = await cluster.servers();
      expect(left!.leftAt).toBeGreaterThanOrEqual(left!.startedAt);
      await cluster.leave('a' as ServerId);
      expect(await cluster.renew('a' as ServerId, null)).toBe(false);
      expect(await cluster.servers()).toEqual([left]);
    });

    it('claimKey — the first mark stays, and another is refused', async () => {
      expect(await Promise.all(['mark', 'mark'].map((mac) => cluster.claimKey(mac)))).toEqual([true, true]);
      expect(await cluster.claimKey('another')).toBe(false);
      expect(await cluster.claimKey('mark')).toBe(true);
    });
  });
}
