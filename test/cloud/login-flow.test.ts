import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { totpCode } from '../../src/accounts/totp.js';
import { drivesOf, grantOf, LoginClient, type Way } from '../support/login-client.js';
import { basic, emailOf, TestServer } from '../support/make-server.js';

const USER = 'alice@example.org';
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addDrive({ id: 400001, name: 'Second' });
});
afterAll(() => server.stop());

interface Granted {
  readonly server: string;
  readonly loginName: string;
  readonly appPassword: string;
}

/** The status of a PROPFIND with the granted password, on each drive. */
async function reach(on: TestServer, { loginName, appPassword }: Granted, ids: readonly number[]): Promise<number[]> {
  const drive = (id: number) => on.as(basic(loginName, appPassword), id);
  return Promise.all(ids.map(async (id) => (await drive(id)('PROPFIND', '/', { headers: { Depth: '0' } })).status));
}
const namesOf = async (email = USER) => (await server.accounts.appPasswords(email)).map(({ name }) => name);

/** From the start to the password, as an app goes through it. */
async function complete(on: TestServer, way: Way, drive?: number): Promise<Granted> {
  const client = new LoginClient(on, way);
  const flow = await client.start();
  const before = await client.poll(flow);
  expect([before.status, before.text]).toEqual([404, '[]']);
  const page = await client.open(flow.login);
  expect(page.status).toBe(200);
  expect(page.text).toContain('<strong>Nextcloud Android 3.29.1</strong>');
  const done = await client.connect(flow.login, 'alice', drive);
  expect(done.status).toBe(200);
  expect(done.text).toContain('You can close this window');
  const answer = await client.poll(flow);
  expect(answer.status).toBe(200);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect((await client.poll(flow)).status).toBe(404);
  expect((await client.open(flow.login)).status).toBe(404);
  return JSON.parse(answer.text);
}

