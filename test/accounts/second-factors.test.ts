import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Audit, OPERATOR } from '../../src/accounts/audit.js';
import { Authenticator } from '../../src/accounts/authenticator.js';
import { Passwords } from '../../src/accounts/passwords.js';
import { SecondFactors } from '../../src/accounts/second-factors.js';
import { SealedError, SecretBox } from '../../src/accounts/secret-box.js';
import { totpCode } from '../../src/accounts/totp.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import type { AccountStore, UserRow } from '../../src/stores/account-store.js';
import type { MetadataStore } from '../../src/stores/metadata-store.js';
import type { SecurityStore } from '../../src/stores/security-store.js';
import { KEY_BOX, throttleOn } from '../support/guess-throttle.js';
import { singleCalls } from '../support/single-calls.js';
import { MIGRATIONS } from '../support/sqlite-file.js';

const STEP = 30_000;
const PASSWORD = 'grey otters like cold rivers';
const passwords = new Passwords({ memoryKib: 64, passes: 2 });

let database: SqliteDatabase;
let metadata: MetadataStore;
let store: SecurityStore;
let accounts: AccountStore;
let factors: SecondFactors;
let anna: UserRow;
let now = 1_800_000_000_000;
let unreadable: number[];

const open = (key = Buffer.alloc(32, 1)) =>
  new SecondFactors(metadata, passwords, new SecretBox(key), {
    audit: new Audit(metadata),
    issuer: 'Firn',
    onUnreadable: (id) => unreadable.push(id),
    now: () => now,
  });

beforeEach(async () => {
  now += 10 * STEP;
  unreadable = [];
  database = SqliteDatabase.open(':memory:', MIGRATIONS);
  onTestFinished(() => database.close());
  metadata = new SqlMetadataStore(database);
  ({ security: store, accounts } = singleCalls(metadata));
  const passwordHash = await passwords.hashPassword(PASSWORD);
  anna = await accounts.createUser({ email: 'anna@x', name: 'Anna', passwordHash, isAdmin: false }, now);
  factors = open();
});

const verify = (code: string) => factors.verify(anna.id, code, OPERATOR);
const confirm = (code: string) => factors.confirm(anna, code, { actor: OPERATOR, sessionId: 0 });

/** Switches 2FA on and goes on to the next code. */
async function turnOn(): Promise<{ secret: string; codes: readonly string[] }> {
  const { secret } = await factors.begin(anna);
  const codes = await confirm(totpCode(secret, now));
  now += STEP;
  return { secret, codes };
}

