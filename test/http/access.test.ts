import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic, type DriveRequest, emailOf, TestServer } from '../support/make-server.js';
import { askFor, change, hrefsOf, parseMultistatus, textIn } from '../support/multistatus.js';

const OTHER = 222222;
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addDrive({ id: OTHER, name: 'Other' });
  alice = server.as('alice');
  await alice('MKCOL', '/notes');
  await alice('MKCOL', '/notes/sub');
  await alice('PUT', '/notes/n.md', { body: 'note' });
  await alice('PUT', '/outside.txt', { body: 'outside' });
});
afterAll(() => server.stop());

const LOCK =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
const to = (path: string, headers = {}) => ({ headers: { Destination: server.urlOf(path), ...headers } });
const read = async (request: DriveRequest, path: string) => {
  const { status, text } = await request('GET', path);
  return status === 200 ? text : status;
};
/** Every method that changes something, aimed at what is there and at new names. */
const CHANGES: [string, string, { body?: string; headers?: Record<string, string> }?][] = [
  ['PUT', '/notes/n.md', { body: 'x' }],
  ['PUT', '/notes/new', { body: 'x' }],
  ['PUT', '/notes/new', { body: 'x'.repeat(50_000) }],
  ['MKCOL', '/notes/newfolder'],
  ['DELETE', '/notes/n.md'],
  ['DELETE', '/notes'],
  ['PROPPATCH', '/notes/n.md', { body: change({ '{urn:x}a': 'b' }) }],
  ['LOCK', '/notes/n.md', { body: LOCK }],
  ['LOCK', '/notes/newlock', { body: LOCK }],
];
const TRANSFERS: [string, string, string][] = [
  ['COPY', '/notes/n.md', '/notes/copy'],
  ['COPY', '/notes', '/notes2'],
  ['MOVE', '/notes/n.md', '/notes/moved'],
  ['MOVE', '/notes', '/moved'],
  ['MOVE', '/notes/n.md', '/Trash/n.md'],
  ['COPY', '/outside.txt', '/notes/n.md'],
];

/** Expects that nothing can be changed, and everything be read. */
async function expectReadsOnly(reader: DriveRequest): Promise<void> {
  const before = hrefsOf((await alice('PROPFIND', '/', { headers: { Depth: 'infinity' } })).text);
  for (const [method, path, options] of CHANGES)
    expect([method, path, (await reader(method, path, options)).status]).toEqual([method, path, 403]);
  for (const [method, from, target] of TRANSFERS)
    expect([method, from, (await reader(method, from, to(target))).status]).toEqual([method, from, 403]);
  expect(hrefsOf((await alice('PROPFIND', '/', { headers: { Depth: 'infinity' } })).text)).toEqual(before);
  expect(await read(reader, '/notes/n.md')).toBe('note');
  expect((await reader('PROPFIND', '/notes', { headers: { Depth: '1' } })).status).toBe(207);
}

