import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Audit, OPERATOR } from '../../src/accounts/audit.js';
import { Passkeys, type PasskeyVisitor } from '../../src/accounts/passkeys.js';
import { Passwords } from '../../src/accounts/passwords.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import type { MetadataStore } from '../../src/stores/metadata-store.js';
import type { SecurityStore } from '../../src/stores/security-store.js';
import { PasskeyAuthenticator } from '../support/passkey-authenticator.js';
import { singleCalls } from '../support/single-calls.js';
import { MIGRATIONS } from '../support/sqlite-file.js';

const MINUTE = 60_000;
const ORIGIN = 'https://drive.example.org:8443';
const passwords = new Passwords({ memoryKib: 64, passes: 2 });

let now: number;
let metadata: MetadataStore;
let store: SecurityStore;
let passkeys: Passkeys;
let anna: PasskeyVisitor;

const open = (publicUrl: string | null) =>
  new Passkeys(metadata, passwords, { audit: new Audit(metadata), name: 'Firn', publicUrl, now: () => now });

beforeEach(async () => {
  now = 1_800_000_000_000;
  const database = SqliteDatabase.open(':memory:', MIGRATIONS);
  onTestFinished(() => database.close());
  metadata = new SqlMetadataStore(database);
  store = singleCalls(metadata).security;
  const user = await singleCalls(metadata).accounts.createUser(
    { email: 'anna@x', name: 'Anna', passwordHash: 'hash', isAdmin: false },
    now,
  );
  const session = await store.createSession({
    key: 'key',
    userId: user.id,
    passwordVersion: user.passwordVersion,
    stage: 'full',
    createdAt: now,
    expiresAt: now + 60 * MINUTE,
    address: '192.0.2.1',
    client: 'Firefox',
  });
  anna = { user, sessionId: session.id, origin: ORIGIN };
  passkeys = open(null);
});

async function added(key: PasskeyAuthenticator): Promise<void> {
  await passkeys.add(anna, 'Key', key.create(await passkeys.registrationOptions(anna)), OPERATOR);
}

describe('PRODUCT S3 — passkeys', () => {
  test('belong to the host name by which people come, whatever its port', async () => {
    expect((await passkeys.registrationOptions(anna)).rp).toEqual({ id: 'drive.example.org', name: 'Firn' });
    const key = new PasskeyAuthenticator(ORIGIN);
    await added(key);
    expect(await passkeys.verify(anna, key.sign(await passkeys.useOptions(anna)))).toBe('good');
    const other = key.sign(await passkeys.useOptions(anna), { origin: 'https://drive.example.org' });
    expect(await passkeys.verify(anna, other)).toBe('wrong');
  });

  test('or to that of publicUrl, whatever a request says of itself', async () => {
    const inside = { ...anna, origin: 'http://10.0.0.7:8080' };
    const behindProxy = open('https://drive.example.org');
    const options = await behindProxy.registrationOptions(inside);
    expect(options.rp.id).toBe('drive.example.org');
    const key = new PasskeyAuthenticator('https://drive.example.org');
    expect((await behindProxy.add(inside, 'Key', key.create(options), OPERATOR)).recoveryCodes).toHaveLength(10);
  });

  test.each(['http://127.0.0.1:8080', 'http://[::1]:8080', 'http://', 'http://a b'])(
    'but not to %s',
    async (origin) => {
      await expect(passkeys.registrationOptions({ ...anna, origin })).rejects.toMatchObject({ kind: 'no-host-name' });
    },
  );

  test('a challenge is good for five minutes', async () => {
    const late = new PasskeyAuthenticator(ORIGIN);
    const options = await passkeys.registrationOptions(anna);
    now += 5 * MINUTE + 1;
    await expect(passkeys.add(anna, 'Key', late.create(options), OPERATOR)).rejects.toMatchObject({
      kind: 'wrong-code',
    });
    const key = new PasskeyAuthenticator(ORIGIN);
    await added(key);
    const wanted = await passkeys.useOptions(anna);
    now += 5 * MINUTE + 1;
    expect(await passkeys.verify(anna, key.sign(wanted))).toBe('wrong');
    const again = await passkeys.useOptions(anna);
    now += 5 * MINUTE - 1;
    expect(await passkeys.verify(anna, key.sign(again))).toBe('good');
  });

  test('two answers to one challenge at the same time: one is good', async () => {
    const key = new PasskeyAuthenticator(ORIGIN);
    await added(key);
    const options = await passkeys.useOptions(anna);
    const answers = [key.sign(options), key.sign(options)];
    const verdicts = await Promise.all(answers.map((answer) => passkeys.verify(anna, answer)));
    expect(verdicts.sort()).toEqual(['good', 'wrong']);
  });

  test('a signature that was changed is none', async () => {
    const key = new PasskeyAuthenticator(ORIGIN);
    await added(key);
    const other = new PasskeyAuthenticator(ORIGIN);
    const { response } = other.sign(await passkeys.useOptions(anna));
    const forged = { id: key.id, rawId: key.id, type: 'public-key', response, clientExtensionResults: {} };
    expect(await passkeys.verify(anna, forged)).toBe('wrong');
    expect((await store.findPasskey(key.id))?.lastUsedAt).toBeNull();
  });
});
