import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildFirn, makeTeam } from './firn.js';

beforeAll(buildFirn);

/** The team's drive at https://ID.connect.example.org/. */
async function makeReachableTeam() {
  const team = await makeTeam();
  const settings = { driveHost: '{id}.connect.example.org', publicUrl: 'https://files.example.org' };
  await writeFile(join(team.storage, 'firn.config.json'), JSON.stringify(settings));
  return team;
}

const oneLine = expect.stringMatching(/^error: [^\n]+\n$/);

describe('PRODUCT R2 — firn connect', () => {
  it('takes the only member; asks for --user where there are several; refuses who is none', async () => {
    const { run, firn, id } = await makeReachableTeam();
    expect(await run(['connect', id, 'nextcloud'])).toMatchObject({
      code: 1,
      output: '',
      errors: expect.stringMatching(/^error: [^\n]*--user EMAIL[^\n]*\n$/),
    });
    await firn('drive', 'remove-member', id, 'ben@x');
    const { output, errors } = await run(['connect', id, 'nextcloud']);
    expect(output).toBe(`https://${id}.connect.example.org\n`);
    expect(errors).toContain('anna@x');
    expect(await run(['connect', id, 'rclone', '--user', 'ben@x'])).toEqual({ code: 1, output: '', errors: oneLine });
  });

  it('an unknown drive fails; an unknown program is wrong usage, and the answer lists those known', async () => {
    const { run, id } = await makeReachableTeam();
    expect(await run(['connect', '999999', 'rclone'])).toEqual({ code: 1, output: '', errors: oneLine });
    const known = 'rclone, davfs2, windows, gnome, kde, cyberduck, joplin, nextcloud';
    expect(await run(['connect', id, 'floppy'])).toEqual({
      code: 2,
      output: '',
      errors: expect.stringMatching(new RegExp(`^error: [^\\n]+${known}[^\\n]*\\n$`)),
    });
    expect(await run(['connect', id])).toEqual({ code: 2, output: '', errors: oneLine });
  });

  it('refuses options that the program has no use for, and folders that can be none', async () => {
    const { run, id } = await makeReachableTeam();
    const connect = (client: string, ...options: string[]) =>
      run(['connect', id, client, '--user', 'anna@x', ...options], 'secret\n');
    const wrong: [number, string, ...string[]][] = [
      [2, 'windows', '--password-stdin'],
      [2, 'nextcloud', '--folder', '/x'],
      [1, 'rclone', '--folder', '/x/../y'],
    ];
    for (const [code, ...words] of wrong) {
      expect(await connect(...words), words[0]).toEqual({ code, output: '', errors: oneLine });
    }
  });

  it('--output writes a new file for its owner alone, and never over another', async () => {
    const { run, storage, id } = await makeReachableTeam();
    const words = ['connect', id, 'gnome', '--user', 'anna@x'];
    const toFile = [...words, '--output', join(storage, 'bookmark')];
    expect(await run(toFile)).toMatchObject({ code: 0, output: '' });
    expect(await readFile(join(storage, 'bookmark'), 'utf8')).toBe((await run(words)).output);
    expect((await stat(join(storage, 'bookmark'))).mode & 0o777).toBe(0o600);
    expect(await run(toFile)).toEqual({
      code: 1,
      output: '',
      errors: expect.stringMatching(/^error: [^\n]+there already[^\n]+\n$/),
    });
  });

  it('--json gives the text, the address and what to do with it', async () => {
    const { json, id } = await makeReachableTeam();
    const host = `${id}.connect.example.org`;
    expect(await json('connect', id, 'gnome', '--user', 'ANNA@x', '--folder', 'a')).toEqual({
      drive: Number(id),
      client: 'gnome',
      user: 'anna@x',
      address: `https://${host}/a/`,
      text: `davs://anna%40x@${host}/a/ a`,
      hint: expect.stringContaining('bookmarks'),
    });
  });
});
