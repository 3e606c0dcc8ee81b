import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { SERVER } from '../../src/accounts/audit.js';
import type { Config } from '../../src/config.js';
import type { AlertAnswer, UserEntry, UsersAnswer } from '../../src/console/contract/admin-users.js';
import type { SessionAnswer } from '../../src/console/contract/session.js';
import { Parts } from '../../src/parts.js';
import type { BlobId } from '../../src/stores/values.js';
import { ConsoleClient } from '../support/console-client.js';
import { MAIL_PASSWORD, MAIL_USER, MailServer, mailServerUrl } from '../support/mail-server.js';
import { emailOf, PASSWORD, TestServer } from '../support/make-server.js';

const FROM = 'Firn <firn@example.org>';

let server: TestServer;
/** What the test makes the server log, with `reason`; anything else is a defect. */
let expected: RegExp | null = null;
afterEach(async () => {
  const failures = server.defects.filter((line) => expected?.test(line));
  server.defects.splice(0, server.defects.length, ...server.defects.filter((line) => !failures.includes(line)));
  for (const line of failures) {
    for (const secret of [MAIL_PASSWORD, encodeURIComponent(MAIL_PASSWORD)]) expect(line).not.toContain(secret);
  }
  if (expected) expect(failures.length).toBeGreaterThan(0);
  expected = null;
  await server.stop();
});

/** With an administrator, who has a second factor, and alice, bob and carol, who have none. */
async function start(settings: Partial<Config> = {}): Promise<ConsoleClient> {
  server = await TestServer.start({ mailFrom: FROM, ...settings });
  for (const name of ['root', 'bob', 'carol']) await server.addUser(name);
  await server.accounts.changeUser(emailOf('root'), { isAdmin: true });
  const admin = await ConsoleClient.signedIn(server, 'root', PASSWORD);
  await server.turnOnTotp((await server.stores.accounts.findUser(emailOf('root')))!);
  return admin;
}

async function startMailServer(refused: readonly string[] = []): Promise<MailServer> {
  const mailServer = await MailServer.start({ refused });
  onTestFinished(() => mailServer.stop());
  return mailServer;
}

const alertOne = (admin: ConsoleClient, name: string) =>
  admin.post<AlertAnswer>(`/api/admin/users/${encodeURIComponent(emailOf(name))}/alert`);
const alertAll = (admin: ConsoleClient) => admin.post<AlertAnswer>('/api/admin/alert');
const isAlerted = async (client: ConsoleClient) => (await client.get<SessionAnswer>('/api/session')).user?.isAlerted;
async function entryOf(admin: ConsoleClient, name: string): Promise<UserEntry> {
  const { users } = await admin.get<UsersAnswer>('/api/admin/users');
  return users.find(({ email }) => email === emailOf(name))!;
}

