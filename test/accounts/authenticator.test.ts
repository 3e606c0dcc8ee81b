import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Audit } from '../../src/accounts/audit.js';
import { Authenticator } from '../../src/accounts/authenticator.js';
import { PasswordsBusyError } from '../../src/accounts/passwords.js';
import { SecretBox } from '../../src/accounts/secret-box.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import type { DriveId } from '../../src/stores/values.js';
import { KEY_BOX, throttleOn } from '../support/guess-throttle.js';
import { storesOf } from '../support/stores.js';
import { ADDRESS, ANNA, MIGRATIONS, openBench, PASSWORD } from './bench.js';

type Bench = Awaited<ReturnType<typeof openBench>>;

const MINUTE = 60_000;

describe('PRODUCT S1 — user name and password', () => {
  it.each([ANNA, 'ANNA@Example.org', 'WORKGROUP\\anna@example.org', 'A\\B\\anna@example.org'])(
    '%s with the account password is let in',
    async (user) => {
      const bench = await openBench();
      const answer = await bench.signIn(PASSWORD, { user });
      expect(answer).toMatchObject({
        kind: 'granted',
        credential: { kind: 'account', userId: bench.user.id },
        membership: { driveId: bench.drive.id, email: ANNA, role: 'manager', allowance: 'full' },
      });
    },
  );

  it('a wrong password is refused with a plain sentence', async () => {
    const bench = await openBench();
    const answer = await bench.signIn('wrong');
    expect(answer).toEqual({ kind: 'refused', reason: 'wrong', message: expect.stringMatching(/^The .* wrong\.$/) });
  });

  it('an unknown user gets the same answer as a wrong password, at the same cost', async () => {
    const bench = await openBench();
    await bench.accounts.setPassword(ANNA, 'another good one');
    const unknown = await bench.counting(() => bench.signIn('wrong', { user: 'nobody@example.org' }));
    const wrong = await bench.counting(() => bench.signIn('wrong'));
    const unused = await bench.counting(() => bench.signIn('abcd-efgh-jkmn-pqrs-tvwx-yz01'));
    expect(wrong).toEqual(unknown);
    expect(unused).toEqual(unknown);
    expect(unknown.runs).toBeGreaterThan(0);
  });

  it('a disabled user is told so, only with the right password, and is let in again when enabled', async () => {
    const bench = await openBench();
    const { secret } = await bench.makeAppPassword();
    await bench.signIn(PASSWORD);
    await bench.accounts.setDisabled(ANNA, true);
    expect(await bench.signIn(secret)).toMatchObject({ kind: 'refused', reason: 'disabled' });
    expect(await bench.signIn(PASSWORD)).toMatchObject({ kind: 'refused', reason: 'disabled' });
    expect(await bench.signIn('wrong')).toMatchObject({ kind: 'refused', reason: 'wrong' });
    await bench.accounts.setDisabled(ANNA, false);
    expect(await bench.signIn(secret)).toMatchObject({ kind: 'granted' });
    expect(await bench.signIn(PASSWORD)).toMatchObject({ kind: 'granted' });
  });

  it('PRODUCT A3 — a drive that is not there, or not theirs, is no-drive', async () => {
    const bench = await openBench();
    await bench.accounts.createUser({ email: 'ben@x', name: null, password: PASSWORD, isAdmin: false });
    expect(await bench.signIn(PASSWORD, { user: 'ben@x' })).toEqual({ kind: 'no-drive' });
    expect(await bench.signIn(PASSWORD, { driveId: 999_999_999 as DriveId })).toEqual({ kind: 'no-drive' });
  });
});

