import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProgram } from '../../src/admin/program.js';
import { openEngines } from '../../src/engines/open-engines.js';
import { singleCalls } from '../support/single-calls.js';
import { inFolder } from '../support/storage-config.js';
import { buildFirn, makeStorage, makeTeam, PROGRAM } from './firn.js';

beforeAll(buildFirn);

describe('PRODUCT §10 — firn user', () => {
  it('create makes up a password, prints it alone and once', async () => {
    const { run, json } = await makeStorage();
    const made = await run(['user', 'create', 'anna@x', '--name', 'Anna', '--admin']);
    expect(made).toMatchObject({ code: 0, output: expect.stringMatching(/^([0-9a-z]{4}-){4}[0-9a-z]{4}\n$/) });
    expect(made.errors).not.toContain(made.output.trim());
    const users = await json('user', 'list');
    expect(users).toEqual([
      {
        email: 'anna@x',
        name: 'Anna',
        isAdmin: true,
        isDisabled: false,
        hasSecondFactor: false,
        createdAt: expect.any(String),
        driveId: null,
      },
    ]);
  });

  it('create --password-stdin takes one line, and prints no password', async () => {
    const { run } = await makeStorage();
    const made = await run(['user', 'create', 'anna@x', '--password-stdin', '--json'], 'seven green lamps\n');
    expect(made).toMatchObject({ code: 0 });
    expect(made.output + made.errors).not.toContain('green');
    expect(JSON.parse(made.output)).toMatchObject({ email: 'anna@x' });
    expect(await run(['user', 'create', 'b@x', '--password-stdin'])).toMatchObject({ code: 1 });
    expect(await run(['user', 'create', 'c@x', '--password-stdin'], 'short\n')).toMatchObject({ code: 1, output: '' });
  });

  it('set-password, disable and enable change the user', async () => {
    const { run, firn, json } = await makeTeam();
    expect(await firn('user', 'set-password', 'anna@x')).toMatch(/^([0-9a-z]{4}-){4}[0-9a-z]{4}$/);
    expect(await run(['user', 'set-password', 'anna@x', '--password-stdin'], 'eight green lamps\n')).toMatchObject({
      code: 0,
      output: '',
    });
    await firn('user', 'disable', 'anna@x');
    expect((await json('user', 'list'))[0]).toMatchObject({ email: 'anna@x', isDisabled: true });
    await firn('user', 'enable', 'anna@x');
    expect(await firn('user', 'list')).toMatch(/^EMAIL .*\nanna@x .*active.*\nben@x /);
  });

  it('rename and admin change a user; the last administrator stays one', async () => {
    const { run, json } = await makeTeam();
    const anna = async () => (await json('user', 'list'))[0];
    expect(await run(['user', 'rename', 'anna@x', 'Anna Keller'])).toMatchObject({
      code: 0,
      output: '',
      errors: 'User anna@x is called Anna Keller.\n',
    });
    expect(await run(['user', 'admin', 'anna@x', 'on'])).toMatchObject({ code: 0 });
    expect(await anna()).toMatchObject({ name: 'Anna Keller', isAdmin: true });
    expect(await run(['user', 'admin', 'anna@x', 'off'])).toMatchObject({ code: 1 });
    expect(await anna()).toMatchObject({ isAdmin: true });
    await run(['user', 'admin', 'ben@x', 'on']);
    expect(await run(['user', 'admin', 'anna@x', 'off'])).toMatchObject({ code: 0 });
    expect(await anna()).toMatchObject({ isAdmin: false });
    expect(await run(['user', 'admin', 'anna@x', 'maybe'])).toMatchObject({
      code: 2,
      errors: 'error: Say on or off.\n',
    });
    expect(await run(['user', 'rename', 'anna@x', ''])).toMatchObject({ code: 1 });
    expect(await run(['user', 'rename', 'nobody@x', 'X'])).toMatchObject({ code: 1 });
  });

  it('client-requirements R34 — set-drive says which drive the apps show, none the oldest again; only one of theirs', async () => {
    const { run, firn, json, id } = await makeTeam();
    await firn('drive', 'create', 'Two', '--owner', 'ben@x', '--id', '654321');
    const ownOf = async () => (await json('user', 'list')).map(({ driveId }: { driveId: number | null }) => driveId);
    expect(await run(['user', 'set-drive', 'ben@x', '654321'])).toMatchObject({ code: 0, output: '' });
    expect(await ownOf()).toEqual([null, 654_321]);
    for (const drive of ['654321', '999999', 'x']) {
      expect((await run(['user', 'set-drive', 'anna@x', drive])).code).not.toBe(0);
    }
    await firn('user', 'set-drive', 'anna@x', id);
    expect(await ownOf()).toEqual([Number(id), 654_321]);
    await firn('user', 'set-drive', 'ben@x', 'none');
    expect(await ownOf()).toEqual([Number(id), null]);
  });
});