describe('PRODUCT S4 — alerts', () => {
  test('without a mail server: the user sees it at the next sign-in, until 2FA is on', async () => {
    const admin = await start();
    expect(await alertOne(admin, 'bob')).toEqual({ alerted: 1, mailed: 0, hasMailServer: false });
    expect((await entryOf(admin, 'bob')).alertedAt).toMatch(/^\d{4}-/);
    expect((await entryOf(admin, 'carol')).alertedAt).toBeNull();
    const bob = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
    expect(await isAlerted(bob)).toBe(true);
    await server.turnOnTotp((await server.stores.accounts.findUser(emailOf('bob')))!);
    expect(await isAlerted(bob)).toBe(false);
    expect((await entryOf(admin, 'bob')).alertedAt).toBeNull();
    const refused = await admin.send('POST', `/api/admin/users/${emailOf('bob')}/alert`);
    expect([refused.status, JSON.parse(refused.text).error.kind]).toEqual([409, 'second-factor-on']);
    expect((await admin.send('POST', `/api/admin/users/${emailOf('nobody')}/alert`)).status).toBe(404);
  });

  test('PRODUCT V7 — damage that was found goes by mail to administrators who can sign in, once', async () => {
    const mailServer = await startMailServer();
    await start({ smtpUrl: mailServerUrl(mailServer.port, { scheme: 'smtp', user: '' }) });
    await server.accounts.changeUser(emailOf('carol'), { isAdmin: true });
    await server.accounts.setDisabled(emailOf('carol'), true);
    const parts = new Parts(server.config, server.engines);
    const log = { error: () => {}, warn: () => {}, info: () => {} };
    const damages = parts.makeDamages(
      log,
      parts.makeAlerts(() => {}),
    );
    const damage = { contentId: 'ab'.repeat(32) as BlobId, kind: 'wrong-hash', message: 'it is wrong', foundAt: 1 };
    await server.engines.scrubStore.noteDamage(damage, parts.audit.recordOf('content-damaged', null, SERVER));
    for (let run = 0; run < 2; run++) await damages.tellAdministrators();
    expect(mailServer.mails.map(({ to }) => to)).toEqual([[emailOf('root')]]);
    expect(mailServer.mails[0]!.text).toMatch(/^Subject: Firn: damaged files\r$/m);
    expect(mailServer.mails[0]!.text).toContain('- it is wrong');
  });

  test('with one, each gets a mail of their own, in their name, with the address of the console', async () => {
    const mailServer = await startMailServer();
    const smtpUrl = mailServerUrl(mailServer.port, { scheme: 'smtp', user: '' });
    const admin = await start({ smtpUrl, publicUrl: 'https://files.example.org/' });
    await server.accounts.changeUser(emailOf('bob'), { name: 'Bob "<x@evil.example>, Söhne' });
    expect(await alertOne(admin, 'bob')).toEqual({ alerted: 1, mailed: 1, hasMailServer: true });
    const [mail] = mailServer.mails;
    expect([mail!.from, mail!.to]).toEqual(['firn@example.org', [emailOf('bob')]]);
    expect(mail!.text).toMatch(/^Subject: Firn: please set up two-factor authentication\r$/m);
    expect(mail!.text).toContain('https://files.example.org/ ');
    expect(mail!.text).not.toContain('evil.example>\r\n');
    await server.accounts.setDisabled(emailOf('carol'), true);
    expect(await alertAll(admin)).toEqual({ alerted: 2, mailed: 2, hasMailServer: true });
    expect(
      mailServer.mails
        .slice(1)
        .map(({ to }) => to[0])
        .sort(),
    ).toEqual([emailOf('alice'), emailOf('bob')]);
    const records = await server.stores.security.audit({ kind: 'second-factor-alert' }, null, 9);
    expect(records.map(({ email, actor }) => `${email} ${actor}`).sort()).toEqual(
      ['alice', 'bob', 'bob'].map((name) => `${emailOf(name)} ${emailOf('root')}`),
    );
  });

  test('one address that the mail server refuses keeps no other from their mail', async () => {
    const mailServer = await startMailServer([emailOf('bob')]);
    expected = /No such user/;
    const admin = await start({ smtpUrl: mailServerUrl(mailServer.port, { scheme: 'smtp', user: '' }) });
    expect(await alertAll(admin)).toEqual({ alerted: 3, mailed: 2, hasMailServer: true });
    expect(mailServer.mails.map(({ to }) => to[0]).sort()).toEqual([emailOf('alice'), emailOf('carol')]);
    expect((await entryOf(admin, 'bob')).alertedAt).not.toBeNull();
  });

  test('a mail server that is out of reach fails no alert', async () => {
    const gone = await MailServer.start();
    const { port } = gone;
    await gone.stop();
    expected = /ECONNREFUSED/;
    const admin = await start({ smtpUrl: mailServerUrl(port) });
    expect(await alertAll(admin)).toEqual({ alerted: 3, mailed: 0, hasMailServer: true });
    const carol = await ConsoleClient.signedIn(server, 'carol', PASSWORD);
    expect(await isAlerted(carol)).toBe(true);
  });

  test('a mail server without TLS is never told the password', async () => {
    const mailServer = await startMailServer();
    expected = /STARTTLS/i;
    const admin = await start({ smtpUrl: mailServerUrl(mailServer.port, { scheme: 'smtp', user: MAIL_USER }) });
    expect(await alertOne(admin, 'bob')).toEqual({ alerted: 1, mailed: 0, hasMailServer: true });
    expect([mailServer.connections, mailServer.mails]).toEqual([1, []]);
  });
});
