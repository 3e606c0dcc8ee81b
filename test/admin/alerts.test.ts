import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootServer } from '../support/boot-server.js';
import { sendRequest } from '../support/http-client.js';
import { MAIL_PASSWORD, MAIL_USER, MailServer, mailServerUrl } from '../support/mail-server.js';
import { type ProgramResult, runProgram } from '../support/run-program.js';
import { makeThrowawayCa, type ThrowawayCa } from '../support/throwaway-ca.js';
import { makeStorage } from './firn.js';

const PROGRAM = fileURLToPath(new URL('../../bin/firn.js', import.meta.url));
const MAIL_FROM = 'Firn <firn@example.org>';
/** As the setting has it, and as SMTP sends it. */
const SECRETS = [
  MAIL_PASSWORD,
  encodeURIComponent(MAIL_PASSWORD),
  Buffer.from(MAIL_PASSWORD).toString('base64'),
  Buffer.from(`\0${MAIL_USER}\0${MAIL_PASSWORD}`).toString('base64'),
];

let folder: string;
let ca: ThrowawayCa;
let storage: string;
beforeAll(async () => {
  const made = await makeStorage(afterAll);
  for (const email of ['anna@x', 'bert@x']) await made.firn('user', 'create', email);
  storage = made.storage;
  folder = await mkdtemp(path.join(tmpdir(), 'firn-mail-'));
  ca = await makeThrowawayCa(folder, ['localhost']);
});
afterAll(() => rm(folder, { recursive: true }));

/** To anna and bert, who have no second factor; the machine trusts the mail server's authority, or not. */
async function alert(smtpUrl: string | null, words: string[], isTrusted = true): Promise<ProgramResult> {
  const config = path.join(storage, 'firn.config.json');
  await writeFile(config, JSON.stringify({ smtpUrl, mailFrom: MAIL_FROM, publicUrl: 'https://files.example.org' }));
  const environment = { FIRN_STORAGE: storage, ...(isTrusted ? { NODE_EXTRA_CA_CERTS: ca.caFile } : {}) };
  const result = await runProgram(process.execPath, [PROGRAM, 'user', 'alert', ...words, '--json'], { environment });
  for (const secret of SECRETS) expect(result.output + result.errors).not.toContain(secret);
  return result;
}

const reportOf = ({ code, output, errors }: ProgramResult) => {
  if (code !== 0) throw new Error(errors);
  return JSON.parse(output) as { alerted: number; mailed: number };
};

async function withMailServer<T>(mode: 'smtps' | 'starttls', work: (server: MailServer) => Promise<T>): Promise<T> {
  const server = await MailServer.start({ ca, mode });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

describe('PRODUCT S4 — firn user alert', () => {
  it.each([
    ['TLS from the start', 'smtps', 'smtps'],
    ['STARTTLS', 'smtp', 'starttls'],
  ] as const)('mails everyone by a server that wants a password, over %s', async (_name, scheme, mode) => {
    await withMailServer(mode, async (server) => {
      const result = await alert(mailServerUrl(server.port, { scheme }), ['--all']);
      expect(reportOf(result)).toEqual({ alerted: 2, mailed: 2 });
      expect(server.mails.map(({ to }) => to[0]).sort()).toEqual(['anna@x', 'bert@x']);
      for (const { isSecure, user, text } of server.mails) {
        expect([isSecure, user]).toEqual([true, MAIL_USER]);
        expect(text).toContain('Sign in at https://files.example.org/ and open "Security"');
      }
    });
  });

  it('fails no alert for a password that the mail server refuses, one it can’t trust, or none', async () => {
    await withMailServer('smtps', async (server) => {
      const refused = await alert(mailServerUrl(server.port, { user: 'somebody' }), ['anna@x']);
      expect(reportOf(refused)).toEqual({ alerted: 1, mailed: 0 });
      expect(refused.errors).toContain('the mail server refused the user or the password of smtpUrl');
      const foreign = await alert(mailServerUrl(server.port), ['--all'], false);
      expect(reportOf(foreign)).toEqual({ alerted: 2, mailed: 0 });
      expect(foreign.errors).toMatch(/certificate/);
      expect(server.mails).toEqual([]);
    });
    const silent = await alert(null, ['anna@x']);
    expect([reportOf(silent), silent.errors]).toEqual([
      { alerted: 1, mailed: 0 },
      'Users who see it at their next sign-in: 1; no mail server is set (smtpUrl).\n',
    ]);
  });

  it('wants to know whom, and takes no address that isn’t a mail server’s', async () => {
    for (const words of [[], ['anna@x', '--all']]) {
      expect(await alert(null, words)).toMatchObject({ code: 2, errors: 'error: Give an e-mail address, or --all.\n' });
    }
    for (const url of ['https://mail.example.org', `smtps://u:${MAIL_PASSWORD}@host`, 'smtps://u:p@host/?tls=off']) {
      const { code, errors } = await alert(url, ['--all']);
      expect([code, errors]).toEqual([1, expect.stringMatching(/smtpUrl.* is wrong: needs the form smtps:/)]);
    }
  });
});

describe('PRODUCT S4 — alerts of a running server', () => {
  it('go out over TLS with a password, which is in no log', async () => {
    await withMailServer('smtps', async (mailServer) => {
      const server = await bootServer({
        environment: { NODE_EXTRA_CA_CERTS: ca.caFile, FIRN_LOG_LEVEL: 'debug' },
        settings: { smtpUrl: mailServerUrl(mailServer.port), mailFrom: MAIL_FROM },
      });
      try {
        const password = (await server.firn('user', 'create', 'root@example.org', '--admin')).trim();
        const headers = { 'Content-Type': 'application/json' };
        const post = async (target: string, body: object, more: Record<string, string> = {}) =>
          sendRequest(server.port, 'POST', target, { headers: { ...headers, ...more }, body: JSON.stringify(body) });
        const signedIn = await post('/api/session', { email: 'root@example.org', password });
        const cookie = signedIn.headers['set-cookie']![0]!.split(';')[0]!;
        const proof = { Cookie: cookie, 'X-CSRF-Token': JSON.parse(signedIn.text).csrfToken as string };
        const one = await post(`/api/admin/users/${server.user}/alert`, {}, proof);
        expect([one.status, JSON.parse(one.text)]).toEqual([200, { alerted: 1, mailed: 1, hasMailServer: true }]);
        expect(mailServer.mails).toMatchObject([{ to: [server.user], isSecure: true, user: MAIL_USER }]);
        expect(mailServer.mails[0]!.text).toContain(`Sign in at ${server.url}/`);
        await mailServer.stop();
        const all = await post('/api/admin/alert', {}, proof);
        expect(JSON.parse(all.text)).toEqual({ alerted: 2, mailed: 0, hasMailServer: true });
        expect(server.logs()).toContain('a mail could not be sent');
        for (const secret of SECRETS) expect(server.logs()).not.toContain(secret);
      } finally {
        await server.remove();
      }
    });
  });
});