describe('PRODUCT S2 — limits of app passwords', () => {
  test('read-only: reads everything, changes nothing', async () => {
    const { authorization } = await server.addAppPassword('alice', { allowance: 'read-only' });
    await expectReadsOnly(server.as(authorization));
    const { text } = await server.as(authorization)('PROPFIND', '/notes', {
      headers: { Depth: '0' },
      body: askFor('{http://owncloud.org/ns}permissions'),
    });
    expect(textIn([...parseMultistatus(text)[0]!.props.values()][0])).toBe('G');
  });

  test('add-only: new files and folders yes; overwriting, deleting, renaming, patching no', async () => {
    const { authorization } = await server.addAppPassword('alice', { allowance: 'add-only' });
    const adder = server.as(authorization);
    expect((await adder('PUT', '/notes/added', { body: 'added' })).status).toBe(201);
    expect((await adder('PUT', '/notes/added-large', { body: 'x'.repeat(50_000) })).status).toBe(201);
    expect((await adder('MKCOL', '/notes/added-folder')).status).toBe(201);
    expect((await adder('COPY', '/notes/added', to('/notes/added-copy'))).status).toBe(201);
    for (const body of ['x', 'x'.repeat(50_000)])
      expect((await adder('PUT', '/notes/added', { body })).status).toBe(403);
    expect((await adder('PUT', '/notes/added', { body: '' })).status).toBe(403);
    expect((await adder('DELETE', '/notes/added')).status).toBe(403);
    expect((await adder('MOVE', '/notes/added', to('/notes/renamed'))).status).toBe(403);
    expect((await adder('COPY', '/notes/n.md', to('/notes/added'))).status).toBe(403);
    expect((await adder('PROPPATCH', '/notes/added', { body: change({ '{urn:x}a': 'b' }) })).status).toBe(403);
    expect(await read(alice, '/notes/added')).toBe('added');
    await alice('DELETE', '/notes/added-copy');
    expect((await adder('DELETE', '/Trash/added-copy')).status).toBe(403);
    expect((await adder('MOVE', '/Trash/added-copy', to('/restored'))).status).toBe(403);
  });

  test('add-only: an empty file may be filled, once (clients make it first, client-requirements R5)', async () => {
    const { authorization } = await server.addAppPassword('alice', { allowance: 'add-only' });
    const adder = server.as(authorization);
    const locked = await adder('LOCK', '/notes/filled', { body: LOCK });
    expect(locked.status).toBe(201);
    const headers = { If: `(${locked.headers['lock-token']})` };
    expect((await adder('PUT', '/notes/filled', { body: 'full', headers })).status).toBe(204);
    expect((await adder('PUT', '/notes/filled', { body: 'again', headers })).status).toBe(403);
    await adder('UNLOCK', '/notes/filled', { headers: { 'Lock-Token': String(locked.headers['lock-token']) } });
    expect(await read(alice, '/notes/filled')).toBe('full');
  });

  test('one drive: any other is 404, as source and as destination', async () => {
    const { authorization } = await server.addAppPassword('alice', { driveId: 123456 });
    const device = server.as(authorization);
    expect((await device('PUT', '/notes/one-drive', { body: 'x' })).status).toBe(201);
    for (const method of ['GET', 'PROPFIND', 'PUT'])
      expect((await server.as(authorization, OTHER)(method, '/x')).status).toBe(404);
    for (const method of ['COPY', 'MOVE']) {
      const answer = await device(method, '/notes/one-drive', { headers: { Destination: server.urlOf('/x', OTHER) } });
      expect(answer.status).toBe(409);
    }
    expect(await read(server.as('alice', OTHER), '/x')).toBe(404);
  });

  test('expired: 401 from that moment on, with a sentence', async () => {
    const { authorization } = await server.addAppPassword('alice', { expiresAt: Date.now() + 3_000 });
    const device = server.as(authorization);
    expect((await device('GET', '/notes/n.md')).status).toBe(200);
    await expect.poll(async () => (await device('GET', '/notes/n.md')).status, { timeout: 20_000 }).toBe(401);
    expect((await device('GET', '/notes/n.md')).text).toMatch(/<F:message>[^<]*expired[^<]*\.<\/F:message>/);
  });

  test('revoked: 401 from the next request on, one by one and all at once', async () => {
    const first = await server.addAppPassword('alice');
    const second = await server.addAppPassword('alice');
    const devices = [server.as(first.authorization), server.as(second.authorization)] as const;
    for (const device of devices) expect((await device('GET', '/notes/n.md')).status).toBe(200);
    await server.accounts.revokeAppPassword(emailOf('alice'), first.id);
    expect((await devices[0]('GET', '/notes/n.md')).status).toBe(401);
    expect((await devices[1]('GET', '/notes/n.md')).status).toBe(200);
    await server.accounts.revokeAppPasswords(emailOf('alice'));
    expect((await devices[1]('PUT', '/notes/n.md', { body: 'x' })).status).toBe(401);
    expect(await read(alice, '/notes/n.md')).toBe('note');
  });
});

