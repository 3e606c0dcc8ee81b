import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ImportBody, ImportEntry, ImportSourceAnswer, ImportsAnswer } from '../../src/console/contract/imports.js';
import { ConsoleClient } from '../support/console-client.js';
import { DRIVE_ID, PASSWORD, TestServer } from '../support/make-server.js';
import { SyntheticSource } from '../support/synthetic-source.js';

const LOGIN = { user: 'anna', password: 'a very secret word', from: '' };

let server: TestServer;
let alice: ConsoleClient;
let bob: ConsoleClient;
let viewer: ConsoleClient;
beforeAll(async () => {
  server = await TestServer.start({ importAllowedNetworks: ['127.0.0.1'] });
  await server.addMember('bob');
  await server.addMember('vera', { role: 'viewer' });
  alice = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
  bob = await ConsoleClient.signedIn(server, 'bob', PASSWORD);
  viewer = await ConsoleClient.signedIn(server, 'vera', PASSWORD);
});
afterAll(() => server.stop());

const body = (url: string, more: Partial<ImportBody> = {}): ImportBody => ({
  ...LOGIN,
  url,
  driveId: DRIVE_ID,
  to: '',
  conflict: 'skip',
  ...more,
});

async function endOf({ id }: ImportEntry): Promise<ImportEntry> {
  return vi.waitFor(
    async () => {
      const entry = await alice.get<ImportEntry>(`/api/imports/${id}`);
      if (entry.endedAt === null) throw new Error(`import ${id} is ${entry.state}: ${entry.error}`);
      return entry;
    },
    { timeout: 20_000, interval: 100 },
  );
}