describe('PRODUCT S2 — app passwords', () => {
  it('what was noted of their use is written when the authenticator is closed, also while it was being written', async () => {
    const bench = await openBench();
    const { secret } = await bench.makeAppPassword();
    const old = await bench.makeAppPassword();
    await bench.accounts.revokeAppPassword(ANNA, old.row.id);
    await bench.signIn(secret);
    await bench.signIn(old.secret);
    void bench.authenticator.flush();
    await bench.authenticator.close();
    const [used, revoked] = await bench.accounts.appPasswords(ANNA);
    expect([used?.lastUsedAt, revoked?.refusedAt]).toEqual([expect.any(Number), expect.any(Number)]);
  });

  it('one is let in as the user types it, with its limits', async () => {
    const bench = await openBench();
    const { secret, row } = await bench.makeAppPassword({ allowance: 'read-only' });
    for (const password of [secret, secret.toUpperCase(), secret.replaceAll('-', '')]) {
      const answer = await bench.signIn(password);
      expect(answer).toMatchObject({ kind: 'granted', credential: { kind: 'app', id: row.id } });
      expect(answer).toMatchObject({ membership: { allowance: 'read-only' } });
    }
  });

  it('one of another drive is no-drive, one of another user is wrong', async () => {
    const bench = await openBench();
    const other = await bench.accounts.createDrive({
      id: null,
      name: 'Other',
      ownerEmail: ANNA,
      quotaBytes: null,
      uploadMaxBytes: null,
    });
    await bench.accounts.createUser({ email: 'ben@x', name: null, password: PASSWORD, isAdmin: false });
    const { secret } = await bench.makeAppPassword({ driveId: other.id });
    expect(await bench.signIn(secret)).toEqual({ kind: 'no-drive' });
    expect(await bench.signIn(secret, { driveId: other.id })).toMatchObject({ kind: 'granted' });
    const stolen = await bench.counting(() => bench.signIn(secret, { user: 'ben@x', driveId: other.id }));
    expect(stolen).toEqual(await bench.counting(() => bench.signIn('wrong', { user: 'ben@x' })));
    expect(stolen.answer).toMatchObject({ reason: 'wrong' });
  });

  it('a revoked one is refused from the next request on, also when another process revoked it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'firn-revoke-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const bench = await openBench(join(folder, 'firn.db'));
    const { secret, row } = await bench.makeAppPassword();
    expect(await bench.signIn(secret)).toMatchObject({ kind: 'granted' });
    const beside = SqliteDatabase.open(join(folder, 'firn.db'), MIGRATIONS);
    onTestFinished(() => beside.close());
    await storesOf(beside).accounts.revokeAppPassword(bench.user.id, row.id, bench.clock.now);
    expect(await bench.signIn(secret)).toEqual({
      kind: 'refused',
      reason: 'revoked',
      message: 'This app password was revoked. Make a new one.',
    });
  });

  it('an expired one is refused, and says so', async () => {
    const bench = await openBench();
    const { secret } = await bench.makeAppPassword({ expiresAt: bench.clock.now + MINUTE });
    expect(await bench.signIn(secret)).toMatchObject({ kind: 'granted' });
    bench.clock.now += MINUTE;
    expect(await bench.signIn(secret)).toMatchObject({ kind: 'refused', reason: 'expired' });
  });

  it('last use and last client are written by flush, not by the request', async () => {
    const bench = await openBench();
    const { secret } = await bench.makeAppPassword();
    await bench.signIn(secret, { client: 'rclone/1.60' });
    bench.clock.now += 5;
    await bench.signIn(secret, { client: 'rclone/1.61'.padEnd(5_000, 'x') });
    expect((await bench.accounts.appPasswords(ANNA))[0]).toMatchObject({ lastUsedAt: null });
    await bench.authenticator.flush();
    const [row] = await bench.accounts.appPasswords(ANNA);
    expect(row).toMatchObject({
      lastUsedAt: bench.clock.now,
      lastClient: expect.stringMatching(/^rclone\/1\.61x{189}$/),
    });
  });

  it('close writes what was not flushed', async () => {
    const bench = await openBench();
    const { secret } = await bench.makeAppPassword();
    await bench.signIn(secret);
    await bench.authenticator.close();
    expect((await bench.accounts.appPasswords(ANNA))[0]).toMatchObject({ lastUsedAt: bench.clock.now });
    expect(bench.errors).toEqual([]);
  });
});