describe('PRODUCT S3 — codes from an authenticator', () => {
  test('the QR code holds what authenticators expect', async () => {
    const { secret, uri } = await factors.begin(anna);
    const { protocol, host, pathname, searchParams } = new URL(uri);
    expect([protocol, host, decodeURIComponent(pathname)]).toEqual(['otpauth:', 'totp', '/Firn:anna@x']);
    expect(searchParams.get('secret')).toBe(secret);
    expect(searchParams.get('issuer')).toBe('Firn');
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  });

  test('counts only once a code has confirmed it', async () => {
    const { secret } = await factors.begin(anna);
    expect(await verify(totpCode(secret, now))).toEqual({ kind: 'wrong' });
    await expect(confirm('000000')).rejects.toThrow(/wrong/);
    expect((await factors.state(anna.id)).isTotpOn).toBe(false);
    const codes = await confirm(totpCode(secret, now));
    expect(codes).toHaveLength(10);
    expect(await factors.state(anna.id)).toEqual({ isTotpOn: true, recoveryCodes: 10, passkeys: [] });
    await expect(factors.begin(anna)).rejects.toThrow(/set up already/);
  });

  test('a code counts once, also that of the confirmation; the one before and after count as well', async () => {
    const { secret } = await turnOn();
    expect(await verify(totpCode(secret, now - STEP))).toEqual({ kind: 'wrong' });
    const code = totpCode(secret, now);
    expect(await verify(` ${code.slice(0, 3)} ${code.slice(3)} `)).toEqual({
      kind: 'good',
      by: 'totp',
    });
    expect(await verify(code)).toEqual({ kind: 'wrong' });
    expect(await verify(totpCode(secret, now + STEP))).toEqual({ kind: 'good', by: 'totp' });
    expect(await verify(totpCode(secret, now))).toEqual({ kind: 'wrong' });
    now += 5 * STEP;
    expect(await verify(totpCode(secret, now + 2 * STEP))).toEqual({ kind: 'wrong' });
    expect(await verify(totpCode(secret, now - STEP))).toEqual({ kind: 'good', by: 'totp' });
  });

  test('of the same code from two places at once one is good', async () => {
    const { secret } = await turnOn();
    const code = totpCode(secret, now);
    const verdicts = await Promise.all([1, 2, 3, 4].map(() => verify(code)));
    expect(verdicts.filter(({ kind }) => kind === 'good')).toHaveLength(1);
  });

  test('a flood of codes is throttled, anyone who sends them, and a good one among them doesn’t get through', async () => {
    const { secret } = await turnOn();
    const guesses = Array.from({ length: 50 }, (_, index) => String(index).padStart(6, '0'));
    const verdicts = await Promise.all(guesses.map((code) => verify(code)));
    expect(verdicts.filter(({ kind }) => kind === 'wrong').length).toBeLessThanOrEqual(10);
    expect(await verify(totpCode(secret, now))).toMatchObject({
      kind: 'throttled',
      retryAfterSeconds: expect.any(Number),
    });
  });

  test('ten wrong ones in a quarter of an hour, fifty a day; then the owner is let in again, by a recovery code at once', async () => {
    const { secret, codes } = await turnOn();
    // The limits look at the real clock.
    vi.useFakeTimers({ toFake: ['Date'], now });
    onTestFinished(() => void vi.useRealTimers());
    const goOn = (minutes: number) => {
      now += minutes * 60_000;
      vi.setSystemTime(now);
    };
    const wrongOnes = async () => {
      let wrong = 0;
      while ((await verify('no code')).kind === 'wrong') wrong++;
      return wrong;
    };
    const good = () => verify(totpCode(secret, now));
    expect(await wrongOnes()).toBe(10);
    expect(await good()).toMatchObject({ kind: 'throttled' });
    goOn(15);
    expect(await good()).toEqual({ kind: 'good', by: 'totp' });
    for (const wrong of [10, 10, 10, 10, 10, 0, 0]) {
      expect(await wrongOnes()).toBe(wrong);
      goOn(15);
    }
    expect(await good()).toMatchObject({ kind: 'throttled' });
    expect(await verify(codes[0]!)).toEqual({ kind: 'good', by: 'recovery-code' });
    expect(await good()).toEqual({ kind: 'good', by: 'totp' });
    for (const wrong of [10, 10, 10, 10, 10, 0]) {
      expect(await wrongOnes()).toBe(wrong);
      goOn(15);
    }
    goOn(24 * 60);
    expect(await good()).toEqual({ kind: 'good', by: 'totp' });
  });
});