describe('PRODUCT §10 — firn drive and quota', () => {
  it('create prints the ID alone; list, show and set tell and change', async () => {
    const { firn, run, json, id } = await makeTeam();
    expect(id).toMatch(/^\d{6,}$/);
    const other = await run(['drive', 'create', 'Two', '--owner', 'ben@x', '--id', '654321', '--quota', '50GiB']);
    expect(other).toEqual({ code: 0, output: '654321\n', errors: '' });
    await firn('drive', 'set', '654321', '--name', 'Deux', '--max-upload', '100GB');
    expect(await json('drive', 'show', '654321')).toMatchObject({
      id: 654_321,
      name: 'Deux',
      quotaBytes: 50 * 2 ** 30,
      uploadMaxBytes: 100e9,
      usedBytes: 0,
      members: 1,
    });
    await firn('drive', 'set', '654321', '--quota', 'none');
    expect(await json('drive', 'list')).toContainEqual(expect.objectContaining({ id: 654_321, quotaBytes: null }));
    expect(await run(['drive', 'set', '654321'])).toMatchObject({ code: 2 });
  });

  it('members come, change and go', async () => {
    const { firn, json, run, id } = await makeTeam();
    await firn('drive', 'add-member', id, 'ben@x', '--role', 'viewer', '--quota', '5GB');
    expect(await json('drive', 'members', id)).toEqual([
      { email: 'anna@x', name: 'anna', role: 'manager', quotaBytes: null },
      { email: 'ben@x', name: 'ben', role: 'viewer', quotaBytes: 5e9 },
    ]);
    expect(await run(['drive', 'remove-member', id, 'anna@x'])).toMatchObject({ code: 1, output: '' });
    await firn('drive', 'remove-member', id, 'ben@x');
    expect(await json('drive', 'members', id)).toHaveLength(1);
    expect(await run(['drive', 'add-member', id, 'ben@x', '--role', 'boss'])).toMatchObject({ code: 2 });
  });

  it('quota is set for a drive or a member, and shown with what is used', async () => {
    const { firn, json, id } = await makeTeam();
    await firn('quota', 'set', id, '1TB');
    await firn('quota', 'set', id, '5GB', '--member', 'ben@x');
    expect(await json('quota', 'show', id)).toEqual({
      drive: Number(id),
      usedBytes: 0,
      quotaBytes: 1e12,
      pastBytes: 0,
      members: [
        { email: 'anna@x', usedBytes: 0, quotaBytes: null },
        { email: 'ben@x', usedBytes: 0, quotaBytes: 5e9 },
      ],
    });
    expect(await firn('quota', 'show', id)).toContain('1 TB');
  });
});