describe('PRODUCT S5 — guessing', () => {
  const guess = (bench: Awaited<ReturnType<typeof openBench>>, count: number, address?: string) =>
    Promise.all(Array.from({ length: count }, (_, index) => bench.signIn(`wrong ${index}`, { address })));

  it('is throttled after ten wrong passwords, also at the same time, without running argon2', async () => {
    const bench = await openBench();
    const answers = await guess(bench, 12);
    expect(answers.filter((answer) => answer.kind === 'refused')).toHaveLength(10);
    const throttled = await bench.counting(() => bench.signIn('wrong again'));
    expect(throttled).toEqual({ answer: { kind: 'throttled', retryAfterSeconds: expect.any(Number) }, runs: 0 });
  });

  it('locks nobody out: another address, and a device that was let in before, go on', async () => {
    const bench = await openBench();
    await bench.signIn(PASSWORD);
    await guess(bench, 12);
    expect(await bench.signIn(PASSWORD)).toMatchObject({ kind: 'granted' });
    const { secret } = await bench.makeAppPassword();
    expect(await bench.signIn(secret, { address: '198.51.100.7' })).toMatchObject({ kind: 'granted' });
  });

  it('the same wrong password again counts once and costs no argon2', async () => {
    const bench = await openBench();
    await bench.signIn('wrong');
    const again = await bench.counting(async () => {
      for (let count = 0; count < 50; count++) await bench.signIn('wrong');
      return bench.signIn('wrong');
    });
    expect(again).toMatchObject({ answer: { kind: 'refused', reason: 'wrong' }, runs: 0 });
    expect(await bench.signIn(PASSWORD)).toMatchObject({ kind: 'granted' });
  });

  it('right passwords never count', async () => {
    const bench = await openBench();
    for (let count = 0; count < 15; count++) {
      const { secret } = await bench.makeAppPassword();
      expect(await bench.signIn(secret)).toMatchObject({ kind: 'granted' });
    }
    expect(await guess(bench, 10)).not.toContainEqual(expect.objectContaining({ kind: 'throttled' }));
  });

  it('former account passwords do not count, say so, and the owner sees which device', async () => {
    const bench = await openBench();
    await bench.signIn(PASSWORD);
    const passwords = [PASSWORD, 'second good one', 'third good one', 'fourth good one'];
    for (const password of passwords.slice(1)) await bench.accounts.setPassword(ANNA, password);
    for (const password of passwords.slice(0, 3)) {
      expect(await bench.signIn(password, { client: 'old phone' })).toMatchObject({
        kind: 'refused',
        reason: 'former',
      });
    }
    expect(await bench.counting(() => bench.signIn(PASSWORD, { client: 'old phone' }))).toMatchObject({ runs: 0 });
    await bench.authenticator.flush();
    expect(await bench.accounts.readUser(ANNA)).toMatchObject({
      refusedAt: bench.clock.now,
      refusedClient: 'old phone',
    });
    const answers = await guess(bench, 11);
    expect(answers.filter((answer) => answer.kind === 'refused')).toHaveLength(10);
  });

  it('a revoked app password does not count, costs argon2 once, and the owner sees which device', async () => {
    const bench = await openBench();
    const { secret, row } = await bench.makeAppPassword();
    await bench.accounts.revokeAppPassword(ANNA, row.id);
    const first = await bench.counting(() => bench.signIn(secret, { client: 'old NAS' }));
    expect(first).toMatchObject({ answer: { reason: 'revoked' }, runs: 1 });
    const again = await bench.counting(() => bench.signIn(secret, { client: 'old NAS' }));
    expect(again).toMatchObject({ answer: { reason: 'revoked' }, runs: 0 });
    await bench.authenticator.flush();
    expect((await bench.accounts.appPasswords(ANNA))[0]).toMatchObject({ refusedClient: 'old NAS' });
    const answers = await guess(bench, 10);
    expect(answers.every((answer) => answer.kind === 'refused')).toBe(true);
  });

  it('a password that was wrong is good at once when it becomes so', async () => {
    const bench = await openBench();
    await bench.signIn('another good one');
    await bench.accounts.setPassword(ANNA, 'another good one');
    expect(await bench.signIn('another good one')).toMatchObject({ kind: 'granted' });
    expect(await bench.signIn(PASSWORD, { user: 'ben@x' })).toMatchObject({ reason: 'wrong' });
    await bench.accounts.createUser({ email: 'ben@x', name: null, password: PASSWORD, isAdmin: false });
    expect(await bench.signIn(PASSWORD, { user: 'ben@x' })).toEqual({ kind: 'no-drive' });
  });

  it('a flood is refused as busy, does not count, and ends', async () => {
    const bench = await openBench();
    const flood = Array.from({ length: 200 }, (_, index) =>
      bench.signIn('wrong', { user: `nobody ${index}@x`, address: `192.0.2.${index}` }),
    );
    const results = await Promise.allSettled(flood);
    const busy = results.filter((result) => result.status === 'rejected');
    expect(busy.length).toBeGreaterThan(100);
    for (const { reason } of busy) expect(reason).toBeInstanceOf(PasswordsBusyError);
    expect(await bench.signIn(PASSWORD)).toMatchObject({ kind: 'granted' });
  });
});