describe('PRODUCT S2 — an app password for one folder', () => {
  let device: DriveRequest;
  let authorization = '';
  beforeAll(async () => {
    await alice('MKCOL', '/joplin');
    await alice('MKCOL', '/joplin/in');
    await alice('PUT', '/joplin/in/f', { body: 'f' });
    ({ authorization } = await server.addAppPassword('alice', { scopeId: await server.idOf('alice', '/joplin') }));
    device = server.as(authorization);
  });

  test('the folder is the root, a plain one without the two folders', async () => {
    const { text } = await device('PROPFIND', '/', {
      headers: { Depth: '1' },
      body: askFor('displayname', 'resourcetype'),
    });
    expect(hrefsOf(text)).toEqual(['/dav/123456/', '/dav/123456/in/']);
    expect(await read(device, '/in/f')).toBe('f');
    expect((await device('PUT', '/new', { body: 'n' })).status).toBe(201);
    expect(await read(alice, '/joplin/new')).toBe('n');
  });

  test.each([
    '/Drive',
    '/Trash',
    '/Common%20documents',
    '/outside.txt',
    '/Drive/outside.txt',
    '/joplin',
    '/Drive/joplin/in/f',
    '/notes/n.md',
  ])('%s, which lies above it, is not there', async (path) => {
    expect(await read(device, path)).toBe(404);
    expect((await device('PROPFIND', path, { headers: { Depth: '0' } })).status).toBe(404);
  });

  test('Trash, the drive’s name and Common documents are ordinary names in it', async () => {
    for (const name of ['/Trash', '/Drive', '/Common%20documents']) {
      expect((await device('MKCOL', name)).status).toBe(201);
      expect((await device('PUT', `${name}/x`, { body: 'x' })).status).toBe(201);
      expect(await read(alice, `/joplin${name}/x`)).toBe('x');
      expect((await device('DELETE', name)).status).toBe(204);
    }
  });

  test('no way leads out: dots are 400, and every Destination lands inside', async () => {
    for (const path of ['/..', '/../notes/n.md', '/%2e%2e/outside.txt'])
      expect((await device('GET', path)).status).toBe(400);
    expect((await device('COPY', '/in/f', to('/../escaped'))).status).toBe(400);
    expect((await device('COPY', '/in/f', to('/Drive/escaped'))).status).toBe(409);
    expect((await device('MOVE', '/in/f', to('/Trash/f'))).status).toBe(409);
    expect((await device('COPY', '/in/f', to('/escaped'))).status).toBe(201);
    expect([await read(alice, '/escaped'), await read(alice, '/joplin/escaped')]).toEqual([404, 'f']);
    const elsewhere = { headers: { Destination: server.urlOf('/x', OTHER) } };
    expect((await device('COPY', '/in/f', elsewhere)).status).toBe(409);
  });

  test('the folder itself can be neither deleted, moved, replaced nor copied into itself', async () => {
    expect((await device('DELETE', '/')).status).toBe(403);
    expect((await device('MOVE', '/', to('/x'))).status).toBe(403);
    expect((await device('COPY', '/in', to('/'))).status).toBe(403);
    expect((await device('COPY', '/', to('/x'))).status).toBe(403);
    expect((await device('MKCOL', '/')).status).toBe(405);
  });

  test('locks above and in it count, and If names what lies inside', async () => {
    const outer = await alice('LOCK', '/joplin', { body: LOCK });
    expect((await device('PUT', '/in/f', { body: 'x' })).status).toBe(423);
    await alice('UNLOCK', '/joplin', { headers: { 'Lock-Token': String(outer.headers['lock-token']) } });
    const own = await device('LOCK', '/in/f', { body: LOCK });
    const token = String(own.headers['lock-token']);
    expect(own.text).toContain('<D:href>/dav/123456/in/f</D:href>');
    expect((await alice('PUT', '/joplin/in/f', { body: 'x' })).status).toBe(423);
    expect(
      (await device('PUT', '/in/f', { body: 'f', headers: { If: `<${server.urlOf('/in/f')}> (${token})` } })).status,
    ).toBe(204);
    expect((await device('UNLOCK', '/in/f', { headers: { 'Lock-Token': token } })).status).toBe(204);
  });

  test('the shared folder can be the root: it shows what all members share, and what is deleted there is in the common trash', async () => {
    await alice('PUT', '/Common%20documents/shared.txt', { body: 'shared' });
    const common = await server.addAppPassword('alice', { scopeId: await server.idOf('alice', '/Common%20documents') });
    const scoped = server.as(common.authorization);
    expect((await scoped('GET', '/shared.txt')).text).toBe('shared');
    expect((await scoped('PUT', '/more.txt', { body: 'more' })).status).toBe(201);
    expect((await alice('GET', '/Common%20documents/more.txt')).text).toBe('more');
    expect((await scoped('DELETE', '/more.txt')).status).toBe(204);
    expect((await alice('GET', '/Trash/more.txt')).text).toBe('more');
    expect((await scoped('DELETE', '/')).status).toBe(403);
  });

  test('a deep lock of a folder above it counts, by its token too', async () => {
    await alice('MKCOL', '/outer');
    await alice('MKCOL', '/outer/inner');
    const inner = await server.addAppPassword('alice', { scopeId: await server.idOf('alice', '/outer/inner') });
    const locked = await alice('LOCK', '/outer', { body: LOCK });
    const token = String(locked.headers['lock-token']);
    const put = (headers = {}) => server.as(inner.authorization)('PUT', '/f', { body: 'x', headers });
    expect((await put()).status).toBe(423);
    expect((await put({ 'Lock-Token': token })).status).toBe(201);
    await alice('UNLOCK', '/outer', { headers: { 'Lock-Token': token } });
  });

  test('it follows the folder when that is moved, shows nothing while it is in the trash, and again when restored', async () => {
    await alice('MOVE', '/joplin', to('/notes/joplin'));
    expect(await read(device, '/in/f')).toBe('f');
    await alice('DELETE', '/notes');
    expect(await read(device, '/in/f')).toBe(404);
    expect((await device('PROPFIND', '/', { headers: { Depth: '1' } })).status).toBe(404);
    expect((await device('PUT', '/in/f', { body: 'x' })).status).toBe(409);
    await alice('MOVE', '/Trash/notes', to('/notes'));
    expect(await read(device, '/in/f')).toBe('f');
    await alice('DELETE', '/notes/joplin');
    await alice('DELETE', '/Trash/joplin');
    expect((await device('GET', '/')).status).toBe(404);
  });
});