describe('PRODUCT S3 — recovery codes', () => {
  test('each works once, in any case and with or without dashes', async () => {
    const { codes } = await turnOn();
    const [first, second] = codes;
    expect(first).toMatch(/^([0-9a-z]{4}-){3}[0-9a-z]{4}$/);
    expect(await verify(first!)).toEqual({ kind: 'good', by: 'recovery-code' });
    expect(await verify(first!)).toEqual({ kind: 'wrong' });
    const typed = second!.replaceAll('-', '').toUpperCase();
    expect(await verify(typed)).toEqual({ kind: 'good', by: 'recovery-code' });
    expect((await factors.state(anna.id)).recoveryCodes).toBe(8);
    expect(await verify(`${second!.slice(0, 4)}-0000-0000-0000`)).toEqual({ kind: 'wrong' });
  });

  test('new ones replace the old; without a second factor there are none', async () => {
    await expect(factors.renewRecoveryCodes(anna.id, OPERATOR)).rejects.toThrow(/no second factor/);
    const { codes } = await turnOn();
    const renewed = await factors.renewRecoveryCodes(anna.id, OPERATOR);
    expect(renewed).toHaveLength(10);
    expect(await verify(codes[0]!)).toEqual({ kind: 'wrong' });
    expect(await verify(renewed[0]!)).toEqual({ kind: 'good', by: 'recovery-code' });
  });

  test('they are kept as argon2id hashes, the authenticator’s secret encrypted', async () => {
    const { secret, codes } = await turnOn();
    const kept = await store.findRecoveryCode(anna.id, codes[0]!.slice(0, 4));
    expect(kept!.hash).toMatch(/^\$argon2id\$/);
    const { secret: sealed } = (await store.findTotp(anna.id))!;
    expect(sealed).not.toContain(secret);
    expect(Buffer.from(sealed, 'base64').toString('latin1')).not.toContain(secret);
  });

  test('with another key the authenticator is lost, recovery codes work, and somebody is told of it', async () => {
    const { secret, codes } = await turnOn();
    const elsewhere = open(Buffer.alloc(32, 2));
    expect(await elsewhere.verify(anna.id, totpCode(secret, now), OPERATOR)).toEqual({ kind: 'wrong' });
    expect(unreadable).toEqual([anna.id]);
    expect(await elsewhere.verify(anna.id, codes[0]!, OPERATOR)).toEqual({ kind: 'good', by: 'recovery-code' });
  });
});

describe('PRODUCT S1 — with 2FA on, programs need app passwords', () => {
  test('WebDAV refuses the account password at once and says why, argon2 runs once; the page still takes it', async () => {
    const counted = new Passwords({ memoryKib: 64, passes: 2 });
    const authenticator = new Authenticator(metadata, counted, {
      audit: new Audit(metadata),
      throttle: throttleOn(metadata, () => now),
      box: KEY_BOX,
      onError: () => {},
      now: () => now,
    });
    onTestFinished(() => authenticator.close());
    const credentials = { userName: 'anna@x', password: PASSWORD };
    const enter = () => authenticator.authenticate(credentials, null, '192.0.2.1', 'rclone');
    expect(await enter()).toMatchObject({ kind: 'no-drive' });
    await turnOn();
    for (let round = 0; round < 3; round++) {
      expect(await enter()).toMatchObject({ kind: 'refused', reason: 'second-factor', message: /app password/ });
    }
    // Once before, once to find out that the password is right and not enough.
    expect(counted.runs).toBe(2);
    const signedIn = await authenticator.signIn(credentials, '192.0.2.1', 'Firefox');
    expect(signedIn).toMatchObject({ kind: 'granted', user: { hasSecondFactor: true } });
    await factors.remove(anna.id, OPERATOR);
    expect(await enter()).toMatchObject({ kind: 'no-drive' });
    await authenticator.flush();
    expect(await accounts.findUser('anna@x')).toMatchObject({ refusedClient: 'rclone' });
  });
});

describe('SecretBox', () => {
  const box = new SecretBox(Buffer.alloc(32, 1));

  test('what is sealed can be opened with the same key for the same purpose alone', () => {
    const sealed = box.seal('geheim ü', 'totp 1');
    expect(box.open(sealed, 'totp 1')).toBe('geheim ü');
    expect(box.seal('geheim ü', 'totp 1')).not.toBe(sealed);
    expect(() => box.open(sealed, 'totp 2')).toThrow(SealedError);
    expect(() => new SecretBox(Buffer.alloc(32, 2)).open(sealed, 'totp 1')).toThrow(SealedError);
    const changed = Buffer.from(sealed, 'base64');
    changed[changed.length - 1]! ^= 1;
    expect(() => box.open(changed.toString('base64'), 'totp 1')).toThrow(SealedError);
    expect(() => box.open('', 'totp 1')).toThrow(SealedError);
  });
});
