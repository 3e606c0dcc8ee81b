import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TakenBack } from '../../src/console/contract/past.js';
import { ConsoleClient } from '../support/console-client.js';
import { DRIVE_ID, PASSWORD, TestServer } from '../support/make-server.js';

const API = `/api/drives/${DRIVE_ID}`;
const COMMON = '/Drive/Common documents';

let server: TestServer;
let alice: ConsoleClient;
let vera: ConsoleClient;
let mallory: ConsoleClient;
beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  await server.addMember('vera', { role: 'viewer' });
  await server.addUser('mallory');
  alice = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
  vera = await ConsoleClient.signedIn(server, 'vera', PASSWORD);
  mallory = await ConsoleClient.signedIn(server, 'mallory', PASSWORD);
});
afterAll(() => server.stop());

const put = async (path: string, body: string, who = 'alice') =>
  expect((await server.as(who)('PUT', encodeURI(path), { body })).status).toBeLessThan(300);
const textOf = async (path: string) => (await server.as('alice')('GET', encodeURI(path))).text;
/** A time between two writes. */
const moment = async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  const at = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 5));
  return at;
};
const post = async (route: string, body: unknown, client = alice) => {
  const { status, text } = await client.send('POST', `${API}/${route}`, body);
  return { status, answer: JSON.parse(text) as TakenBack & { error?: { kind: string } } };
};

describe('PRODUCT V5 — a folder of this morning, and what a program did, in the console', () => {
  test('a folder is put back: looked at first, done, and taken back', async () => {
    await server.as('alice')('MKCOL', encodeURI(`${COMMON}/plans`));
    const path = `${COMMON}/plans`;
    await put(`${path}/a`, 'first');
    const at = await moment();
    await put(`${path}/a`, 'second');
    await put(`${path}/b`, 'new');
    const steps = [
      { what: 'changed', path: `${path}/a`, isFolder: false },
      { what: 'trashed', path: `${path}/b`, isFolder: false },
    ];
    const dry = await post('put-back', { path, at, isDryRun: true });
    expect(dry).toMatchObject({ status: 200, answer: { steps, count: 2, kept: [], undoAt: null, trash: [] } });
    expect(await textOf(`${path}/a`)).toBe('second');
    const { answer } = await post('put-back', { path, at });
    expect(answer).toMatchObject({ steps, count: 2, trash: [expect.stringContaining('plans (not in')] });
    expect(await textOf(`${path}/a`)).toBe('first');
    await moment();
    await post('put-back', { path, at: answer.undoAt });
    expect(await textOf(`${path}/b`)).toBe('new');
    expect(JSON.stringify(await alice.get('/api/security/audit'))).toContain('put-back');
  });

  test('what an app password did is undone; what others went on with is told', async () => {
    const { authorization, id } = await server.addAppPassword('alice');
    await put(`${COMMON}/over`, 'first');
    await put(`${COMMON}/both`, 'first');
    const since = await moment();
    await put(`${COMMON}/over`, 'ransom', authorization);
    await put(`${COMMON}/both`, 'ransom', authorization);
    await put(`${COMMON}/both`, 'mended', 'bob');
    const body = { path: COMMON, since, appPasswordId: id };
    const kept = [{ why: 'changed-since', path: `${COMMON}/both`, isFolder: false }];
    expect((await post('undo-changes', { ...body, isDryRun: true })).answer).toMatchObject({
      count: 1,
      kept,
      undoAt: null,
    });
    expect((await post('undo-changes', { ...body, appPasswordId: null })).answer.count).toBe(0);
    expect((await post('undo-changes', body)).answer).toMatchObject({ count: 1, kept, keptCount: 1 });
    expect(await textOf(`${COMMON}/over`)).toBe('first');
    expect(await textOf(`${COMMON}/both`)).toBe('mended');
  });

  test('past D5 — a viewer changes nothing; who is no member, or whose app password it is not, finds nothing', async () => {
    const { id } = await server.addAppPassword('bob');
    const at = await moment();
    await put(`${COMMON}/x`, 'first');
    const undo = { path: COMMON, since: at, appPasswordId: id };
    expect(await post('put-back', { path: COMMON, at }, vera)).toMatchObject({ status: 403 });
    expect(await post('put-back', { path: COMMON, at }, mallory)).toMatchObject({ status: 404 });
    expect(await post('undo-changes', undo)).toMatchObject({
      status: 404,
      answer: { error: { kind: 'no-such-app-password' } },
    });
    expect(await post('undo-changes', { ...undo, appPasswordId: null }, mallory)).toMatchObject({ status: 404 });
    expect(await post('put-back', { path: COMMON, at: '2020-01-01T00:00:00Z' })).toMatchObject({ status: 404 });
    expect(await post('put-back', { path: COMMON, at: 'yesterday' })).toMatchObject({ status: 400 });
    expect(await textOf(`${COMMON}/x`)).toBe('first');
  });
});