describe('PRODUCT S6 — app passwords after a restart', () => {
  /** A server that starts on the same data. */
  const restart = (bench: Bench, box = KEY_BOX) => {
    const { metadata, passwords, clock } = bench;
    const now = () => clock.now;
    const authenticator = new Authenticator(metadata, passwords, {
      audit: new Audit(metadata, now),
      throttle: throttleOn(metadata, now),
      box,
      onError: (error) => bench.errors.push(error),
      now,
    });
    onTestFinished(() => authenticator.close());
    return (password: string) =>
      authenticator.authenticate({ userName: ANNA, password }, bench.drive.id, ADDRESS, 'rclone');
  };

  it('one that was used before is checked without argon2 and without counting as a guess', async () => {
    const bench = await openBench();
    const { secret } = await bench.makeAppPassword();
    expect(await bench.counting(() => bench.signIn(secret))).toMatchObject({ answer: { kind: 'granted' }, runs: 1 });
    for (let guess = 0; guess < 10; guess++) await bench.signIn(`wrong ${guess}`);
    expect(await bench.signIn('one more')).toMatchObject({ kind: 'throttled' });
    expect(await bench.counting(() => restart(bench)(secret))).toMatchObject({ answer: { kind: 'granted' }, runs: 0 });
  });

  it('is refused as before when it was revoked, and a wrong ending costs argon2', async () => {
    const bench = await openBench();
    const { row, secret } = await bench.makeAppPassword();
    await bench.signIn(secret);
    const wrong = `${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`;
    const refused = await bench.counting(() => restart(bench)(wrong));
    expect(refused).toMatchObject({ answer: { kind: 'refused', reason: 'wrong' }, runs: 1 });
    await bench.accounts.revokeAppPassword(ANNA, row.id);
    const revoked = await bench.counting(() => restart(bench)(secret));
    expect(revoked).toMatchObject({ answer: { kind: 'refused', reason: 'revoked' }, runs: 0 });
  });

  it('with another key it is checked by argon2 once, and learnt again', async () => {
    const bench = await openBench();
    const { secret } = await bench.makeAppPassword();
    await bench.signIn(secret);
    const other = new SecretBox(Buffer.alloc(32, 2));
    expect((await bench.counting(() => restart(bench, other)(secret))).runs).toBe(1);
    expect((await bench.counting(() => restart(bench, other)(secret))).runs).toBe(0);
  });
});

describe('PRODUCT S6 — argon2 and good credentials', () => {
  it('runs once for many requests, in a row and at the same time', async () => {
    const bench = await openBench();
    const { secret } = await bench.makeAppPassword();
    const many = await bench.counting(async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => bench.signIn(secret)));
      for (let count = 0; count < 50; count++) answers.push(await bench.signIn(secret));
      return answers.every((answer) => answer.kind === 'granted');
    });
    expect(many).toEqual({ answer: true, runs: 1 });
  });

  it('asks the database each time: role, membership and password version hold from the next request on', async () => {
    const bench = await openBench();
    const { secret } = await bench.makeAppPassword();
    await bench.signIn(secret);
    await bench.store.putMember(bench.drive.id, bench.user.id, 'viewer', null, bench.clock.now);
    expect(await bench.signIn(secret)).toMatchObject({ membership: { role: 'viewer' } });
    await bench.store.removeMember(bench.drive.id, bench.user.id);
    expect(await bench.signIn(secret)).toEqual({ kind: 'no-drive' });
    await bench.signIn(PASSWORD);
    await bench.accounts.setPassword(ANNA, 'another good one');
    expect(await bench.signIn(PASSWORD)).toMatchObject({ kind: 'refused', reason: 'former' });
  });

  it('runs again after an hour without use', async () => {
    const bench = await openBench();
    await bench.signIn(PASSWORD);
    bench.clock.now += 61 * MINUTE;
    expect(await bench.counting(() => bench.signIn(PASSWORD))).toMatchObject({ answer: { kind: 'granted' }, runs: 1 });
  });
});