describe('PRODUCT §10, S2 — firn app-password', () => {
  it('create prints the secret alone; list never shows it or its hash', async () => {
    const { run, firn, json, id } = await makeTeam();
    const made = await run(['app-password', 'create', 'anna@x', 'rclone on the NAS', '--drive', id, '--read-only']);
    expect(made).toMatchObject({ code: 0, output: expect.stringMatching(/^([0-9a-z]{4}-){5}[0-9a-z]{4}\n$/) });
    const shown =
      (await firn('app-password', 'list', 'anna@x')) + JSON.stringify(await json('app-password', 'list', 'anna@x'));
    expect(shown).toContain('rclone on the NAS');
    expect(shown).toContain('read-only');
    expect(shown).not.toContain(made.output.slice(0, 9));
    expect(shown).not.toContain('argon2');
  });

  it('--folder makes what is missing, in personal and in common files, and says so', async () => {
    const { run, firn, json, storage, id } = await makeTeam();
    const personal = await run(['app-password', 'create', 'ben@x', 'Joplin', '--folder', '/joplin/notes']);
    expect(personal).toMatchObject({ code: 0, errors: expect.stringContaining('/joplin/notes') });
    await firn('app-password', 'create', 'ben@x', 'Camera', '--folder', '/Common documents/photos', '--add-only');
    const again = await run([
      'app-password',
      'create',
      'ben@x',
      'Camera',
      '--folder',
      '/Team/Common documents/photos/',
    ]);
    expect(again.errors).not.toContain('photos');
    const rows = await json('app-password', 'list', 'ben@x');
    expect(rows).toMatchObject([
      { drive: Number(id), hasFolder: true },
      { allowance: 'add-only' },
      { hasFolder: true },
    ]);
    const engines = await openEngines(inFolder(storage));
    try {
      const drive = (await singleCalls(engines.metadata).accounts.listDrives(null, 1))[0]!;
      const photos = await engines.metadata.read([], (view) => view.resolve(drive.commonId, ['photos']));
      expect(photos).toHaveLength(2);
    } finally {
      await engines.close();
    }
    for (const folder of ['/', '/Trash', '/Team']) {
      expect(await run(['app-password', 'create', 'ben@x', 'X', '--folder', folder])).toMatchObject({ code: 1 });
    }
  });

  it('--folder asks for --drive where the user has several', async () => {
    const { run, firn } = await makeTeam();
    await firn('drive', 'create', 'Two', '--owner', 'ben@x');
    const made = await run(['app-password', 'create', 'ben@x', 'Joplin', '--folder', '/joplin']);
    expect(made).toMatchObject({ code: 1, errors: expect.stringContaining('--drive') });
  });

  it('--expires takes a day to its end, and no day that was', async () => {
    const { run, firn, json } = await makeTeam();
    await firn('app-password', 'create', 'anna@x', 'one', '--expires', '2099-12-31');
    await firn('app-password', 'create', 'anna@x', 'two', '--expires', '2099-12-31T12:00Z');
    expect(await json('app-password', 'list', 'anna@x')).toMatchObject([
      { expiresAt: '2099-12-31T23:59:59.999Z' },
      { expiresAt: '2099-12-31T12:00:00.000Z' },
    ]);
    expect(await run(['app-password', 'create', 'anna@x', 'x', '--expires', '2020-01-01'])).toMatchObject({ code: 1 });
    for (const date of ['tomorrow', '2099-02-31', '31.12.2099']) {
      expect(await run(['app-password', 'create', 'anna@x', 'x', '--expires', date])).toMatchObject({ code: 2 });
    }
  });

  it('revoke and revoke-all', async () => {
    const { run, firn, json } = await makeTeam();
    for (const name of ['one', 'two', 'three']) await firn('app-password', 'create', 'anna@x', name);
    await firn('app-password', 'revoke', 'anna@x', '1');
    expect(await run(['app-password', 'revoke', 'anna@x', '1'])).toMatchObject({ code: 1 });
    expect(await run(['app-password', 'revoke', 'ben@x', '2'])).toMatchObject({ code: 1 });
    expect(await json('app-password', 'revoke-all', 'anna@x')).toEqual({ revoked: 2 });
    const rows = await json('app-password', 'list', 'anna@x');
    expect(rows.every((row: { revokedAt: string | null }) => row.revokedAt !== null)).toBe(true);
  });
});

