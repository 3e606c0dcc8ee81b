import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Actor, Audit } from '../../src/accounts/audit.js';
import { isCsrfToken, Sessions } from '../../src/accounts/sessions.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import type { UserRow } from '../../src/stores/account-store.js';
import type { MetadataStore } from '../../src/stores/metadata-store.js';
import { singleCalls } from '../support/single-calls.js';
import { MIGRATIONS } from '../support/sqlite-file.js';

const MINUTE = 60_000;
const ADDRESS = '192.0.2.1';

let now: number;
let database: SqliteDatabase;
let metadata: MetadataStore;
let sessions: Sessions;
let anna: UserRow;

beforeEach(async () => {
  now = 1_800_000_000_000;
  database = SqliteDatabase.open(':memory:', MIGRATIONS);
  onTestFinished(() => database.close());
  metadata = new SqlMetadataStore(database);
  anna = await singleCalls(metadata).accounts.createUser(
    { email: 'anna@x', name: 'Anna', passwordHash: 'hash', isAdmin: false },
    now,
  );
  sessions = new Sessions(metadata, new Audit(metadata), {
    idleMinutes: 60,
    longestHours: 24,
    freshMinutes: 15,
    now: () => now,
  });
});

const actorAt = (client: string): Actor => ({ name: 'anna@x', remoteAddress: ADDRESS, client });
const begin = (client: string) => sessions.begin(anna, null, actorAt(client));

async function turnOnSecondFactor(): Promise<void> {
  const { security } = singleCalls(metadata);
  await security.putPendingTotp(anna.id, 'sealed', now);
  expect(await security.confirmTotp(anna.id, 1, [], now)).toBe(true);
}

describe('sessions', () => {
  test('end after an idle time, and after the longest one whatever happens', async () => {
    const idle = await begin('Firefox');
    now += 59 * MINUTE;
    expect(await sessions.find(idle, ADDRESS)).not.toBeNull();
    now += 59 * MINUTE;
    expect(await sessions.find(idle, ADDRESS)).not.toBeNull();
    now += 61 * MINUTE;
    expect(await sessions.find(idle, ADDRESS)).toBeNull();
    const busy = await begin('Firefox');
    for (let half = 1; half < 48; half++) {
      now += 30 * MINUTE;
      expect(await sessions.find(busy, ADDRESS)).not.toBeNull();
    }
    now += 30 * MINUTE;
    expect(await sessions.find(busy, ADDRESS)).toBeNull();
  });

  test('with a second factor on they take nothing but that, for ten minutes', async () => {
    await turnOnSecondFactor();
    const token = await begin('Firefox');
    const open = (await sessions.find(token, ADDRESS))!;
    expect([open.session.stage, open.isFresh]).toEqual(['second-step', false]);
    const full = (await sessions.renew(open.session, { passwordVersion: anna.passwordVersion }))!;
    expect(await sessions.find(token, ADDRESS)).toBeNull();
    expect((await sessions.find(full, ADDRESS))!.session.stage).toBe('full');
    const late = await begin('Firefox');
    now += 11 * MINUTE;
    expect(await sessions.find(late, ADDRESS)).toBeNull();
  });

  test('who proved who they are lately may do what an administrator does; proving it again gives another token', async () => {
    const token = await begin('Firefox');
    expect((await sessions.find(token, ADDRESS))!.isFresh).toBe(true);
    now += 16 * MINUTE;
    const open = (await sessions.find(token, ADDRESS))!;
    expect(open.isFresh).toBe(false);
    const renewed = (await sessions.renew(open.session, { passwordVersion: anna.passwordVersion }))!;
    expect(renewed).not.toBe(token);
    const fresh = (await sessions.find(renewed, ADDRESS))!;
    expect([fresh.isFresh, fresh.session.id]).toEqual([true, open.session.id]);
    expect(await sessions.find(token, ADDRESS)).toBeNull();
  });

  test('another token for less than a whole proof makes no session fresh, and keeps it from being idle', async () => {
    const token = await begin('Firefox');
    now += 50 * MINUTE;
    const open = (await sessions.find(token, ADDRESS))!;
    const renewed = (await sessions.renew(open.session, { passwordVersion: anna.passwordVersion, isWhole: false }))!;
    now += 50 * MINUTE;
    expect((await sessions.find(renewed, ADDRESS))!.isFresh).toBe(false);
  });

  test('those that were idle for too long are not listed', async () => {
    await begin('Firefox');
    now += 40 * MINUTE;
    await begin('Chromium');
    now += 40 * MINUTE;
    expect((await sessions.list(anna.id)).map(({ client }) => client)).toEqual(['Chromium']);
  });

  test('the token itself is stored nowhere', async () => {
    const token = await begin('Firefox');
    const rows = await database.readOne((connection) => connection.all<object>('SELECT * FROM session', []));
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(rows).toHaveLength(1);
  });

  test('each has its own token against forgery', async () => {
    const open = async () => (await sessions.find(await begin('Firefox'), ADDRESS))!;
    const [one, other] = [await open(), await open()];
    expect(isCsrfToken(one, one.csrfToken)).toBe(true);
    for (const wrong of [other.csrfToken, '', undefined, `${one.csrfToken}x`]) {
      expect(isCsrfToken(one, wrong)).toBe(false);
    }
  });

  test('can be listed and ended, one or all others', async () => {
    const tokens = [];
    for (const client of ['Firefox', 'Chromium', 'Safari']) tokens.push(await begin(client));
    const own = (await sessions.find(tokens[0]!, ADDRESS))!;
    expect((await sessions.list(anna.id)).map(({ client }) => client).sort()).toEqual([
      'Chromium',
      'Firefox',
      'Safari',
    ]);
    const other = (await sessions.find(tokens[1]!, ADDRESS))!;
    expect(await sessions.end(anna.id, other.session.id, actorAt('Firefox'))).toBe(true);
    expect(await sessions.find(tokens[1]!, ADDRESS)).toBeNull();
    await sessions.endOthers(own.session, actorAt('Firefox'));
    const [record] = await singleCalls(metadata).security.audit({ kind: 'session-ended' }, null, 1);
    expect(record!.details).toEqual({ all: 1 });
    expect(await sessions.find(tokens[0]!, ADDRESS)).not.toBeNull();
    expect(await sessions.find(tokens[2]!, ADDRESS)).toBeNull();
  });
});