describe('client-requirements R34, §2.10 — login flow v2, from the start to the password', () => {
  test('at the bare address the user chooses among their drives, and the password is for the chosen one', async () => {
    const granted = await complete(server, {}, 400001);
    expect(granted).toMatchObject({ server: `http://127.0.0.1:${server.port}`, loginName: USER });
    expect(await reach(server, granted, [400001, 123456])).toEqual([207, 404]);
    const headers = { Authorization: basic(USER, granted.appPassword), Depth: '0' };
    expect((await server.send('PROPFIND', `/remote.php/dav/files/${USER}/`, { headers })).text).toContain('>Second<');
    expect((await server.send('PROPFIND', '/remote.php/webdav/', { headers })).text).toContain('>Second<');
    expect(await namesOf()).toContain('Nextcloud Android 3.29.1');
  });

  test('at a path mount it is for that drive, whatever the form says', async () => {
    const granted = await complete(server, { prefix: '/dav/400001' }, 123456);
    expect(granted.server).toBe(`http://127.0.0.1:${server.port}/dav/400001`);
    expect(await reach(server, granted, [400001, 123456])).toEqual([207, 404]);
  });

  test('at a drive’s own host it is for that drive', async () => {
    const granted = await complete(server, { headers: { Host: '400001.connect.example.org:8443' } });
    expect(granted.server).toBe('http://400001.connect.example.org:8443');
    expect(await reach(server, granted, [400001, 123456])).toEqual([207, 404]);
  });

  test('the page lists the drives of anyone who signs in, the one of their setting or the oldest first', async () => {
    await server.addDrive({ id: 100001, name: 'Youngest' });
    await server.addMember('bob', { driveId: 123456 });
    await server.accounts.setOwnDrive(USER, 400001);
    const offeredTo = async (name: string, way: Way = {}) => {
      const client = new LoginClient(server, way);
      return drivesOf((await client.signIn((await client.start()).login, name)).text);
    };
    expect(await offeredTo('alice')).toEqual([400001, 123456, 100001]);
    expect(await offeredTo('alice', { prefix: '/dav/123456' })).toEqual([123456]);
    expect(await offeredTo('bob')).toEqual([123456]);
    await server.accounts.setOwnDrive(USER, null);
    expect(await offeredTo('alice')).toEqual([123456, 400001, 100001]);
  });

  test('who is a member of no drive, or not of the one at the address, is told so and can’t grant', async () => {
    await server.addUser('nobody');
    const textFor = async (way: Way) => {
      const client = new LoginClient(server, way);
      const { status, text } = await client.signIn((await client.start()).login, 'nobody');
      expect([status, grantOf(text)]).toEqual([403, '']);
      return text;
    };
    expect(await textFor({})).toContain('You are a member of no drive yet.');
    const others = await textFor({ prefix: '/dav/123456' });
    expect(others).toContain('You are no member of the drive at this address.');
    // PRODUCT A3: IDs can't be probed.
    expect(await textFor({ prefix: '/dav/999999' })).toBe(others);
  });

  test('§2.12 — Nextcloud’s iOS app polls with the token in the query and no body', async () => {
    const client = new LoginClient(server);
    const flow = await client.start('Mozilla/5.0 (iOS) Nextcloud-iOS/6.2.0');
    expect((await client.pollByQuery(flow)).status).toBe(404);
    await client.connect(flow.login);
    expect(JSON.parse((await client.pollByQuery(flow)).text).loginName).toBe(USER);
    expect((await client.pollByQuery(flow)).status).toBe(404);
  });

  test('an e-mail address in another spelling is the account’s own in the answer', async () => {
    const client = new LoginClient(server);
    const flow = await client.start();
    const page = await client.signIn(flow.login, 'ALICE');
    await client.post(flow.login, { grant: grantOf(page.text), drive: '123456' });
    expect(JSON.parse((await client.poll(flow)).text).loginName).toBe(USER);
  });

  test('a poll without a token, with an unknown one or with that of the page is 404', async () => {
    const client = new LoginClient(server);
    const { login, poll } = await client.start();
    for (const token of ['', 'x', login.split('/').at(-1)!]) {
      expect((await client.poll({ login, poll: { ...poll, token } })).status).toBe(404);
    }
    expect((await server.send('POST', '/index.php/login/v2/poll')).status).toBe(404);
  });

  test('the password is revoked like any other', async () => {
    const granted = await complete(server, {});
    await server.accounts.revokeAppPasswords(emailOf('alice'));
    expect(await reach(server, granted, [123456])).toEqual([401]);
  });
});

describe('client-requirements 2.12 — login flow v1, in a web view', () => {
  test.each([
    ['the bare address', '', {}],
    ['a path mount', '/dav/123456', {}],
    ['a drive’s own host', '', { Host: '123456.connect.example.org' }],
  ])('%s leads to the page, and the grant to nc://', async (_, prefix, headers) => {
    const client = new LoginClient(server, { headers });
    const begun = await server.send('GET', `${prefix}/index.php/login/flow`, {
      headers: { 'User-Agent': 'Mozilla/5.0 (Android) Nextcloud-android/3.29.1', 'OCS-APIRequest': 'true', ...headers },
    });
    expect(begun.status).toBe(303);
    const page = String(begun.headers.location);
    const base = `http://${(headers as { Host?: string }).Host ?? `127.0.0.1:${server.port}`}${prefix}`;
    expect(page.startsWith(`${base}/index.php/login/v2/flow/`)).toBe(true);
    const granted = await client.connect(page);
    expect(granted.status).toBe(303);
    expect(granted.headers['cache-control']).toBe('no-store');
    const [, address, user, password] = /^nc:\/\/login\/server:(.*)&user:(.*)&password:(.*)$/.exec(
      String(granted.headers.location),
    )!;
    expect([address, user]).toEqual([base, 'alice%40example.org']);
    const appPassword = decodeURIComponent(password!);
    expect(await reach(server, { server: '', loginName: USER, appPassword }, [123456])).toEqual([207]);
    expect((await client.open(page)).status).toBe(404);
  });
});