describe('PRODUCT D7 — roles', () => {
  test('a viewer reads common files and changes nothing', async () => {
    await server.addMember('vera', { role: 'viewer' });
    const vera = server.as('vera');
    await alice('MKCOL', '/Common%20documents/v');
    await alice('PUT', '/Common%20documents/v/f', { body: 'v' });
    expect(await read(vera, '/Common%20documents/v/f')).toBe('v');
    for (const [method, path, options] of CHANGES) {
      const target = path.replace('/notes', '/Common%20documents/v').replace('n.md', 'f');
      expect([method, (await vera(method, target, options)).status]).toEqual([method, 403]);
    }
    expect((await vera('PUT', '/own', { body: 'x' })).status).toBe(403);
    expect((await vera('COPY', '/Common%20documents/v/f', to('/own'))).status).toBe(403);
    expect((await vera('MOVE', '/Common%20documents/v', to('/own'))).status).toBe(403);
    await alice('DELETE', '/Common%20documents/v');
    expect((await vera('MOVE', '/Trash/v', to('/Common%20documents/v'))).status).toBe(403);
    expect((await vera('DELETE', '/Trash/v')).status).toBe(403);
    expect(await read(vera, '/Trash/v/f')).toBe('v');
  });

  test('a role that changes, and a membership that ends, count from the next request on', async () => {
    await server.addMember('vera', { role: 'member' });
    const vera = server.as('vera');
    expect((await vera('PUT', '/own', { body: 'x' })).status).toBe(201);
    await server.accounts.removeMember(123456, emailOf('vera'));
    expect((await vera('GET', '/own')).status).toBe(404);
    await server.addMember('vera', { role: 'viewer' });
    expect(await read(vera, '/own')).toBe('x');
    await server.accounts.setDisabled(emailOf('vera'), true);
    expect((await vera('GET', '/own')).status).toBe(401);
  });
});

describe('PRODUCT S1, S5 — credentials', () => {
  test.each([
    ['no password', basic(emailOf('alice'), '')],
    ['another user’s', basic('nobody@example.org', 'grey otters like cold rivers')],
    ['a colon too many', basic(emailOf('alice'), 'a:b:c')],
    ['no colon', `Basic ${Buffer.from('alice').toString('base64')}`],
    ['nothing', 'Basic '],
  ])('%s is 401 with the challenge', async (_title, Authorization) => {
    const answer = await server.send('GET', '/dav/123456/', { headers: { Authorization } });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Basic realm="Firn", charset="UTF-8"']);
  });

  test('an app password opens nothing under another user’s name', async () => {
    await server.addMember('bob');
    const { authorization } = await server.addAppPassword('alice');
    const [, secret] = Buffer.from(authorization.slice(6), 'base64').toString().split(/:(.*)/s);
    expect((await server.as(basic(emailOf('bob'), secret!))('GET', '/')).status).toBe(401);
    expect((await server.as(basic(emailOf('ALICE'), secret!))('GET', '/')).status).toBe(200);
  });

  test('after too many wrong guesses the account’s answers from here are 429 with Retry-After; good devices go on', async () => {
    const { authorization } = await server.addAppPassword('alice');
    const device = server.as(authorization);
    expect((await device('GET', '/')).status).toBe(200);
    let status = 401;
    for (let guess = 0; guess < 15 && status === 401; guess++) {
      const answer = await server.as(basic(emailOf('alice'), `wrong guess ${guess}`))('GET', '/');
      status = answer.status;
      if (status === 429) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(status).toBe(429);
    expect((await device('GET', '/')).status).toBe(200);
    expect((await server.as('bob')('GET', '/')).status).toBe(200);
  });
});
