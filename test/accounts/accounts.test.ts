import { describe, expect, it } from 'vitest';
import { AccountError } from '../../src/accounts/account-error.js';
import { checkDriveName, checkEmail } from '../../src/accounts/account-rules.js';
import { ANNA, openBench, PASSWORD } from './bench.js';

const kind = (name: string) => expect.objectContaining({ name: 'AccountError', kind: name });

describe('PRODUCT S1 — e-mail addresses', () => {
  it.each(['anna@example.org', 'zoë@exämple.org', 'a+b.c@localhost'])('%s is one', (email) => {
    expect(checkEmail(` ${email} `)).toBe(email.normalize('NFC'));
  });
  it.each(['', 'anna', '@example.org', 'anna@', 'a b@x', 'a@b@c', 'a:b@x', 'D\\a@x', 'a\n@x', `${'a'.repeat(255)}@x`])(
    '%j is none',
    (email) => {
      expect(() => checkEmail(email)).toThrow(AccountError);
    },
  );
});

describe('PRODUCT D1, D6 — names of drives', () => {
  it('are kept in NFC', () => {
    expect(checkDriveName('Zoe\u0308')).toBe('Zoë');
  });
  it.each(['', ' ', '.', '..', 'a/b', 'a\0b', 'a\nb', 'Trash', 'TRASH', 'Common documents', 'é'.repeat(128), '\ud800'])(
    '%j is none',
    (name) => {
      expect(() => checkDriveName(name)).toThrow(AccountError);
    },
  );
  it('have up to 255 bytes', () => {
    expect(checkDriveName('é'.repeat(127))).toHaveLength(127);
  });
});

describe('users, drives and members', () => {
  it('a user needs a good password and a free address', async () => {
    const { accounts } = await openBench();
    const user = { name: null, password: PASSWORD, isAdmin: false };
    await expect(accounts.createUser({ ...user, email: ANNA.toUpperCase() })).rejects.toEqual(kind('email-taken'));
    await expect(accounts.createUser({ ...user, email: 'b@x', password: 'short' })).rejects.toEqual(
      kind('weak-password'),
    );
    expect(await accounts.createUser({ ...user, email: 'ben@x' })).toMatchObject({ name: 'ben' });
    await expect(accounts.readUser('nobody@x')).rejects.toEqual(kind('no-such-user'));
    await expect(accounts.setPassword(ANNA, 'short')).rejects.toEqual(kind('weak-password'));
  });

  it('the last administrator can not be disabled', async () => {
    const { accounts } = await openBench();
    const user = { name: null, password: PASSWORD, isAdmin: true };
    await accounts.createUser({ ...user, email: 'one@x' });
    await expect(accounts.setDisabled('one@x', true)).rejects.toEqual(kind('last-administrator'));
    await accounts.createUser({ ...user, email: 'two@x' });
    await accounts.setDisabled('one@x', true);
    await expect(accounts.setDisabled('two@x', true)).rejects.toEqual(kind('last-administrator'));
  });

  it('PRODUCT A1 — a drive ID has six digits or more and is taken once', async () => {
    const { accounts } = await openBench();
    const drive = { name: 'X', ownerEmail: ANNA, quotaBytes: null, uploadMaxBytes: null };
    await expect(accounts.createDrive({ ...drive, id: 99_999 })).rejects.toEqual(kind('invalid-number'));
    await accounts.createDrive({ ...drive, id: 100_000 });
    await expect(accounts.createDrive({ ...drive, id: 100_000 })).rejects.toEqual(kind('drive-id-taken'));
  });

  it("PRODUCT U2 — no drive takes files above the operator's limit", async () => {
    const { accounts, drive } = await openBench();
    await accounts.changeDrive(drive.id, { uploadMaxBytes: 100e9 });
    await expect(accounts.changeDrive(drive.id, { uploadMaxBytes: 101e9 })).rejects.toEqual(kind('invalid-number'));
    await expect(accounts.changeDrive(drive.id, { quotaBytes: -1 })).rejects.toEqual(kind('invalid-number'));
  });

  it('PRODUCT D7 — a drive keeps a manager', async () => {
    const { accounts, drive } = await openBench();
    await accounts.createUser({ email: 'ben@x', name: null, password: PASSWORD, isAdmin: false });
    await expect(accounts.removeMember(drive.id, ANNA)).rejects.toEqual(kind('last-manager'));
    await expect(accounts.putMember(drive.id, ANNA, { role: 'viewer' })).rejects.toEqual(kind('last-manager'));
    await expect(accounts.removeMember(drive.id, 'ben@x')).rejects.toEqual(kind('no-such-member'));
    await accounts.putMember(drive.id, 'ben@x', { role: 'manager', quotaBytes: 5 });
    await accounts.putMember(drive.id, ANNA, { role: 'viewer' });
    expect(await accounts.putMember(drive.id, 'ben@x', {})).toMatchObject({ role: 'manager', quotaBytes: 5 });
    await accounts.removeMember(drive.id, ANNA);
  });

  it('PRODUCT S2 — an app password is for a drive of the user and for a time to come', async () => {
    const { accounts, drive, clock } = await openBench();
    const wish = {
      email: ANNA,
      name: 'NAS',
      driveId: null,
      scopeId: null,
      allowance: 'full',
      expiresAt: null,
    } as const;
    await expect(accounts.createAppPassword({ ...wish, driveId: 999_999 })).rejects.toEqual(kind('no-such-drive'));
    await expect(accounts.createAppPassword({ ...wish, expiresAt: clock.now })).rejects.toEqual(kind('invalid-number'));
    await expect(accounts.createAppPassword({ ...wish, name: ' ' })).rejects.toEqual(kind('invalid-name'));
    await accounts.createUser({ email: 'ben@x', name: null, password: PASSWORD, isAdmin: false });
    const bens = accounts.createAppPassword({ ...wish, email: 'ben@x', driveId: drive.id });
    await expect(bens).rejects.toEqual(kind('no-such-member'));
    const { secret, row } = await accounts.createAppPassword({ ...wish, driveId: drive.id });
    expect(JSON.stringify(row)).not.toContain(secret);
    await accounts.revokeAppPassword(ANNA, row.id);
    await expect(accounts.revokeAppPassword(ANNA, row.id)).rejects.toEqual(kind('no-such-app-password'));
  });
});