describe('client-requirements 2.10 — the addresses of a flow are those by which the client reaches the server', () => {
  const addressOf = async (on: TestServer, headers: Record<string, string>, prefix = '') => {
    const flow = await new LoginClient(on, { prefix, headers }).start();
    expect(flow.poll.endpoint.replace(/\/poll$/, '')).toBe(flow.login.replace(/\/flow\/[^/]+$/, ''));
    return flow.login.replace(/\/index\.php\/.*$/, '');
  };

  test('PRODUCT A5 — a trusted proxy says that the client speaks TLS', async () => {
    const behind = await TestServer.start({ trustedProxies: ['127.0.0.0/8'] });
    const headers = { Host: 'cloud.example.org', 'X-Forwarded-Proto': 'https' };
    expect(await addressOf(behind, headers)).toBe('https://cloud.example.org');
    expect(await addressOf(behind, headers, '/dav/123456')).toBe('https://cloud.example.org/dav/123456');
    expect(await addressOf(behind, { ...headers, Host: '123456.connect.example.org' })).toBe(
      'https://123456.connect.example.org',
    );
    expect(await addressOf(behind, { ...headers, 'X-Forwarded-Proto': 'http' })).toBe('http://cloud.example.org');
    const granted = await complete(behind, { headers });
    expect(granted.server).toBe('https://cloud.example.org');
    // The page shows the address of the program behind the proxy, not the proxy's.
    const client = new LoginClient(behind, { headers: { ...headers, 'X-Forwarded-For': '203.0.113.9' } });
    expect((await client.open((await client.start()).login)).text).toContain('203.0.113.9');
    await behind.stop();
  });

  test('a proxy that nobody trusts says nothing', async () => {
    const headers = { Host: 'cloud.example.org', 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.9' };
    expect(await addressOf(server, headers)).toBe('http://cloud.example.org');
    const client = new LoginClient(server, { headers });
    expect((await client.open((await client.start()).login)).text).toContain('127.0.0.1');
  });

  test('publicUrl counts, but not for a drive’s own host; the form works though the proxy sends another Host', async () => {
    const behind = await TestServer.start({ publicUrl: 'https://files.example.org/' });
    const headers = { Host: 'firn:8080' };
    expect(await addressOf(behind, headers)).toBe('https://files.example.org');
    expect(await addressOf(behind, headers, '/dav/123456')).toBe('https://files.example.org/dav/123456');
    expect(await addressOf(behind, { Host: '123456.connect.example.org' })).toBe('http://123456.connect.example.org');
    expect((await complete(behind, { headers })).server).toBe('https://files.example.org');
    expect((await complete(behind, { headers, prefix: '/dav/123456' })).server).toBe(
      'https://files.example.org/dav/123456',
    );
    await behind.stop();
  });
});

describe('PRODUCT S3 — the login flow where two-factor authentication is on', () => {
  test('wants a code after the password, once, and grants nothing without it', async () => {
    await server.addMember('dora');
    const { secret } = await server.turnOnTotp((await server.stores.accounts.findUser(emailOf('dora')))!);
    const client = new LoginClient(server);
    const flow = await client.start();
    const asked = await client.signIn(flow.login, 'dora');
    expect([asked.status, grantOf(asked.text)]).toEqual([200, '']);
    const step = /name="step" value="([^"]+)"/.exec(asked.text)![1]!;
    const wrong = await client.post(flow.login, { step, code: '000000' });
    expect([wrong.status, wrong.text]).toEqual([403, expect.stringContaining('This code is wrong')]);
    expect((await client.post(flow.login, { step: 'guess', code: '000000' })).status).toBe(404);
    expect((await client.post(flow.login, { grant: step, drive: '123456' })).status).toBe(404);
    const good = await client.post(flow.login, { step, code: totpCode(secret, Date.now()) });
    expect([good.status, good.text]).toEqual([200, expect.stringContaining('Allow access')]);
    expect((await client.post(flow.login, { step, code: totpCode(secret, Date.now() + 30_000) })).status).toBe(404);
    const done = await client.post(flow.login, { grant: grantOf(good.text), drive: '123456' });
    expect(done.status).toBe(200);
    const granted = JSON.parse((await client.poll(flow)).text) as Granted;
    expect(await reach(server, granted, [123456])).toEqual([207]);
  });
});
