import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LoginClient } from '../support/login-client.js';
import { authorizationOf, emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { singleCalls } from '../support/single-calls.js';

let strict: TestServer;
let lax: TestServer;
beforeAll(async () => {
  strict = await TestServer.start();
  lax = await TestServer.start({ secondFactorRuleForDrives: false });
});
afterAll(async () => {
  await strict.stop();
  await lax.stop();
});

const require = async (isRequired: boolean) => {
  for (const { engines } of [strict, lax]) await singleCalls(engines.metadata).security.requireSecondFactor(isRequired);
};
afterEach(() => require(false));

const list = (server: TestServer, authorization = authorizationOf('alice')) =>
  server.as(authorization)('PROPFIND', '/', { headers: { Depth: '0' } });
const mint = (server: TestServer) =>
  server.send('GET', '/ocs/v2.php/core/getapppassword?format=json', {
    user: 'alice',
    headers: { 'OCS-APIRequest': 'true' },
  });
const passwords = async (server: TestServer) => (await server.accounts.appPasswords(emailOf('alice'))).length;

describe('security 9 — two-factor authentication that is required of everyone', () => {
  test('shuts drives for the account password of who has none, with a sentence, from the next request on', async () => {
    const device = await strict.addAppPassword('alice');
    expect((await list(strict)).status).toBe(207);
    await require(true);
    for (let times = 0; times < 2; times++) {
      const { status, text, headers } = await list(strict);
      expect([status, headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Basic /)]);
      expect(text).toMatch(
        /<F:message>Two-factor authentication is required here[^<]*app password[^<]*\.<\/F:message>/,
      );
    }
    // What was let in before goes on; the command line may let in more.
    expect((await list(strict, device.authorization)).status).toBe(207);
    expect((await list(strict, (await strict.addAppPassword('alice')).authorization)).status).toBe(207);
    await require(false);
    expect((await list(strict)).status).toBe(207);
  });

  test('counts for what is under way, too', async () => {
    let go = () => {};
    let begin = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const body = (async function* () {
      yield Buffer.alloc(50_000);
      begin();
      await gate;
      yield Buffer.alloc(50_000);
    })();
    const putting = strict.as('alice')('PUT', '/late', { body, headers: { Expect: '100-continue' } });
    await begun;
    await require(true);
    go();
    expect((await putting).status).toBe(401);
    await require(false);
    expect((await strict.as('alice')('GET', '/late')).status).toBe(404);
  });

  test('leaves drives open where the setting says so, and lets no program make an app password', async () => {
    await require(true);
    expect((await list(lax)).status).toBe(207);
    for (const [server, status] of [
      [strict, 401],
      [lax, 403],
    ] as const) {
      const before = await passwords(server);
      const { text, ...answer } = await mint(server);
      expect(answer.status).toBe(status);
      expect(text).toMatch(/Two-factor authentication is required here/);
      expect(await passwords(server)).toBe(before);
    }
  });

  test('offers no grant in the login flow, and makes none of one that was offered before', async () => {
    for (const server of [strict, lax]) {
      const client = new LoginClient(server);
      const before = await passwords(server);
      const offered = await client.start();
      const page = await client.signIn(offered.login);
      const grant = /name="grant" value="([^"]+)"/.exec(page.text)![1]!;
      await require(true);
      const granted = await client.post(offered.login, { grant, drive: '123456' });
      expect([granted.status, granted.text]).toEqual([
        403,
        expect.stringMatching(/Two-factor authentication is required/),
      ]);
      const late = await client.start();
      const refused = await client.signIn(late.login);
      expect([refused.status, refused.text]).toEqual([
        403,
        expect.stringMatching(/Two-factor authentication is required/),
      ]);
      expect(refused.text).not.toContain('name="grant"');
      expect((await client.poll(offered)).status).toBe(404);
      expect(await passwords(server)).toBe(before);
      await require(false);
    }
  });

  test('still lets people into the console to set it up, and who has it go on as ever', async () => {
    await require(true);
    const body = JSON.stringify({ email: emailOf('alice'), password: PASSWORD });
    const headers = { 'Content-Type': 'application/json' };
    const { status, text } = await strict.send('POST', '/api/session', { headers, body });
    expect([status, JSON.parse(text)]).toEqual([201, expect.objectContaining({ stage: 'full' })]);
    const user = (await lax.stores.accounts.findUser(emailOf('alice')))!;
    await lax.turnOnTotp(user);
    expect(await lax.stores.accounts.lacksRequiredFactor(user.id)).toBe(false);
    expect((await list(lax)).status).toBe(401);
    expect((await list(lax)).text).toMatch(/Two-factor authentication is on/);
    await lax.stores.security.removeSecondFactors(user.id);
    expect(await lax.stores.accounts.lacksRequiredFactor(user.id)).toBe(true);
  });
});
