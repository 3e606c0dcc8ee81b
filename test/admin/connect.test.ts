import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SaxesParser } from 'saxes';
import { beforeAll, describe, expect, it } from 'vitest';
import { driveAddress } from '../../src/admin/drive-address.js';
import { buildFirn, makeTeam } from './firn.js';

beforeAll(buildFirn);

/** The team's drive at https://ID.connect.example.org/, or as the settings say. */
async function makeReachableTeam(settings: object = { driveHost: '{id}.connect.example.org' }) {
  const team = await makeTeam();
  const defaults = { publicUrl: 'https://files.example.org' };
  await writeFile(join(team.storage, 'firn.config.json'), JSON.stringify({ ...defaults, ...settings }));
  const connect = async (client: string, ...options: string[]) => {
    const result = await team.run(['connect', team.id, client, '--user', 'anna@x', ...options]);
    if (result.code !== 0) throw new Error(result.errors);
    return result.output;
  };
  return { ...team, connect };
}

describe('PRODUCT A1 — the address of a drive follows from the settings', () => {
  const defaults = {
    driveHost: '{id}.connect.*',
    host: '127.0.0.1',
    port: 8080,
    publicUrl: null,
    tlsCertificate: null,
  };
  const named = { driveHost: '{id}.connect.example.org' };
  it.each([
    [{}, 'http://127.0.0.1:8080/dav/123456/'],
    [{ host: '::1', port: 80 }, 'http://[::1]/dav/123456/'],
    [{ host: 'firn.example.org', port: 443, tlsCertificate: 'c' }, 'https://firn.example.org/dav/123456/'],
    [{ publicUrl: 'https://files.example.org' }, 'https://files.example.org/dav/123456/'],
    [{ publicUrl: 'https://files.example.org:8443/' }, 'https://files.example.org:8443/dav/123456/'],
    [named, 'https://123456.connect.example.org/'],
    [{ ...named, publicUrl: 'https://files.example.org:8443' }, 'https://123456.connect.example.org:8443/'],
    [{ ...named, publicUrl: 'http://files.example.org' }, 'http://123456.connect.example.org/'],
    [{ ...named, host: '0.0.0.0', port: 8443, tlsCertificate: 'c' }, 'https://123456.connect.example.org:8443/'],
    [{ driveHost: '{id}.Connect.Localhost' }, 'http://123456.connect.localhost:8080/'],
  ])('%j → %s', (settings, address) => {
    expect(driveAddress({ ...defaults, ...settings }, 123_456).href).toBe(address);
  });

  it.each([{ port: 0 }, { host: '0.0.0.0' }, { host: '::' }])(
    '%j tells no address, and says what to set',
    (settings) => {
      expect(() => driveAddress({ ...defaults, ...settings }, 123_456)).toThrow(/publicUrl/);
    },
  );
});

