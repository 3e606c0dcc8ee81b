import { beforeAll, describe, expect, it } from 'vitest';
import { openDriveFor } from '../../src/admin/operator.js';
import { readConfig } from '../../src/config.js';
import { Drive } from '../../src/drive/drive.js';
import { openEngines } from '../../src/engines/open-engines.js';
import { Parts } from '../../src/parts.js';
import type { AppPasswordId } from '../../src/stores/values.js';
import { makeCollection, put } from '../support/drive-members.js';
import { singleCalls } from '../support/single-calls.js';
import { buildFirn, makeTeam } from './firn.js';

beforeAll(buildFirn);

type Team = Awaited<ReturnType<typeof makeTeam>>;

/** Works on the drive as one of its members, beside the command line. */
async function atDrive(team: Team, email: string, work: (drive: Drive, parts: Parts) => Promise<void>): Promise<void> {
  const config = readConfig({ FIRN_STORAGE: team.storage });
  const engines = await openEngines(config);
  try {
    const drive = (await singleCalls(engines.metadata).accounts.listDrives(null, 1))[0]!;
    const members = await singleCalls(engines.metadata).accounts.members(drive.id);
    const parts = new Parts(config, engines);
    await work(openDriveFor(parts, drive, members.find((member) => member.email === email)!), parts);
  } finally {
    await engines.close();
  }
}

