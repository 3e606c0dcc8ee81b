import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AUDIT_KINDS, Audit } from '../../src/accounts/audit.js';
import type { NewUserAnswer } from '../../src/console/contract/admin-users.js';
import type { AuditAnswer, AuditEntry } from '../../src/console/contract/audit.js';
import { ConsoleClient } from '../support/console-client.js';
import { basic, emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { testOnOneServer } from '../support/tried.js';

const DAY_MS = 86_400_000;

let server: TestServer;
let admin: ConsoleClient;
beforeAll(async () => {
  server = await TestServer.start();
  await server.addUser('root');
  await server.accounts.changeUser(emailOf('root'), { isAdmin: true });
  admin = await ConsoleClient.signedIn(server, 'root', PASSWORD);
});
afterAll(() => server.stop());

const page = (query: Record<string, string | number> = {}) => {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, `${value}`]));
  return admin.get<AuditAnswer>(`/api/admin/audit?${text}`);
};

async function walk(query: Record<string, string> = {}): Promise<AuditEntry[]> {
  const all: AuditEntry[] = [];
  for (let before: number | null = 0; before !== null; ) {
    const answer: AuditAnswer = await page(before === 0 ? query : { ...query, before });
    all.push(...answer.records);
    before = answer.next;
  }
  return all;
}

describe('the audit log', () => {
  testOnOneServer('a flood of refusals doesn’t fill it, whatever programs it says that it comes from', async () => {
    await server.addMember('flo');
    const knock = (client: string) =>
      server.as(basic(emailOf('flo'), 'the same wrong password'))('GET', '/', { headers: { 'User-Agent': client } });
    for (let sent = 0; sent < 300; sent += 20) {
      const answers = Array.from({ length: 20 }, (_, index) => knock(`program ${sent + index}`));
      expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([401]));
    }
    const records = async () => (await walk({ user: emailOf('flo'), kind: 'access-refused' })).length;
    await expect.poll(records).toBeGreaterThan(90);
    expect(await records()).toBeLessThanOrEqual(100);
  });

  test('what an administrator does is in it, with who, whose, when, from where, by which program', async () => {
    const email = emailOf('nora');
    const path = `/api/admin/users/${encodeURIComponent(email)}`;
    const headers = { 'User-Agent': 'Firefox of the administrator' };
    const send = async (method: string, target: string, body?: unknown) => {
      const { status, text } = await admin.send(method, target, body, headers);
      if (status >= 300) throw new Error(`${method} ${target}: ${status} ${text}`);
      return text;
    };
    const made = JSON.parse(await send('POST', '/api/admin/users', { email, name: 'Nora', isAdmin: false }));
    const secrets = [(made as NewUserAnswer).password!, 'quiet lamps under snow', PASSWORD];
    await send('POST', `${path}/password`, { password: secrets[1] });
    await send('PATCH', path, { name: 'Nora K.', isDisabled: false });
    await send('POST', `${path}/alert`);
    const { secret, recoveryCodes } = await server.turnOnTotp((await server.stores.accounts.findUser(email))!);
    secrets.push(secret, ...recoveryCodes);
    await send('POST', `${path}/reset-2fa`);
    const wish = { name: 'Team', ownerEmail: email, quotaBytes: null, uploadMaxBytes: null };
    const { id } = JSON.parse(await send('POST', '/api/admin/drives', wish)) as { id: number };
    await send('PATCH', `/api/admin/drives/${id}`, { quotaBytes: 5 });
    const member = encodeURIComponent(emailOf('alice'));
    await send('PUT', `/api/admin/drives/${id}/members/${member}`, { role: 'viewer', quotaBytes: null });

    const records = (await walk()).filter(({ actor }) => actor === emailOf('root'));
    const told = records.map(({ kind, user, details }) => [kind, user, details]);
    expect(told).toEqual([
      ['member-changed', emailOf('alice'), { drive: id, role: 'viewer', quotaBytes: null }],
      ['drive-changed', null, { drive: id, quotaBytes: 5 }],
      ['drive-made', email, { drive: id, name: 'Team' }],
      ['second-factor-reset', email, {}],
      ['second-factor-alert', email, {}],
      ['user-changed', email, { name: 'Nora K.', isDisabled: false }],
      ['password-changed', email, {}],
      ['user-made', email, { isAdmin: false }],
      ['sign-in', emailOf('root'), { by: 'password' }],
    ]);
    for (const { address, client, at } of records.slice(0, -1)) {
      expect([address, client]).toEqual(['127.0.0.1', headers['User-Agent']]);
      expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(60_000);
    }
    const text = JSON.stringify(await walk());
    for (const one of secrets) expect(text).not.toContain(one);
    expect(text).not.toMatch(/argon2/);
  });

  test('it is read in pages, by user, by kind, or by both', async () => {
    const alice = (await server.stores.accounts.findUser(emailOf('alice')))!;
    const audit = new Audit(server.engines.metadata);
    const actor = { name: emailOf('alice'), remoteAddress: '192.0.2.7', client: 'x' };
    for (let number = 0; number < 250; number++) {
      await audit.note(number % 2 === 0 ? 'sign-in' : 'sign-out', alice.id, actor, { number });
    }
    const first = await page();
    expect([first.records.length, first.kinds]).toEqual([100, [...AUDIT_KINDS]]);
    expect(first.next).toBe(first.records.at(-1)!.id);
    const all = await walk();
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort((a, b) => b - a));
    const user = emailOf('alice').toUpperCase();
    const ofAlice = await walk({ user });
    expect(ofAlice).toEqual(all.filter((record) => record.user === emailOf('alice')));
    expect(await walk({ kind: 'sign-in' })).toEqual(all.filter(({ kind }) => kind === 'sign-in'));
    const both = await walk({ user, kind: 'sign-out' });
    expect(both).toEqual(ofAlice.filter(({ kind }) => kind === 'sign-out'));
    expect(both).toHaveLength(125);
    expect((await page({ user: emailOf('root'), kind: 'trash-emptied' })).records).toEqual([]);
  });

  test('filters that can’t be are refused in a sentence', async () => {
    for (const [query, status] of [
      ['kind=gossip', 400],
      ['before=yesterday', 400],
      ['before=-1', 400],
      [`user=${emailOf('nobody')}`, 404],
    ] as const) {
      expect((await admin.send('GET', `/api/admin/audit?${query}`)).status).toBe(status);
    }
  });

  test('what is older than the retention goes, however much it is', async () => {
    const { security } = server.stores;
    const now = Date.now();
    const old = { kind: 'sign-in', userId: null, actor: 'x', address: '', client: '', details: { isOld: true } };
    await Promise.all(
      Array.from({ length: 2300 }, (_, index) => security.writeAudit({ ...old, at: now - 400 * DAY_MS + index })),
    );
    const before = (await walk()).filter(({ details }) => details.isOld !== true);
    await new Audit(server.engines.metadata).forget(now - server.config.auditRetentionDays * DAY_MS);
    expect(await walk()).toEqual(before);
  });
});