describe('firn connect — a file for each program', () => {
  it('windows: a registry file with its limits, in ASCII with CRLF, and how to map the drive', async () => {
    const { run, id } = await makeReachableTeam();
    const { output, errors } = await run([
      'connect',
      id,
      'windows',
      '--user',
      'anna@x',
      '--folder',
      '/Common documents',
    ]);
    expect(output).toMatch(/^[\x20-\x7e\r\n]+$/);
    expect(output.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    const lines = output.split('\r\n');
    expect(lines.slice(0, 2)).toEqual(['Windows Registry Editor Version 5.00', '']);
    expect(lines.filter((line) => !/^(;|$)/.test(line)).slice(1)).toEqual([
      '[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\WebClient\\Parameters]',
      '"FileSizeLimitInBytes"=dword:ffffffff',
      '"FileAttributesLimitInBytes"=dword:00989680',
      '"BasicAuthLevel"=dword:00000001',
    ]);
    expect(errors).toContain(`net use Z: "https://${id}.connect.example.org/Common documents/" /user:anna@x *`);
  });

  it('windows without TLS: passwords are allowed there too', async () => {
    const { connect } = await makeReachableTeam({ publicUrl: 'http://127.0.0.1:8080' });
    expect(await connect('windows')).toContain('"BasicAuthLevel"=dword:00000002\r\n');
  });

  it('cyberduck: a property list with protocol, host, port, user and path', async () => {
    const { connect, id, firn } = await makeReachableTeam({});
    await firn('drive', 'set', id, '--name', 'Keller & <Söhne>');
    const bookmark = readDict(await connect('cyberduck'));
    expect(bookmark).toEqual({
      Protocol: 'davs',
      Nickname: 'Keller & <Söhne>',
      UUID: expect.stringMatching(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/),
      Hostname: 'files.example.org',
      Port: '443',
      Username: 'anna@x',
      Path: `/dav/${id}`,
    });
    const inFolder = readDict(await connect('cyberduck', '--folder', 'Pläne & Maße/100%'));
    expect(inFolder).toMatchObject({ Nickname: '100%', Path: `/dav/${id}/Pläne & Maße/100%` });
  });

  it('cyberduck at a host of its own and another port', async () => {
    const publicUrl = 'http://files.example.org:8080';
    const { connect, id } = await makeReachableTeam({ driveHost: '{id}.connect.example.org', publicUrl });
    const bookmark = readDict(await connect('cyberduck'));
    expect(bookmark).toMatchObject({ Protocol: 'dav', Hostname: `${id}.connect.example.org`, Port: '8080', Path: '/' });
  });

  it('gnome and kde: the user stands in the address', async () => {
    const { connect, id } = await makeReachableTeam();
    const address = `anna%40x@${id}.connect.example.org`;
    expect(await connect('gnome')).toBe(`davs://${address}/ Team\n`);
    expect(await connect('gnome', '--folder', '/a b/ü')).toBe(`davs://${address}/a%20b/%C3%BC/ ü\n`);
    expect((await connect('kde')).split('\n')).toEqual([
      '[Desktop Entry]',
      'Icon=folder-remote',
      'Name=Team',
      'Type=Link',
      `URL=webdavs://${address}/`,
      '',
    ]);
  });

  it('joplin: four lines, the password left to be typed', async () => {
    const { connect, id } = await makeReachableTeam({});
    expect((await connect('joplin', '--folder', "/anna's notes")).split('\n')).toEqual([
      'joplin config sync.target 6',
      `joplin config sync.6.path 'https://files.example.org/dav/${id}/anna'\\''s%20notes'`,
      'joplin config sync.6.username anna@x',
      'joplin config sync.6.password PASSWORD',
      '',
    ]);
  });

  it('nextcloud: the address of the server, alone', async () => {
    const { connect, id, run } = await makeReachableTeam();
    expect(await connect('nextcloud')).toBe(`https://${id}.connect.example.org\n`);
    expect(await run(['connect', id, 'nextcloud', '--user', 'anna@x', '--folder', '/x'])).toMatchObject({ code: 1 });
  });

  it('davfs2: blanks are escaped in fstab, quotes in secrets', async () => {
    const { run, id } = await makeReachableTeam();
    const words = ['connect', id, 'davfs2', '--user', 'anna@x', '--folder', '/a b', '--password-stdin'];
    const { output } = await run(words, 'se"cr\\et\n');
    expect(output).toContain(
      `\nhttps://${id}.connect.example.org/a\\040b/ /mnt/firn-${id} davfs noauto,user,_netdev 0 0\n`,
    );
    expect(output).toContain(`\n/mnt/firn-${id} "anna@x" "se\\"cr\\\\et"\n`);
    const refused = await run(['connect', id, 'davfs2', '--user', 'anna@x', '--folder', '/a#b']);
    expect(refused).toMatchObject({ code: 1, output: '', errors: expect.stringMatching(/^error: [^\n]+\n$/) });
  });
});

describe('PRODUCT R2 — firn connect, as a command', () => {
  it('takes the only member; asks for --user where there are several; refuses who is none', async () => {
    const { run, firn, id } = await makeReachableTeam();
    expect(await run(['connect', id, 'nextcloud'])).toMatchObject({
      code: 1,
      output: '',
      errors: expect.stringMatching(/^error: [^\n]*--user EMAIL[^\n]*\n$/),
    });
    await firn('drive', 'remove-member', id, 'ben@x');
    expect((await run(['connect', id, 'rclone'])).output).toContain('user = anna@x\n');
    expect(await run(['connect', id, 'rclone', '--user', 'ben@x'])).toMatchObject({ code: 1, output: '' });
  });

  it('an unknown drive fails; an unknown program is wrong usage, and the answer lists those known', async () => {
    const { run, id } = await makeReachableTeam();
    expect(await run(['connect', '999999', 'rclone'])).toMatchObject({
      code: 1,
      output: '',
      errors: expect.stringMatching(/^error: There is no drive 999999[^\n]+\n$/),
    });
    const known = 'rclone, davfs2, windows, gnome, kde, cyberduck, joplin, nextcloud';
    expect(await run(['connect', id, 'floppy'])).toMatchObject({
      code: 2,
      output: '',
      errors: expect.stringMatching(new RegExp(`^error: [^\\n]+${known}[^\\n]*\\n$`)),
    });
    expect(await run(['connect', id])).toMatchObject({ code: 2, output: '' });
  });

  it('--password-stdin only where the file holds a password', async () => {
    const { run, id } = await makeReachableTeam();
    for (const client of ['windows', 'gnome', 'kde', 'cyberduck', 'joplin', 'nextcloud']) {
      const result = await run(['connect', id, client, '--user', 'anna@x', '--password-stdin'], 'secret\n');
      expect(result, client).toMatchObject({ code: 1, output: '', errors: expect.stringMatching(/^error: [^\n]+\n$/) });
    }
    expect(await run(['connect', id, 'rclone', '--user', 'anna@x', '--password-stdin'])).toMatchObject({ code: 1 });
  });

  it('--output writes a new file for its owner alone, and never over another', async () => {
    const { run, storage, id, connect } = await makeReachableTeam();
    const file = join(storage, 'rclone.conf');
    const words = ['connect', id, 'rclone', '--user', 'anna@x', '--output', file];
    expect(await run(words)).toMatchObject({ code: 0, output: '' });
    expect(await readFile(file, 'utf8')).toBe(await connect('rclone'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await run(words)).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/^error: [^\n]+there already[^\n]+\n$/),
    });
  });

  it('--json gives the text, the address and what to do with it', async () => {
    const { json, id, connect } = await makeReachableTeam();
    expect(await json('connect', id, 'gnome', '--user', 'ANNA@x', '--folder', 'a')).toEqual({
      drive: Number(id),
      client: 'gnome',
      user: 'anna@x',
      address: `https://${id}.connect.example.org/a/`,
      text: (await connect('gnome', '--folder', 'a')).trimEnd(),
      hint: expect.stringContaining('bookmarks'),
    });
  });
});

/** The strings of a property list that is one dictionary. Throws where it is none, or not well-formed. */
function readDict(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  const open: string[] = [];
  let key = '';
  const parser = new SaxesParser({});
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name }) => open.push(name));
  parser.on('closetag', () => open.pop());
  parser.on('text', (content) => {
    const place = open.join('/');
    if (place === 'plist/dict/key') key = content;
    else if (place === 'plist/dict/string') found[key] = content;
    else if (content.trim() !== '') throw new Error(`${content} stands in ${place}`);
  });
  parser.write(text).close();
  return found;
}