/** So that two writes are not of one millisecond. */
const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('PRODUCT §10, V4 — the past on the command line', () => {
  it('history lists the versions of a file, show prints it as it was, restore-to puts it back as a new version', async () => {
    const team = await makeTeam();
    const path = 'Common documents/plan.txt';
    await atDrive(team, 'anna@x', async (drive) => {
      await put(drive, path, 'first plan');
      await tick();
      await put(drive, path, 'second');
      await tick();
    });
    const versions: { from: string; until: string | null; size: number }[] = await team.json('history', team.id, path);
    expect(versions.map(({ size, until }) => [size, until === null])).toEqual([
      [6, true],
      [10, false],
    ]);
    const { from } = versions[1]!;
    expect(await team.firn('history', team.id, path)).toContain(from);
    const show = (...words: string[]) => team.run(['show', team.id, path, '--at', from, ...words]);
    expect(await show()).toMatchObject({ code: 0, output: 'first plan' });
    expect(await show('--member', 'ben@x')).toMatchObject({ code: 0, output: 'first plan' });
    expect(await team.json('show', team.id, 'Common documents', '--at', from)).toMatchObject([
      { name: 'plan.txt', isFolder: false, bytes: 10 },
    ]);
    expect(await team.firn('show', team.id, '--at', from)).toContain('Team/');
    expect(await team.json('restore-to', team.id, path, from)).toMatchObject({ from, restored: true });
    expect(await team.json('restore-to', team.id, path, new Date().toISOString())).toMatchObject({ restored: false });
    const after: { size: number }[] = await team.json('history', team.id, path);
    expect(after.map(({ size }) => size)).toEqual([10, 6, 10]);
    await team.firn('fsck');
  });

  it('PRODUCT V5 — put-back makes a folder what it was, shows before what it would do, and says how to take it back', async () => {
    const team = await makeTeam();
    const path = 'Common documents/plans';
    let moment = '';
    await atDrive(team, 'anna@x', async (drive) => {
      await makeCollection(drive, path);
      await put(drive, `${path}/a`, 'first');
      await tick();
      moment = new Date().toISOString();
      await tick();
      await put(drive, `${path}/a`, 'ransom');
      await put(drive, `${path}/note`, 'pay');
      await tick();
    });
    const words = ['put-back', team.id, path, '--at', moment];
    const before: unknown = await team.json('show', team.id, path, '--at', new Date().toISOString());
    const steps = [
      { what: 'changed', path: `${path}/a`, isFolder: false },
      { what: 'trashed', path: `${path}/note`, isFolder: false },
    ];
    const counts = { back: 0, changed: 1, moved: 0, trashed: 1 };
    expect(await team.json(...words, '--dry-run')).toEqual({ ...counts, steps, trash: [], undo: null });
    expect(await team.json('show', team.id, path, '--at', new Date().toISOString())).toEqual(before);
    const done: { undo: string; trash: string[] } = await team.json(...words);
    expect(done).toMatchObject({ ...counts, steps, trash: [expect.stringMatching(/^plans \(not in /)] });
    expect(await team.json('show', team.id, path, '--at', new Date().toISOString())).toMatchObject([
      { name: 'a', bytes: 5 },
    ]);
    expect(await team.json(...words)).toMatchObject({ steps: [], undo: null });
    const undone = await team.run(['put-back', team.id, path, '--at', done.undo]);
    expect(undone).toMatchObject({ code: 0, output: expect.stringContaining(`${path}/note`) });
    expect(undone.errors).toContain('To take this back');
    expect(await team.json('show', team.id, path, '--at', new Date().toISOString())).toEqual(before);
    expect(await team.firn('audit')).toContain('put-back');
    expect(await team.run(['put-back', team.id, `${path}/a`, '--at', moment])).toMatchObject({ code: 1 });
    expect(await team.run(['put-back', team.id, `${path}/never`, '--at', moment])).toMatchObject({ code: 1 });
    expect(await team.run(['put-back', team.id, path])).toMatchObject({ code: 2 });
    await team.firn('fsck');
  });

  it('PRODUCT V5 — undo takes back what one app password did, tells what stays, and can itself be taken back', async () => {
    const team = await makeTeam();
    const path = 'Common documents/plans';
    await atDrive(team, 'anna@x', async (drive) => {
      await makeCollection(drive, path);
      await put(drive, `${path}/a`, 'first');
      await tick();
    });
    const { id }: { id: number } = await team.json('app-password', 'create', 'anna@x', 'old laptop');
    const moment = new Date().toISOString();
    await tick();
    await atDrive(team, 'anna@x', async (drive, { drives }) => {
      const { membership } = drive;
      const { userId } = membership;
      const device = new Drive(membership, { kind: 'app', userId, id: id as AppPasswordId }, drives);
      await put(device, `${path}/a`, 'ransom');
      await put(device, `${path}/b`, 'ransom');
      await tick();
      await put(drive, `${path}/b`, 'kept');
      await tick();
    });
    const words = ['undo', team.id, path, '--since', moment];
    const steps = [{ what: 'changed', path: `${path}/a`, isFolder: false }];
    const kept = [{ path: `${path}/b`, isFolder: false, why: 'changed-since' }];
    const dry = await team.json(...words, '--app-password', 'old laptop', '--dry-run');
    expect(dry).toMatchObject({ changed: 1, steps, kept, keptCount: 1, undo: null });
    expect(await team.firn('show', team.id, `${path}/a`, '--at', new Date().toISOString())).toBe('ransom');
    const done = await team.run([...words, '--app-password', `${id}`]);
    expect(done).toMatchObject({ code: 0, output: expect.stringContaining('others changed it since') });
    await tick();
    expect(await team.firn('show', team.id, `${path}/a`, '--at', new Date().toISOString())).toBe('first');
    expect(await team.json(...words, '--user', 'anna@x')).toMatchObject({ steps: [], kept: [], undo: null });
    expect(await team.run(words)).toMatchObject({ code: 2 });
    expect(await team.run([...words, '--app-password', 'none'])).toMatchObject({ code: 1 });
    expect(await team.firn('audit')).toContain('changes-undone');
    await team.firn('fsck');
  });

  it('past end deletes what was, and nothing that is there', async () => {
    const team = await makeTeam();
    await atDrive(team, 'anna@x', async (drive) => {
      await put(drive, 'f', 'first');
      await put(drive, 'f', 'second');
      await tick();
    });
    const early = '2020-01-01T00:00Z';
    expect(await team.json('past', 'end', team.id, '--before', early)).toEqual({ removed: 0 });
    expect(await team.json('past', 'end', team.id)).toEqual({ removed: 1 });
    const versions: { size: number }[] = await team.json('history', team.id, 'f');
    expect(versions.map(({ size }) => size)).toEqual([6]);
    expect((await team.run(['show', team.id, 'f', '--at', early])).code).toBe(1);
    expect(await team.firn('audit')).toContain('past-ended');
    await team.firn('fsck');
  });

  it('refuses in a line what is not there: a moment, a version, a file, a member, a time that is none', async () => {
    const team = await makeTeam();
    await atDrive(team, 'anna@x', (drive) => put(drive, 'mine', 'x'));
    const refused = async (code: number, ...words: string[]) => {
      const result = await team.run(words);
      expect(result).toMatchObject({ code, output: '' });
      expect(result.errors.trim().split('\n')).toHaveLength(1);
      return result.errors;
    };
    expect(await refused(1, 'show', team.id, 'mine', '--at', '2020-01-01T00:00Z')).toContain('Nothing is kept');
    expect(await refused(1, 'restore-to', team.id, 'mine', '2020-01-01T00:00Z')).toContain('No version');
    expect(await refused(1, 'history', team.id, 'none')).toContain('nothing of that name');
    expect(await refused(1, 'history', team.id, 'mine', '--member', 'ben@x')).toContain('nothing of that name');
    expect(await refused(1, 'history', team.id, 'Common documents')).toContain('folder');
    await refused(1, 'history', '999999', 'mine');
    expect(await refused(2, 'show', team.id, 'mine', '--at', '2027-02-31T00:00Z')).toContain('moment');
    await refused(2, 'show', team.id, 'mine');
  });
});
