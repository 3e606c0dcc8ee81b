import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Audit } from '../../src/accounts/audit.js';
import { Authenticator } from '../../src/accounts/authenticator.js';
import { Passwords } from '../../src/accounts/passwords.js';
import { type Engines, openEngines } from '../../src/engines/open-engines.js';
import type { DriveId } from '../../src/stores/values.js';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { KEY_BOX, throttleOn } from '../support/guess-throttle.js';
import { basic } from '../support/make-server.js';
import { inFolder } from '../support/storage-config.js';
import { buildFirn } from './firn.js';

let server: BootedServer;
let engines: Engines;
/** What a second process on the same storage knows of credentials. */
let beside: Authenticator;

beforeAll(async () => {
  await buildFirn();
  server = await bootServer();
  engines = await openEngines(inFolder(server.storage));
  beside = new Authenticator(engines.metadata, new Passwords(), {
    audit: new Audit(engines.metadata),
    throttle: throttleOn(engines.metadata),
    box: KEY_BOX,
    onError: (error) => {
      throw error;
    },
  });
});
afterAll(async () => {
  await beside?.close();
  await engines?.close();
  await server?.remove();
});

/** The status that a device gets from the server with an app password. */
async function knock(password: string): Promise<number> {
  const Authorization = basic(server.user, password);
  const { status } = await fetch(server.pathMount, { method: 'PROPFIND', headers: { Authorization, Depth: '0' } });
  return status;
}

/** What the second process says of it. */
async function knockBeside(password: string): Promise<string> {
  const credentials = { userName: server.user, password };
  const answer = await beside.authenticate(credentials, Number(server.driveId) as DriveId, '127.0.0.1', 'a device');
  return answer.kind === 'refused' ? answer.reason : answer.kind;
}

async function makeAppPassword(name: string): Promise<{ password: string; id: number }> {
  const password = (await server.firn('app-password', 'create', server.user, name)).trim();
  const rows = await listAppPasswords();
  return { password, id: rows.find((row) => row.name === name)!.id };
}

async function listAppPasswords(): Promise<{ id: number; name: string; revokedAt: string | null }[]> {
  return JSON.parse(await server.firn('app-password', 'list', server.user, '--json'));
}

interface Console {
  send(method: string, path: string, body?: unknown): Promise<Response>;
  stage(): Promise<string>;
}

/** A browser that is signed in to the server's console. */
async function openConsole(password: string): Promise<Console> {
  const body = JSON.stringify({ email: server.user, password });
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(`${server.url}/api/session`, { method: 'POST', headers, body });
  expect(answer.status).toBe(201);
  const { csrfToken } = (await answer.json()) as { csrfToken: string };
  const own = { Cookie: answer.headers.get('set-cookie')!.split(';')[0]!, 'X-CSRF-Token': csrfToken };
  return {
    send: (method, path, json) =>
      fetch(`${server.url}${path}`, {
        method,
        headers: { ...own, ...(json === undefined ? {} : headers) },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      }),
    stage: async () =>
      ((await (await fetch(`${server.url}/api/session`, { headers: own })).json()) as { stage: string }).stage,
  };
}

describe('an app password that was revoked is refused by a second process at once', () => {
  test('revoked by the command, one and all: the server refuses the next request, though it knows it as good', async () => {
    const [one, other] = [await makeAppPassword('one'), await makeAppPassword('other')];
    for (const { password } of [one, other, one, other]) expect(await knock(password)).toBe(207);
    await server.firn('app-password', 'revoke', server.user, String(one.id));
    expect([await knock(one.password), await knock(other.password)]).toEqual([401, 207]);
    await server.firn('app-password', 'revoke-all', server.user);
    expect(await knock(other.password)).toBe(401);
  });

  test('revoked in the console: the other process refuses it, though it knows it as good, and the command shows it', async () => {
    const { password, id } = await makeAppPassword('console');
    for (let time = 0; time < 2; time++) expect(await knockBeside(password)).toBe('granted');
    const browser = await openConsole(server.accountPassword);
    expect((await browser.send('DELETE', `/api/app-passwords/${id}`)).status).toBe(204);
    expect(await knockBeside(password)).toBe('revoked');
    expect(await knock(password)).toBe(401);
    expect((await listAppPasswords()).find((row) => row.id === id)!.revokedAt).not.toBeNull();
  });
});

describe('what a command changes beside the server holds from the next request on', () => {
  test('a user who is disabled: neither device nor browser goes on', async () => {
    const { password } = await makeAppPassword('disabled');
    const browser = await openConsole(server.accountPassword);
    expect([await knock(password), await browser.stage()]).toEqual([207, 'full']);
    await server.firn('user', 'disable', server.user);
    expect([await knock(password), await browser.stage()]).toEqual([401, 'signed-out']);
    await server.firn('user', 'enable', server.user);
    expect(await knock(password)).toBe(207);
  });

  test('another account password ends the sessions, and the old one is refused', async () => {
    const browser = await openConsole(server.accountPassword);
    expect(await knock(server.accountPassword)).toBe(207);
    const next = (await server.firn('user', 'set-password', server.user)).trim();
    expect([await browser.stage(), await knock(server.accountPassword)]).toEqual(['signed-out', 401]);
    expect([await knock(next), await (await openConsole(next)).stage()]).toEqual([207, 'full']);
  });

  test('a second factor that is required: a browser that is signed in can do nothing but set it up', async () => {
    const browser = await openConsole((await server.firn('user', 'set-password', server.user)).trim());
    expect((await browser.send('GET', '/api/drives')).status).toBe(200);
    await server.firn('user', 'require-2fa', 'on');
    expect((await browser.send('GET', '/api/drives')).status).toBe(403);
    await server.firn('user', 'require-2fa', 'off');
    expect((await browser.send('GET', '/api/drives')).status).toBe(200);
  });
});
