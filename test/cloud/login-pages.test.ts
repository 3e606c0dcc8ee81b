import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grantOf, LoginClient } from '../support/login-client.js';
import { emailOf, TestServer } from '../support/make-server.js';

let server: TestServer;
let client: LoginClient;

beforeAll(async () => {
  server = await TestServer.start();
  client = new LoginClient(server);
});
afterAll(() => server.stop());

const countOf = async (name = 'alice') => (await server.accounts.appPasswords(emailOf(name))).length;

describe('client-requirements R34 — the page of the login flow keeps others out', () => {
  test('it loads and runs nothing, is in no frame and no cache, and its style is the one that it names', async () => {
    const { login } = await client.start();
    for (const page of [await client.open(login), await client.signIn(login), await client.open(`${login}x`)]) {
      const { headers, text } = page;
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("form-action 'self' nc:");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("base-uri 'none'");
      expect(policy).not.toMatch(/script-src|unsafe/);
      const style = /<style>(.*)<\/style>/s.exec(text)![1]!;
      expect(policy).toContain(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`);
      expect(text).not.toMatch(/<script|\son\w+=|\sstyle=/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['referrer-policy']).toBe('same-origin');
      expect(headers['set-cookie']).toBeUndefined();
    }
  });

  test('text from outside stays text: User-Agent, drive name, e-mail address', async () => {
    const flow = await client.start('<script>alert(1)</script>"\'><img src=x>&');
    const page = await client.open(flow.login);
    expect(page.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page.text).not.toMatch(/<script|<img/);
    const refused = await client.post(flow.login, { email: '"><img src=x>@example.org', password: 'x' });
    expect(refused.text).toContain('value="&quot;&gt;&lt;img src=x&gt;@example.org"');
    expect(refused.text).not.toContain('<img');
    await server.addUser('eve');
    await server.addDrive({ id: 500001, name: '"><script>alert(2)<\\script>', owner: 'eve' });
    const choice = await client.signIn(flow.login, 'eve');
    expect(choice.text).toContain('&lt;script&gt;alert(2)');
    expect(choice.text).not.toContain('<script');
    await client.post(flow.login, { grant: grantOf(choice.text), drive: '500001' });
    expect((await client.poll(flow)).status).toBe(200);
    expect((await server.accounts.appPasswords(emailOf('eve')))[0]!.name).toBe(
      '<script>alert(1)</script>"\'><img src=x>&',
    );
  });

  test('HEAD has the page’s head, other methods are 405', async () => {
    const { login } = await client.start();
    const target = new URL(login).pathname;
    const head = await server.send('HEAD', target);
    expect([head.status, head.text]).toEqual([200, '']);
    for (const method of ['PUT', 'DELETE', 'PROPFIND']) {
      const answer = await server.send(method, target);
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, POST']);
    }
  });

  test('a page that doesn’t exist is a page that says so', async () => {
    const page = await server.send('GET', '/index.php/login/v2/flow/none');
    expect(page.status).toBe(404);
    expect(page.text).toContain('Start again in the program that sent you here.');
  });

  test('a form of more than 16 KiB is 413', async () => {
    const { login } = await client.start();
    expect((await client.post(login, { email: 'x'.repeat(20_000) })).status).toBe(413);
  });
});

describe('client-requirements R34, PRODUCT S5 — signing in on the page', () => {
  test('a wrong password gets the page again with the sentence, the address kept, and no challenge', async () => {
    const { login } = await client.start();
    const page = await client.signIn(login, 'alice', 'not the password at all');
    expect(page.status).toBe(403);
    expect(page.headers['www-authenticate']).toBeUndefined();
    expect(page.text).toContain('<p class="bad" role="alert">The e-mail address or the password is wrong.</p>');
    expect(page.text).toContain('value="alice@example.org"');
    expect(page.text).not.toContain('not the password');
    expect((await client.signIn(login)).status).toBe(200);
  });

  test('PRODUCT S1 — an address with letters beyond ASCII is taken as typed', async () => {
    await server.addMember('jürgen');
    const flow = await client.start();
    // A browser would refuse it in a field of the type "email".
    expect((await client.open(flow.login)).text).not.toContain('type="email"');
    expect((await client.connect(flow.login, 'JÜRGEN'.normalize('NFD'))).status).toBe(200);
    expect(JSON.parse((await client.poll(flow)).text).loginName).toBe('jürgen@example.org');
  });

  test('an unknown user gets the same sentence, an app password is told that it is one', async () => {
    const { login } = await client.start();
    const page = await client.signIn(login, 'unknown', 'some long password');
    expect([page.status, page.text.includes('The e-mail address or the password is wrong.')]).toEqual([403, true]);
    const { secret } = await server.accounts.createAppPassword({
      email: emailOf('alice'),
      name: 'a device',
      driveId: null,
      scopeId: null,
      allowance: 'full',
      expiresAt: null,
    });
    const app = await client.signIn(login, 'alice', secret);
    expect([app.status, grantOf(app.text)]).toEqual([403, '']);
    expect(app.text).toContain('This is an app password. Sign in with your account password here.');
  });

  test('guesses are counted over all flows: 429 with Retry-After, also for the right password', async () => {
    await server.addMember('frank');
    let page = await client.signIn((await client.start()).login, 'frank', 'wrong 0');
    for (let guess = 1; page.status === 403 && guess < 20; guess++) {
      page = await client.signIn((await client.start()).login, 'frank', `wrong ${guess}`);
    }
    expect(page.status).toBe(429);
    expect(page.text).toMatch(/Too many wrong passwords\. Try again in \d+ seconds\./);
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0);
    const { login } = await client.start();
    const right = await client.signIn(login, 'frank');
    expect([right.status, grantOf(right.text)]).toEqual([429, '']);
    const basicSignIn = await server.send('PROPFIND', '/remote.php/webdav/', {
      user: 'frank',
      headers: { Depth: '0' },
    });
    expect(basicSignIn.status).toBe(429);
  });

  test('a disabled user is let in neither before nor after', async () => {
    await server.addMember('gina');
    const { login } = await client.start();
    await server.accounts.setDisabled(emailOf('gina'), true);
    const page = await client.signIn(login, 'gina');
    expect([page.status, grantOf(page.text)]).toEqual([403, '']);
    expect(page.text).toContain('This account is disabled.');
  });
});

describe('client-requirements R34 — the grant', () => {
  test('a form from another site does nothing, anyone who sends it', async () => {
    const flow = await client.start();
    for (const Origin of ['https://evil.example', 'null', `http://127.0.0.1:${server.port + 1}`, 'not an origin']) {
      const page = await client.post(flow.login, { email: emailOf('alice'), password: 'x' }, { Origin });
      expect(page.status).toBe(403);
      expect(page.text).toContain('This form was sent from another site.');
    }
    const grant = grantOf((await client.signIn(flow.login)).text);
    const before = await countOf();
    const elsewhere = await client.post(flow.login, { grant, drive: '123456' }, { Origin: 'https://evil.example' });
    expect([elsewhere.status, await countOf(), (await client.poll(flow)).status]).toEqual([403, before, 404]);
    expect((await client.post(flow.login, { grant, drive: '123456' })).status).toBe(200);
  });

  test('counts once: a form that is sent again, at once or later, makes no second password', async () => {
    const flow = await client.start();
    const { login } = flow;
    const grant = grantOf((await client.signIn(login)).text);
    const before = await countOf();
    const again = () => client.post(login, { grant, drive: '123456' });
    const statuses = (await Promise.all([again(), again(), again()])).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 404, 404]);
    expect((await again()).status).toBe(404);
    expect(await countOf()).toBe(before);
    const polls = await Promise.all([client.poll(flow), client.poll(flow), client.poll(flow)]);
    expect(polls.map(({ status }) => status).sort()).toEqual([200, 404, 404]);
    expect(await countOf()).toBe(before + 1);
  });

  test('needs what the page gave to who signed in last: no guess, no other flow’s, no earlier one', async () => {
    const [one, other] = [await client.start(), await client.start()];
    const before = await countOf();
    const earlier = grantOf((await client.signIn(one.login)).text);
    const grant = grantOf((await client.signIn(one.login)).text);
    await client.signIn(other.login);
    for (const [page, wrong] of [
      [one, ''],
      [one, 'guess'],
      [one, earlier],
      [other, grant],
    ] as const) {
      expect((await client.post(page.login, { grant: wrong, drive: '123456' })).status).toBe(404);
    }
    expect(await countOf()).toBe(before);
    const untouched = await client.start();
    expect((await client.post(untouched.login, { grant: '', drive: '123456' })).status).toBe(404);
  });

  test.each(['500001', '999999', '', '0', '-1', '1e5', '123456.5', 'x'])(
    'the drive “%s” isn’t theirs: no password, and the page again',
    async (drive) => {
      const flow = await client.start();
      const grant = grantOf((await client.signIn(flow.login)).text);
      const before = await countOf();
      const page = await client.post(flow.login, { grant, drive });
      expect([page.status, page.text.includes('This is no drive of yours.')]).toEqual([403, true]);
      expect([await countOf(), (await client.poll(flow)).status]).toEqual([before, 404]);
      expect((await client.connect(flow.login)).status).toBe(200);
    },
  );

  test.each([
    [
      'another password',
      (name: string) => server.accounts.setPassword(emailOf(name), 'nine lazy herons under a bridge'),
    ],
    ['a second factor', async (name: string) => server.turnOnTotp(await server.accounts.readUser(emailOf(name)))],
    ['no account', (name: string) => server.accounts.setDisabled(emailOf(name), true)],
  ])('PRODUCT S1 — who signed in before the owner had %s gets nothing', async (what, change) => {
    const name = `owner-${what.replaceAll(' ', '-')}`;
    await server.addMember(name);
    const flow = await client.start();
    const grant = grantOf((await client.signIn(flow.login, name)).text);
    await change(name);
    const page = await client.post(flow.login, { grant, drive: '123456' });
    expect([page.status, page.text.includes('Your account was changed meanwhile.')]).toEqual([403, true]);
    expect([await countOf(name), (await client.poll(flow)).status]).toEqual([0, 404]);
  });

  test('in a web view goes to the address at which the page is, whatever began the flow', async () => {
    const begun = await server.send('GET', '/index.php/login/flow', { headers: { Host: 'evil.example' } });
    const page = new URL(String(begun.headers.location)).pathname;
    const here = `http://127.0.0.1:${server.port}`;
    const granted = await client.connect(`${here}${page}`);
    expect(String(granted.headers.location)).toMatch(new RegExp(`^nc://login/server:${here}&user:`));
  });

  test('who was a member when they signed in but isn’t any more gets nothing', async () => {
    await server.addMember('hans');
    const flow = await client.start();
    const grant = grantOf((await client.signIn(flow.login, 'hans')).text);
    await server.accounts.removeMember(123456, emailOf('hans'));
    expect((await client.post(flow.login, { grant, drive: '123456' })).status).toBe(403);
    expect([await countOf('hans'), (await client.poll(flow)).status]).toEqual([0, 404]);
  });
});
