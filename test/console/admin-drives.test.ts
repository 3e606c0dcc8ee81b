import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdminDriveEntry, AdminDrivesAnswer, MemberEntry } from '../../src/console/contract/admin-drives.js';
import type { StorageAnswer } from '../../src/console/contract/admin-reports.js';
import { noteStorage } from '../../src/jobs/maintenance.js';
import { ConsoleClient } from '../support/console-client.js';
import { DRIVE_ID, DRIVE_NAME, emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { testOnOneServer } from '../support/tried.js';

let server: TestServer;
let admin: ConsoleClient;
beforeAll(async () => {
  server = await TestServer.start();
  for (const name of ['root', 'bob']) await server.addUser(name);
  await server.accounts.changeUser(emailOf('root'), { isAdmin: true });
  admin = await ConsoleClient.signedIn(server, 'root', PASSWORD);
});
afterAll(() => server.stop());

async function send<T>(method: string, target: string, body?: unknown) {
  const { status, text } = await admin.send(method, target, body);
  return { status, json: (text === '' ? null : JSON.parse(text)) as T };
}
const refusal = (kind: string) => expect.objectContaining({ error: expect.objectContaining({ kind }) });
const member = (name: string, role = 'manager', quotaBytes: number | null = null) => {
  return { email: emailOf(name), name, role, quotaBytes };
};
const memberPath = (name: string, id = DRIVE_ID) =>
  `/api/admin/drives/${id}/members/${encodeURIComponent(emailOf(name))}`;

describe('drives and members', () => {
  test('the list shows each drive with what it holds, trash included, and its members', async () => {
    const alice = server.as('alice');
    await alice('PUT', '/a.txt', { body: 'x'.repeat(1000) });
    await alice('PUT', '/b.txt', { body: 'y'.repeat(234) });
    await alice('DELETE', '/b.txt');
    const { drives } = await admin.get<AdminDrivesAnswer>('/api/admin/drives');
    expect(drives).toEqual([
      {
        id: DRIVE_ID,
        name: DRIVE_NAME,
        quotaBytes: null,
        uploadMaxBytes: null,
        usedBytes: 1234,
        damaged: 0,
        verifiedAt: null,
        members: [member('alice')],
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      },
    ]);
  });

  test('a drive is made, changed in what is given, and left alone in the rest', async () => {
    const wish = { name: 'Team', ownerEmail: emailOf('bob'), quotaBytes: 5e9, uploadMaxBytes: null };
    const { status, json: made } = await send<AdminDriveEntry>('POST', '/api/admin/drives', wish);
    expect(status).toBe(201);
    expect(made).toMatchObject({ name: 'Team', quotaBytes: 5e9, usedBytes: 0, members: [member('bob')] });
    const path = `/api/admin/drives/${made.id}`;
    const changed = await send<AdminDriveEntry>('PATCH', path, { uploadMaxBytes: 100e9 });
    expect(changed).toEqual({ status: 200, json: { ...made, uploadMaxBytes: 100e9 } });
    const renamed = await send<AdminDriveEntry>('PATCH', path, { name: 'Crew', quotaBytes: null });
    expect(renamed.json).toEqual({ ...made, name: 'Crew', quotaBytes: null, uploadMaxBytes: 100e9 });
    const propfind = await server.as('bob', made.id)('PROPFIND', '/', { headers: { Depth: '1' } });
    expect(propfind.text).toContain(`/dav/${made.id}/Crew/`);
    for (const [body, expected, kind] of [
      [{ name: 'Trash' }, 400, 'invalid-name'],
      [{ uploadMaxBytes: 101e9 }, 400, 'invalid-number'],
      [{ quotaBytes: -1 }, 400, 'invalid-input'],
      [{ quotaBytes: 1.5 }, 400, 'invalid-input'],
      [{ ownerEmail: emailOf('alice') }, 400, 'invalid-input'],
    ] as const) {
      expect(await send('PATCH', path, body)).toEqual({ status: expected, json: refusal(kind) });
    }
    expect(await send('POST', '/api/admin/drives', { ...wish, ownerEmail: emailOf('nobody') })).toEqual({
      status: 404,
      json: refusal('no-such-user'),
    });
    for (const id of ['999999', 'x', '1e6', '-1']) {
      const answer = await send('PATCH', `/api/admin/drives/${id}`, { name: 'X' });
      expect(answer).toEqual({ status: 404, json: refusal('no-such-drive') });
    }
  });

  test('members are added, changed and removed; what they may do follows at once; a manager stays', async () => {
    const dav = async () => (await server.as('bob')('PUT', '/by-bob.txt', { body: 'x' })).status;
    expect(await dav()).toBe(404);
    const viewer = await send<MemberEntry>('PUT', memberPath('bob'), { role: 'viewer', quotaBytes: null });
    expect(viewer).toEqual({ status: 200, json: member('bob', 'viewer') });
    expect(await dav()).toBe(403);
    const manager = await send<MemberEntry>('PUT', memberPath('bob'), { role: 'manager', quotaBytes: 500 });
    expect(manager.json).toEqual(member('bob', 'manager', 500));
    expect(await dav()).toBe(201);
    expect(await send('DELETE', memberPath('alice'))).toEqual({ status: 204, json: null });
    const kept = { status: 409, json: refusal('last-manager') };
    expect(await send('DELETE', memberPath('bob'))).toEqual(kept);
    expect(await send('PUT', memberPath('bob'), { role: 'member', quotaBytes: null })).toEqual(kept);
    await send('PUT', memberPath('alice'), { role: 'manager', quotaBytes: null });
    expect((await send('DELETE', memberPath('bob'))).status).toBe(204);
    expect(await dav()).toBe(404);
    expect(await send('DELETE', memberPath('bob'))).toEqual({ status: 404, json: refusal('no-such-member') });
    expect(await send('PUT', memberPath('bob'), { role: 'owner', quotaBytes: null })).toMatchObject({ status: 400 });
    const kinds = await server.stores.security.audit({ kind: 'member-changed' }, null, 1);
    expect(kinds).toMatchObject([{ actor: emailOf('root'), email: emailOf('bob'), details: { role: null } }]);
  });
});

describe('storage over time', () => {
  testOnOneServer('has a point a day, the day’s last one, and what is free on the disk', async () => {
    const { history } = server.engines;
    const before = await admin.get<StorageAnswer>('/api/admin/storage');
    const scrubbed = { backups: null, verifiedAt: null, damaged: 0, damages: [] };
    expect(before).toEqual({ points: [], freeBytes: expect.any(Number), ...scrubbed, cluster: null });
    expect(before.freeBytes).toBeGreaterThan(0);
    const { driveBytes, files } = await countAll();
    await noteStorage(history, Date.parse('2027-01-30T10:00:00Z'));
    await noteStorage(history, Date.parse('2027-01-31T10:00:00Z'));
    await server.as('alice')('PUT', '/photos.bin', { body: Buffer.alloc(100_000) });
    await server.as('alice')('MKCOL', '/folder');
    await noteStorage(history, Date.parse('2027-01-31T23:59:59Z'));
    expect((await admin.get<StorageAnswer>('/api/admin/storage')).points).toEqual([
      { day: '2027-01-30', usedBytes: driveBytes, files },
      { day: '2027-01-31', usedBytes: driveBytes + 100_000, files: files + 1 },
    ]);
  });

  /** As the drives' own counters and listings have it. */
  async function countAll() {
    let driveBytes = 0;
    for (const { usedBytes } of (await admin.get<AdminDrivesAnswer>('/api/admin/drives')).drives)
      driveBytes += usedBytes;
    // /a.txt, /b.txt in the trash, and bob's.
    return { driveBytes, files: 3 };
  }
});
