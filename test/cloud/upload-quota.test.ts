import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DriveId } from '../../src/stores/values.js';
import { DRIVE_ID, emailOf, TestServer } from '../support/make-server.js';
import { BYTES, metadata, TUS } from '../support/tus-client.js';

const KB = 1000;
const DRIVE_QUOTA = 1000 * KB;
const MEMBER_QUOTA = 100 * KB;
/** At once; one of them fits, whichever quota counts. */
const AT_ONCE = 8;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
  await server.stores.accounts.updateDrive(DRIVE_ID as DriveId, { quotaBytes: DRIVE_QUOTA });
  await server.addMember('bob', { quotaBytes: MEMBER_QUOTA });
});
afterAll(() => server.stop());

/** Bytes of open uploads, of the drive and of the user. */
async function heldBy(user: string): Promise<{ driveBytes: number; memberBytes: number }> {
  const { id } = (await server.stores.accounts.findUser(emailOf(user)))!;
  return server.engines.metadata.read([], (view) => view.uploads.held(DRIVE_ID as DriveId, id));
}

/** Each begins an upload, and gives what sends its part and what gives it up. */
type Begin = (user: string) => Promise<{ send: (bytes: Buffer) => Promise<{ status: number }>; at: string }>;

const WAYS: Record<string, Begin> = {
  'parts in a folder': async (user) => {
    const at = `/dav/${DRIVE_ID}/remote.php/dav/uploads/${emailOf(user)}/${crypto.randomUUID()}`;
    expect((await server.send('MKCOL', at, { user })).status).toBe(201);
    return { at, send: (body) => server.send('PUT', `${at}/00001`, { user, body }) };
  },
  TUS: async (user) => {
    // Larger than what comes, which is so a part.
    const headers = { ...TUS, 'Upload-Length': String(MEMBER_QUOTA), 'Upload-Metadata': metadata({ filename: 'x' }) };
    const { headers: answered } = await server.as(user)('POST', '/', { headers });
    const at = new URL(answered.location!).pathname;
    const patch = { ...BYTES, 'Upload-Offset': '0' };
    return { at, send: (body) => server.send('PATCH', at, { user, body, headers: patch }) };
  },
};

const giveUp = async (user: string, all: readonly { at: string }[]) => {
  for (const { at } of all) await server.send('DELETE', at, { user, headers: TUS });
};

describe('security 6 — parts that come at once fit together', () => {
  test("under a member's own quota", async () => {
    for (const begin of Object.values(WAYS)) {
      const all = await Promise.all(Array.from({ length: AT_ONCE }, () => begin('bob')));
      const answers = await Promise.all(all.map(({ send }) => send(randomBytes(90 * KB))));
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses.filter((status) => status < 300)).toHaveLength(1);
      expect(statuses.filter((status) => status === 507)).toHaveLength(AT_ONCE - 1);
      expect((await heldBy('bob')).memberBytes).toBe(90 * KB);
      await giveUp('bob', all);
    }
  });

  test('under the quota of the drive', async () => {
    const all = await Promise.all(Array.from({ length: AT_ONCE }, () => WAYS['parts in a folder']!('alice')));
    const answers = await Promise.all(all.map(({ send }) => send(randomBytes(900 * KB))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...new Array(AT_ONCE - 1).fill(507)]);
    expect((await heldBy('alice')).driveBytes).toBe(900 * KB);
    await giveUp('alice', all);
  });

  test('a part in place of another one takes no more than the difference', async () => {
    const { at, send } = await WAYS['parts in a folder']!('bob');
    expect((await send(randomBytes(90 * KB))).status).toBe(201);
    expect((await send(randomBytes(100 * KB))).status).toBe(204);
    expect((await send(randomBytes(100 * KB + 1))).status).toBe(507);
    expect((await heldBy('bob')).memberBytes).toBe(100 * KB);
    await giveUp('bob', [{ at }]);
  });

  test('a quota that is made smaller while a part is on its way holds at its end', async () => {
    const { at, send } = await WAYS['parts in a folder']!('alice');
    expect((await send(randomBytes(100 * KB))).status).toBe(201);
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const body = (async function* () {
      yield randomBytes(50 * KB);
      begin();
      await gate;
      yield randomBytes(50 * KB);
    })();
    const putting = server.send('PUT', `${at}/00002`, { user: 'alice', body, headers: { Expect: '100-continue' } });
    await begun;
    await server.stores.accounts.updateDrive(DRIVE_ID as DriveId, { quotaBytes: 150 * KB });
    go();
    expect((await putting).status).toBe(507);
    expect((await heldBy('alice')).driveBytes).toBe(100 * KB);
    await server.stores.accounts.updateDrive(DRIVE_ID as DriveId, { quotaBytes: DRIVE_QUOTA });
    await giveUp('alice', [{ at }]);
  });
});
