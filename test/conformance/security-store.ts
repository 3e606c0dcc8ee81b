import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountStore } from '../../src/stores/account-store.js';
import {
  type NewAuditRecord,
  type NewPasskey,
  type NewSession,
  PasskeyTakenError,
  type SecurityStore,
} from '../../src/stores/security-store.js';
import type { UserId } from '../../src/stores/values.js';

export interface SecurityEngine {
  readonly accounts: AccountStore;
  readonly security: SecurityStore;
  close(): Promise<void>;
}

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const CODES = [
  { selector: 'aaaa', hash: 'hash a' },
  { selector: 'bbbb', hash: 'hash b' },
];

/** The contract of `SecurityStore`, clause by clause, for one engine. */
export function securityStoreSuite(name: string, open: () => Promise<SecurityEngine>): void {
  describe(`SecurityStore on ${name}`, () => {
    let engine: SecurityEngine;
    let store: SecurityStore;
    let anna: UserId;
    let bert: UserId;

    const makeUser = async (email: string) =>
      (await engine.accounts.createUser({ email, name: email, passwordHash: 'hash', isAdmin: false }, NOW)).id;
    const hasSecondFactor = async (email = 'anna@x') => (await engine.accounts.findUser(email))!.hasSecondFactor;
    const newPasskey = (change: Partial<NewPasskey> = {}): NewPasskey => ({
      id: 'credential',
      userId: anna,
      name: 'Laptop',
      publicKey: new Uint8Array([1, 2, 3]),
      counter: 5,
      transports: ['usb', 'internal'],
      ...change,
    });
    const newSession = (change: Partial<NewSession> = {}): NewSession => ({
      key: 'key',
      userId: anna,
      passwordVersion: 1,
      stage: 'full',
      createdAt: NOW,
      expiresAt: NOW + HOUR,
      address: '192.0.2.1',
      client: 'Firefox',
      ...change,
    });
    const newRecord = (change: Partial<NewAuditRecord> = {}): NewAuditRecord => ({
      at: NOW,
      kind: 'sign-in',
      userId: anna,
      actor: 'anna@x',
      address: '192.0.2.1',
      client: 'Firefox',
      details: { by: 'password', codes: 9, isNew: true, from: null },
      ...change,
    });

    beforeEach(async () => {
      engine = await open();
      store = engine.security;
      anna = await makeUser('anna@x');
      bert = await makeUser('bert@x');
    });
    afterEach(() => engine.close());

    describe('authenticator', () => {
      it('putPendingTotp — counts for nothing, and can be put again until it is confirmed', async () => {
        expect(await store.findTotp(anna)).toBeNull();
        expect(await store.putPendingTotp(anna, 'one', NOW)).toBe(true);
        expect(await store.putPendingTotp(anna, 'two', NOW + 1)).toBe(true);
        expect(await store.findTotp(anna)).toEqual({ secret: 'two', confirmedAt: null, createdAt: NOW + 1 });
        expect(await hasSecondFactor()).toBe(false);
        expect(await store.takeTotpStep(anna, 100)).toBe(false);
        await store.confirmTotp(anna, 100, CODES, NOW);
        expect(await store.putPendingTotp(anna, 'three', NOW)).toBe(false);
        expect((await store.findTotp(anna))!.secret).toBe('two');
      });

      it('confirmTotp — makes it count, takes its step and replaces the codes; false where nothing is pending', async () => {
        expect(await store.confirmTotp(anna, 100, CODES, NOW)).toBe(false);
        await store.replaceRecoveryCodes(anna, [{ selector: 'old1', hash: 'old' }]);
        await store.putPendingTotp(anna, 'secret', NOW);
        expect(await store.confirmTotp(anna, 100, CODES, NOW + 5)).toBe(true);
        expect((await store.findTotp(anna))!.confirmedAt).toBe(NOW + 5);
        expect([await hasSecondFactor(), await hasSecondFactor('bert@x')]).toEqual([true, false]);
        expect(await store.findRecoveryCode(anna, 'old1')).toBeNull();
        expect(await store.countRecoveryCodes(anna)).toBe(2);
        expect(await store.takeTotpStep(anna, 100)).toBe(false);
        expect(await store.confirmTotp(anna, 200, CODES, NOW)).toBe(false);
      });

      it('takeTotpStep — true once for each step, and for none before; of several at once one gets it', async () => {
        await store.putPendingTotp(anna, 'secret', NOW);
        await store.confirmTotp(anna, 100, CODES, NOW);
        const taken = await Promise.all([101, 101, 101].map((step) => store.takeTotpStep(anna, step)));
        expect(taken.filter(Boolean)).toHaveLength(1);
        expect(await store.takeTotpStep(anna, 100)).toBe(false);
        expect(await store.takeTotpStep(bert, 102)).toBe(false);
        expect(await store.takeTotpStep(anna, 102)).toBe(true);
      });

      it('removeSecondFactors — secret, passkeys and codes go; false where there was none', async () => {
        expect(await store.removeSecondFactors(anna)).toBe(false);
        await store.putPendingTotp(anna, 'secret', NOW);
        await store.confirmTotp(anna, 100, CODES, NOW);
        await store.addPasskey(newPasskey(), null, NOW);
        expect(await store.removeSecondFactors(anna)).toBe(true);
        expect(await hasSecondFactor()).toBe(false);
        expect([await store.findTotp(anna), await store.passkeys(anna)]).toEqual([null, []]);
        expect(await store.countRecoveryCodes(anna)).toBe(0);
      });
    });

    it('takeRecoveryCode — true once, for its own user; what is used is not counted', async () => {
      await store.replaceRecoveryCodes(anna, CODES);
      expect(await store.findRecoveryCode(anna, 'aaaa')).toEqual({ ...CODES[0], usedAt: null });
      expect(await store.findRecoveryCode(bert, 'aaaa')).toBeNull();
      const taken = await Promise.all([1, 2, 3].map(() => store.takeRecoveryCode(anna, 'aaaa', NOW)));
      expect(taken.filter(Boolean)).toHaveLength(1);
      expect((await store.findRecoveryCode(anna, 'aaaa'))!.usedAt).toBe(NOW);
      expect(await store.countRecoveryCodes(anna)).toBe(1);
      expect(await store.takeRecoveryCode(bert, 'bbbb', NOW)).toBe(false);
      await store.replaceRecoveryCodes(anna, CODES);
      expect(await store.countRecoveryCodes(anna)).toBe(2);
    });

    it('putChallenge, takeChallenge — one of a purpose and session, once, until it expires; it ends with its session', async () => {
      const { id } = await store.createSession(newSession());
      const put = (text: string) => store.putChallenge(id, { purpose: 'get', text, expiresAt: NOW + HOUR });
      await put('first');
      await put('second');
      expect(await store.takeChallenge(id, 'create', NOW)).toBeNull();
      expect(await store.takeChallenge(id, 'get', NOW)).toBe('second');
      expect(await store.takeChallenge(id, 'get', NOW)).toBeNull();
      await put('late');
      expect(await store.takeChallenge(id, 'get', NOW + HOUR)).toBeNull();
      await put('left');
      await store.endSession(anna, id);
      expect(await store.takeChallenge(id, 'get', NOW)).toBeNull();
    });

    describe('passkeys', () => {
      it('addPasskey — the first makes a second factor, with codes where given; one known is refused', async () => {
        await store.addPasskey(newPasskey(), CODES, NOW);
        expect(await hasSecondFactor()).toBe(true);
        expect(await store.countRecoveryCodes(anna)).toBe(2);
        const row = { ...newPasskey(), createdAt: NOW, lastUsedAt: null };
        expect(await store.findPasskey('credential')).toMatchObject({ ...row, publicKey: expect.anything() });
        expect([...(await store.passkeys(anna))[0]!.publicKey]).toEqual([1, 2, 3]);
        await expect(store.addPasskey(newPasskey({ userId: bert }), null, NOW)).rejects.toThrow(PasskeyTakenError);
        await store.addPasskey(newPasskey({ id: 'other' }), null, NOW);
        expect(await store.countRecoveryCodes(anna)).toBe(2);
        expect(await store.findPasskey('none')).toBeNull();
      });

      it('usePasskey — a counter must grow, but where there is none', async () => {
        await store.addPasskey(newPasskey(), null, NOW);
        await store.addPasskey(newPasskey({ id: 'plain', counter: 0 }), null, NOW);
        expect(await store.usePasskey('credential', 5, NOW)).toBe(false);
        expect(await store.usePasskey('credential', 6, NOW + 1)).toBe(true);
        expect(await store.usePasskey('credential', 0, NOW)).toBe(false);
        expect(await store.usePasskey('plain', 0, NOW)).toBe(true);
        expect(await store.usePasskey('plain', 0, NOW)).toBe(true);
        expect(await store.findPasskey('credential')).toMatchObject({ counter: 6, lastUsedAt: NOW + 1 });
      });

      it('removePasskey — one’s own, but not the only second factor, also of two at the same time', async () => {
        await store.addPasskey(newPasskey(), null, NOW);
        await store.addPasskey(newPasskey({ id: 'second' }), null, NOW);
        expect(await store.removePasskey(bert, 'credential')).toBe('missing');
        const both = ['credential', 'second'].map((id) => store.removePasskey(anna, id));
        expect((await Promise.all(both)).sort()).toEqual(['last', 'removed']);
        expect(await hasSecondFactor()).toBe(true);
        const [left] = await store.passkeys(anna);
        await store.putPendingTotp(anna, 'secret', NOW);
        expect(await store.removePasskey(anna, left!.id)).toBe('last');
        await store.confirmTotp(anna, 1, [], NOW);
        expect(await store.removePasskey(anna, left!.id)).toBe('removed');
        expect(await hasSecondFactor()).toBe(true);
      });
    });

    describe('sessions', () => {
      it('findSession — with its user, until it expires', async () => {
        const session = await store.createSession(newSession());
        const access = await store.findSession('key', NOW);
        expect(access).toEqual({
          session,
          user: {
            id: anna,
            email: 'anna@x',
            name: 'anna@x',
            passwordVersion: 1,
            isAdmin: false,
            hasSecondFactor: false,
            alertedAt: null,
            isSecondFactorRequired: false,
          },
        });
        expect(session).toMatchObject({ stage: 'full', provedAt: NOW, seenAt: NOW, address: '192.0.2.1' });
        expect(await store.findSession('key', NOW + HOUR)).toBeNull();
        expect(await store.findSession('other', NOW)).toBeNull();
      });

      it('findSession — null where the user is disabled or has another password', async () => {
        await store.createSession(newSession());
        await engine.accounts.updateUser(anna, { isDisabled: true });
        expect(await store.findSession('key', NOW)).toBeNull();
        await engine.accounts.updateUser(anna, { isDisabled: false });
        expect(await store.findSession('key', NOW)).not.toBeNull();
        await engine.accounts.setPassword(anna, 'new', NOW);
        expect(await store.findSession('key', NOW)).toBeNull();
        expect(await store.sessions(anna, NOW)).toEqual([]);
      });

      it('noteSession — only ever forward', async () => {
        const { id } = await store.createSession(newSession());
        await store.noteSession(id, NOW + 10, '192.0.2.2');
        await store.noteSession(id, NOW + 5, '192.0.2.3');
        expect((await store.findSession('key', NOW))!.session).toMatchObject({
          seenAt: NOW + 10,
          address: '192.0.2.2',
        });
      });

      it('promoteSession — another key and stage; the old key is nobody’s', async () => {
        const { id } = await store.createSession(newSession({ stage: 'second-step' }));
        const change = {
          key: 'new',
          stage: 'full',
          provedAt: NOW + 9,
          seenAt: NOW + 10,
          expiresAt: NOW + 2 * HOUR,
        } as const;
        expect(await store.promoteSession(id, { ...change, passwordVersion: 1 })).toBe(true);
        expect(await store.findSession('key', NOW)).toBeNull();
        expect((await store.findSession('new', NOW + HOUR))!.session).toMatchObject({
          id,
          stage: 'full',
          provedAt: NOW + 9,
          seenAt: NOW + 10,
        });
        await store.endSession(anna, id);
        expect(await store.promoteSession(id, { ...change, passwordVersion: 1 })).toBe(false);
      });

      it('sessions, endSession, endSessions, removeExpiredSessions', async () => {
        const first = await store.createSession(newSession({ key: 'a' }));
        const second = await store.createSession(newSession({ key: 'b', createdAt: NOW + 1 }));
        await store.createSession(newSession({ key: 'c', userId: bert }));
        await store.createSession(newSession({ key: 'd', expiresAt: NOW + 1 }));
        expect((await store.sessions(anna, NOW + 1)).map(({ id }) => id)).toEqual([second.id, first.id]);
        expect(await store.endSession(bert, first.id)).toBe(false);
        expect(await store.endSessions(anna, second.id)).toBe(2);
        expect(await store.findSession('a', NOW)).toBeNull();
        expect(await store.endSession(anna, second.id)).toBe(true);
        expect(await store.endSessions(anna, null)).toBe(0);
        await store.removeExpiredSessions(NOW + HOUR);
        expect(await store.sessions(bert, NOW)).toEqual([]);
      });
    });

    it('requireSecondFactor, setAlert — every session shows them', async () => {
      await store.createSession(newSession());
      expect(await store.isSecondFactorRequired()).toBe(false);
      await store.requireSecondFactor(true);
      await store.setAlert(anna, NOW);
      expect(await store.isSecondFactorRequired()).toBe(true);
      const { user } = (await store.findSession('key', NOW))!;
      expect(user).toMatchObject({ isSecondFactorRequired: true, alertedAt: NOW });
      await store.requireSecondFactor(false);
      await store.setAlert(anna, null);
      expect((await store.findSession('key', NOW))!.user).toMatchObject({
        isSecondFactorRequired: false,
        alertedAt: null,
      });
    });

    it('setAlert — ends where a second factor begins, of either sort; nothing where there is one', async () => {
      const alertedAt = async () => (await engine.accounts.findUser('anna@x'))!.alertedAt;
      await store.setAlert(anna, NOW);
      await store.putPendingTotp(anna, 'secret', NOW);
      expect(await alertedAt()).toBe(NOW);
      await store.confirmTotp(anna, 100, CODES, NOW);
      expect(await alertedAt()).toBeNull();
      await store.setAlert(anna, NOW);
      expect(await alertedAt()).toBeNull();
      await store.removeSecondFactors(anna);
      await store.setAlert(anna, NOW + 1);
      await store.setAlert(bert, NOW);
      expect(await alertedAt()).toBe(NOW + 1);
      await store.addPasskey(newPasskey(), null, NOW);
      expect(await alertedAt()).toBeNull();
      expect((await engine.accounts.findUser('bert@x'))!.alertedAt).toBe(NOW);
    });

    it('audit — the latest first, page by page, by user or kind; the address of a user who is gone is null', async () => {
      for (let at = 0; at < 5; at++) await store.writeAudit(newRecord({ at: NOW + at }));
      await store.writeAudit(newRecord({ userId: bert, kind: 'sign-out' }));
      await store.writeAudit(newRecord({ userId: 999 as UserId, kind: 'user-made' }));
      const all = await store.audit({}, null, 100);
      expect(all.map(({ kind, email }) => [kind, email])).toEqual([
        ['user-made', null],
        ['sign-out', 'bert@x'],
        ...Array.from({ length: 5 }, () => ['sign-in', 'anna@x']),
      ]);
      expect(all.at(-1)).toEqual({ ...newRecord(), id: all.at(-1)!.id, email: 'anna@x' });
      const page = await store.audit({ userId: anna }, null, 2);
      expect(page.map(({ at }) => at)).toEqual([NOW + 4, NOW + 3]);
      expect((await store.audit({ userId: anna }, page[1]!.id, 9)).map(({ at }) => at)).toEqual([
        NOW + 2,
        NOW + 1,
        NOW,
      ]);
      expect(await store.audit({ kind: 'sign-out' }, null, 9)).toHaveLength(1);
      expect(await store.audit({ userId: anna, kind: 'sign-in' }, null, 9)).toHaveLength(5);
      expect(await store.audit({ userId: anna, kind: 'sign-out' }, null, 9)).toEqual([]);
    });

    it('pruneAudit — the oldest, so many at most', async () => {
      for (let at = 0; at < 5; at++) await store.writeAudit(newRecord({ at: NOW + at }));
      expect(await store.pruneAudit(NOW + 3, 2)).toBe(2);
      expect(await store.pruneAudit(NOW + 3, 2)).toBe(1);
      expect((await store.audit({}, null, 9)).map(({ at }) => at)).toEqual([NOW + 4, NOW + 3]);
    });
  });
}