describe('imports by the console', () => {
  test('a test of the connection shows what is there, and takes nothing', async () => {
    const source = await SyntheticSource.start({ '/a.txt': 'one', '/trips/b.txt': 'two', '/c.bin': 'three!' });
    const found = await alice.post<ImportSourceAnswer>('/api/imports/test', { ...LOGIN, url: source.url });
    expect(found).toMatchObject({ folders: 1, files: 2, bytes: 9, isMore: false, isDriveRoot: false });
    expect([...found.names].sort()).toEqual(['a.txt', 'c.bin', 'trips/']);
    expect(source.gets()).toEqual([]);
    expect((await alice.get<ImportsAnswer>('/api/imports')).imports).toEqual([]);
  });

  test('an import runs in the background, says how far it is, and leaves no trace of the password', async () => {
    const modified = new Date('2024-02-29T12:00:00Z');
    const source = await SyntheticSource.start({
      '/a.txt': { bytes: Buffer.from('one'), modified },
      '/trips/b.txt': { bytes: Buffer.from('two'), modified },
    });
    const begun = await alice.post<ImportEntry>('/api/imports', body(source.url, { to: '/taken' }));
    expect(begun).toMatchObject({ driveId: DRIVE_ID, user: 'anna', to: '/taken', conflict: 'skip', endedAt: null });
    const ended = await endOf(begun);
    expect(ended).toMatchObject({ state: 'succeeded', error: null, progress: { files: 2, done: 2, endedBytes: 6 } });
    expect((await server.as('alice')('GET', '/taken/trips/b.txt')).text).toBe('two');
    const { imports } = await alice.get<ImportsAnswer>('/api/imports');
    expect(imports[0]).toEqual(ended);
    expect(JSON.stringify(imports)).not.toContain(LOGIN.password);

    const again = await endOf(await alice.post<ImportEntry>('/api/imports', body(source.url, { to: '/taken' })));
    expect(again.progress).toMatchObject({ done: 0, unchanged: 2 });
  });

  test('the report is a CSV file of what was not taken, whose names are no formulas', async () => {
    const source = await SyntheticSource.start({ '/%3D1+1.txt': 'new' });
    await server.as('alice')('PUT', '/%3D1+1.txt', { body: 'older' });
    const ended = await endOf(await alice.post<ImportEntry>('/api/imports', body(source.url)));
    expect(ended.progress).toMatchObject({ skipped: 1 });
    const { headers, text } = await alice.send('GET', `/api/imports/${ended.id}/report`);
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(headers['content-disposition']).toContain(`import-${ended.id}.csv`);
    const [head, line] = text.replace('\uFEFF', '').split('\r\n');
    expect(head).toBe('path,outcome,reason,what to do');
    expect(line).toMatch(/^\/=1\+1\.txt,skipped,/);
  });

  test('one that runs can be cancelled, and one that has ended can not', async () => {
    const source = await SyntheticSource.start({ '/a.txt': 'one' });
    // Never answers for the file.
    source.meddle = (request) => request.method === 'GET';
    const begun = await alice.post<ImportEntry>('/api/imports', body(source.url, { to: '/never' }));
    await vi.waitFor(() => expect(source.gets()).toEqual(['/a.txt']), { timeout: 10_000 });
    expect((await alice.send('DELETE', `/api/imports/${begun.id}`)).status).toBe(204);
    expect(await endOf(begun)).toMatchObject({ state: 'cancelled' });
    expect(await alice.refusal('DELETE', `/api/imports/${begun.id}`)).toMatchObject({ status: 409 });
  });

  test('what is wrong is said in a sentence, at its field, and nothing begins', async () => {
    const source = await SyntheticSource.start({});
    const before = await alice.get<ImportsAnswer>('/api/imports');
    source.meddle = (_, response) => {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
      return true;
    };
    const cases: [string, unknown, number, RegExp][] = [
      ['/api/imports/test', { ...LOGIN, url: 'cloud' }, 400, /no address/],
      ['/api/imports/test', { ...LOGIN, url: 'http://192.168.0.7/dav/' }, 422, /private|not allowed|address/i],
      ['/api/imports/test', { ...LOGIN, url: source.url }, 422, /user name or the password/],
      ['/api/imports/test', { ...LOGIN, url: 'http://127.0.0.1:9/' }, 422, /reached/],
      ['/api/imports', body('ftp://example.org/'), 400, /https:\/\//],
      ['/api/imports', body(source.url, { to: '/../x' }), 400, /not a path/],
      ['/api/imports', body(source.url, { driveId: 999_999 }), 404, /no drive/],
      ['/api/imports', { ...body(source.url), conflict: 'merge' }, 400, /./],
    ];
    for (const [path, wish, status, message] of cases) {
      expect(await alice.refusal('POST', path, wish), JSON.stringify(wish)).toMatchObject({
        status,
        message: expect.stringMatching(message),
      });
    }
    expect(await viewer.refusal('POST', '/api/imports', body(source.url))).toMatchObject({ status: 403 });
    expect(await alice.get<ImportsAnswer>('/api/imports')).toEqual(before);
  });

  test('nobody sees, cancels or reads the report of another’s import', async () => {
    const [newest] = (await alice.get<ImportsAnswer>('/api/imports')).imports;
    expect((await bob.get<ImportsAnswer>('/api/imports')).imports).toEqual([]);
    for (const [method, path] of [
      ['GET', `/api/imports/${newest!.id}`],
      ['DELETE', `/api/imports/${newest!.id}`],
      ['GET', `/api/imports/${newest!.id}/report`],
      ['GET', '/api/imports/x'],
    ] as const) {
      expect(await bob.refusal(method, path)).toMatchObject({ status: 404, kind: 'no-such-import' });
    }
  });
});

describe('security 13 — imports by the console are bounded for each user', () => {
  test('security 13 — a few open imports a user; more are refused with a sentence', async () => {
    const tarpit = await SyntheticSource.start({ '/a.txt': 'a' });
    tarpit.meddle = () => true;
    const wishes = Array.from({ length: 8 }, (_, index) => body(tarpit.url, { to: `/queued-${index}` }));
    const answers = await Promise.all(wishes.map((json) => bob.send('POST', '/api/imports', json)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 201, 201, 201, 201, 429, 429, 429]);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(JSON.parse(refused.text).error).toMatchObject({
      kind: 'too-many-imports',
      message: expect.stringMatching(/5/),
    });
    const { imports } = await bob.get<ImportsAnswer>('/api/imports');
    for (const { id } of imports) await bob.send('DELETE', `/api/imports/${id}`);
  });

  test('security 13 — a login that no header can carry is a wrong field, not a defect', async () => {
    const source = await SyntheticSource.start({ '/a.txt': 'a' });
    for (const [field, text] of [
      ['user', 'an\r\nX-Header: na'],
      ['password', 'sec\u0000ret'],
    ] as const) {
      const answer = await alice.send('POST', '/api/imports/test', { ...LOGIN, url: source.url, [field]: text });
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text).error).toMatchObject({ kind: 'invalid-input', field });
    }
    source.meddle = ({ headers }, response) => {
      if (headers.authorization?.startsWith('Digest')) return false;
      response.writeHead(401, { 'WWW-Authenticate': 'Digest realm="r", nonce="n"' }).end();
      return true;
    };
    const json = { ...LOGIN, url: source.url, user: '花子' };
    expect((await alice.send('POST', '/api/imports/test', json)).status).toBe(200);
  });

  test('security 13 — tests of a connection are counted: so many a minute, with the time to wait', async () => {
    const source = await SyntheticSource.start({ '/a.txt': 'a' });
    const test = () => bob.send('POST', '/api/imports/test', { ...LOGIN, url: source.url });
    const statuses: number[] = [];
    for (let tries = 0; tries < 12; tries++) statuses.push((await test()).status);
    expect(statuses).toEqual([...Array(10).fill(200), 429, 429]);
    const { headers, text } = await test();
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(JSON.parse(text).error.message).toMatch(/minute/);
  });
});
