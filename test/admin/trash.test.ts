import { beforeAll, describe, expect, it } from 'vitest';
import { openDriveFor } from '../../src/admin/operator.js';
import { readConfig } from '../../src/config.js';
import type { Drive } from '../../src/drive/drive.js';
import { NO_TOKENS } from '../../src/drive/permit.js';
import { openEngines } from '../../src/engines/open-engines.js';
import { Parts } from '../../src/parts.js';
import { singleCalls } from '../support/single-calls.js';
import { buildFirn, makeTeam } from './firn.js';

beforeAll(buildFirn);

type Team = Awaited<ReturnType<typeof makeTeam>>;

/** Works on the drive as one of its members, beside the command line. */
async function atDrive(team: Team, email: string, work: (drive: Drive) => Promise<void>): Promise<void> {
  const config = readConfig({ FIRN_STORAGE: team.storage });
  const engines = await openEngines(config);
  try {
    const drive = (await singleCalls(engines.metadata).accounts.listDrives(null, 1))[0]!;
    const member = (await singleCalls(engines.metadata).accounts.members(drive.id)).find(
      (candidate) => candidate.email === email,
    )!;
    await work(openDriveFor(new Parts(config, engines), drive, member));
  } finally {
    await engines.close();
  }
}

/** Makes folders, then deletes the one at the last path. */
function makeAndDelete(team: Team, email: string, ...paths: string[]): Promise<void> {
  return atDrive(team, email, async (drive) => {
    for (const path of paths) {
      await drive.makeFolders(path.split('/'));
    }
    await drive.remove([paths.at(-1)!.split('/')], NO_TOKENS);
  });
}

describe('PRODUCT §10, D4 — firn trash', () => {
  it('list shows common files and those of every member, with where they were and who deleted them', async () => {
    const team = await makeTeam();
    await makeAndDelete(team, 'anna@x', 'Common documents/plans');
    await makeAndDelete(team, 'ben@x', 'notes', 'notes/old');
    const rows = await team.json('trash', 'list', team.id);
    expect(rows).toMatchObject([
      { name: 'plans', isFolder: true, owner: null, deletedBy: 'anna@x', originalPath: 'Common documents/plans' },
      { name: 'old', isFolder: true, owner: 'ben@x', deletedBy: 'ben@x', originalPath: 'notes/old' },
    ]);
    expect(await team.json('trash', 'list', team.id, '--member', 'ben@x')).toEqual([rows[1]]);
    expect(await team.firn('trash', 'list', team.id)).toContain('notes/old');
  });

  it('restore puts it back where it was, anyone who it belongs to, and makes folders that are gone', async () => {
    const team = await makeTeam();
    await makeAndDelete(team, 'ben@x', 'notes', 'notes/old');
    await makeAndDelete(team, 'ben@x', 'notes');
    await makeAndDelete(team, 'ben@x', 'Common documents/plans');
    await team.firn('drive', 'add-member', team.id, 'ben@x', '--role', 'viewer');
    await team.firn('user', 'disable', 'ben@x');
    const rows: { name: string; number: number }[] = await team.json('trash', 'list', team.id);
    const numberOf = (name: string) => `${rows.find((row) => row.name === name)!.number}`;
    expect(await team.json('trash', 'restore', team.id, numberOf('old'))).toMatchObject({ path: '/Team/notes/old' });
    const plans = await team.run(['trash', 'restore', team.id, numberOf('plans')]);
    expect(plans.errors).toContain('/Team/Common documents/plans');
    await atDrive(team, 'ben@x', async (drive) => {
      for (const path of ['notes/old', 'Common documents/plans']) {
        expect((await drive.read((snapshot) => snapshot.find(path.split('/')))).resource).not.toBeNull();
      }
    });
  });

  it('restore numbers a taken name', async () => {
    const team = await makeTeam();
    await makeAndDelete(team, 'anna@x', 'notes');
    await makeAndDelete(team, 'anna@x', 'notes');
    const rows: { number: number }[] = await team.json('trash', 'list', team.id);
    const paths = [];
    for (const { number } of rows) paths.push((await team.json('trash', 'restore', team.id, `${number}`)).path);
    expect(paths).toEqual(['/Team/notes', '/Team/notes (2)']);
  });

  it('restore knows only what lies in the trash of that drive', async () => {
    const team = await makeTeam();
    await makeAndDelete(team, 'anna@x', 'notes');
    const other = await team.firn('drive', 'create', 'Other', '--owner', 'anna@x');
    const [{ number }] = await team.json('trash', 'list', team.id);
    expect(await team.run(['trash', 'restore', other, `${number}`])).toMatchObject({ code: 1 });
    expect(await team.run(['trash', 'restore', team.id, '1'])).toMatchObject({ code: 1 });
  });

  it("empty deletes for good: everybody's, or one member's", async () => {
    const team = await makeTeam();
    await makeAndDelete(team, 'anna@x', 'mine');
    await makeAndDelete(team, 'ben@x', 'his');
    await makeAndDelete(team, 'ben@x', 'Common documents/ours');
    expect(await team.json('trash', 'empty', team.id, '--member', 'anna@x')).toEqual({ removed: 1 });
    expect(await team.json('trash', 'list', team.id)).toMatchObject([{ name: 'ours' }, { name: 'his' }]);
    expect(await team.json('trash', 'empty', team.id)).toEqual({ removed: 2 });
    expect(await team.json('trash', 'empty', team.id)).toEqual({ removed: 0 });
    expect(await team.json('audit', '--kind', 'trash-emptied')).toMatchObject([
      { user: null, actor: 'operator', details: { drive: Number(team.id), removed: 2 } },
      { user: 'anna@x', actor: 'operator', details: { drive: Number(team.id), removed: 1 } },
    ]);
    expect(await team.json('trash', 'list', team.id)).toEqual([]);
  });
});

describe('PRODUCT §10 — firn gc', () => {
  it('frees the rows of what was deleted for good', async () => {
    const team = await makeTeam();
    await makeAndDelete(team, 'anna@x', 'mine');
    await team.firn('trash', 'empty', team.id);
    expect(await team.json('gc', '--grace', '0')).toEqual({ condemned: 0, deleted: 0 });
    expect(await team.run(['gc', '--grace', 'soon'])).toMatchObject({ code: 2 });
  });
});