describe('PRODUCT §10 — errors and usage', () => {
  let run: Awaited<ReturnType<typeof makeTeam>>['run'];
  let firn: Awaited<ReturnType<typeof makeTeam>>['firn'];
  beforeAll(async () => {
    ({ run, firn } = await makeTeam(afterAll));
  });
  const oneLine = expect.stringMatching(/^error: [^\n]+\n$/);

  it.each([
    [['drive', 'create', 'X', '--owner', 'nobody@x']],
    [['drive', 'create', 'Trash', '--owner', 'anna@x']],
    [['drive', 'show', '999999']],
    [['drive', 'add-member', '999999', 'anna@x']],
    [['user', 'create', 'anna@x']],
    [['user', 'create', 'no address']],
    [['user', 'disable', 'nobody@x']],
    [['app-password', 'list', 'nobody@x']],
    [['quota', 'show', '999999']],
    [['trash', 'list', '999999']],
  ])('firn %j fails with one line and exit code 1', async (words) => {
    expect(await run(words)).toEqual({ code: 1, output: '', errors: oneLine });
  });

  it('what isn’t there comes with the command that shows what is', async () => {
    expect((await run(['user', 'disable', 'nobody@x'])).errors).toBe(
      'error: There is no user nobody@x. "firn user list" shows those that there are.\n',
    );
    expect((await run(['drive', 'show', '999999'])).errors).toContain('"firn drive list"');
  });

  it.each([
    [['usr']],
    [['user', 'crate']],
    [['user', 'create']],
    [['user', 'create', 'a@x', 'b@x']],
    [['user', 'list', '--frob']],
    [['drive', 'create', 'X']],
    [['drive', 'create', 'X', '--owner', 'anna@x', '--quota', 'much']],
    [['drive', 'create', 'X', '--owner', 'anna@x', '--id', '12']],
    [['app-password', 'create', 'anna@x', 'X', '--read-only', '--add-only']],
  ])('firn %j is wrong usage: one line and exit code 2', async (words) => {
    expect(await run(words)).toEqual({ code: 2, output: '', errors: oneLine });
  });

  it('every command has help with an example', async () => {
    expect((await firn('drive', 'create', '--help')).split('\n')[0]).toBe('Usage: firn drive create [options] <name>');
    for (const command of leaves(makeProgram())) {
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      expect(help, command.name()).toMatch(/\nExamples?:\n {2}\$ (echo "\$PASSWORD" \| )?firn /);
      expect(help, command.name()).toContain('--json');
    }
  });

  it('console B15 — a wrong FIRN_STORAGE is one line and exit code 1, and makes nothing', async () => {
    const { storage, run: runThere } = await makeStorage();
    for (const words of [['user', 'list'], ['gc'], ['fsck'], ['drive', 'create', 'X', '--owner', 'anna@x']]) {
      const errors = expect.stringMatching(/^error: There is no storage in [^\n]+FIRN_STORAGE[^\n]+\n$/);
      expect(await runThere(words)).toEqual({ code: 1, output: '', errors });
    }
    expect(await readdir(storage)).toEqual([]);
    const first = await runThere(['user', 'create', 'anna@x']);
    expect(first).toMatchObject({ code: 0, errors: expect.stringContaining(`A new storage is made in ${storage}.`) });
    expect((await runThere(['user', 'create', 'ben@x'])).errors).not.toContain('new storage');
  });

  it('a setting that is wrong is named', async () => {
    const { storage } = await makeStorage();
    const { runProgram } = await import('../support/run-program.js');
    const result = await runProgram(process.execPath, ['bin/firn.js', 'user', 'list'], {
      environment: { FIRN_STORAGE: storage, FIRN_PORT: 'x' },
    });
    expect(result).toEqual({ code: 1, output: '', errors: expect.stringMatching(/^error: FIRN_PORT [^\n]+\n$/) });
  });

  it('the storage is for its owner alone', async () => {
    const { storage, firn } = await makeStorage();
    await firn('user', 'create', 'anna@x');
    expect((await stat(storage)).mode & 0o777).toBe(0o700);
    expect((await stat(join(storage, 'FORMAT'))).mode & 0o777).toBe(0o600);
  });
});

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

describe('PRODUCT §10 — what a wrong command line is told', () => {
  it.each([
    [['--version'], 0, ''],
    [['audit', '--kind', 'nope'], 2, 'There is no kind "nope"'],
    [['user', 'alert'], 2, 'Give an e-mail address, or --all.'],
    [['user', 'require-2fa', 'maybe'], 2, 'Say on or off.'],
    [['backup', PROGRAM], 2, 'is a file; a backup is a folder.'],
    [['restore', PROGRAM], 2, 'is a file; a backup is a folder.'],
  ])('%s ends with %d', async (words, code, message) => {
    const { run } = await makeTeam();
    const answer = await run(words);
    expect(answer).toMatchObject({ code, errors: expect.stringContaining(message) });
    expect(answer.errors.trimEnd().split('\n').length).toBe(1);
    if (code === 0) expect(answer.output).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('quota set says what it came to, and that more is used already', async () => {
    const { run, id } = await makeTeam();
    expect(await run(['quota', 'set', `${id}`, 'none'])).toMatchObject({ errors: `No quota holds for drive ${id}.\n` });
    expect((await run(['quota', 'set', `${id}`, '1'])).errors).toBe(`The quota of drive ${id} is 1 byte.\n`);
  });

  it('fsck counts what nothing names instead of naming it', async () => {
    const { storage, run, json } = await makeTeam();
    const place = 'ab'.padEnd(64, '0');
    await mkdir(join(storage, 'blobs', 'ab'), { recursive: true });
    await writeFile(join(storage, 'blobs', 'ab', place), 'left over');
    expect(await json('fsck')).toEqual({ findings: [], errors: 0, leftovers: 1, repaired: 0 });
    expect(await run(['fsck'])).toMatchObject({
      code: 0,
      output: 'Everything is in order.\n',
      errors: '1 blob is named by no file; the collector removes them in time.\n',
    });
  });
});
