import { readFileSync } from 'node:fs';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { CLIENTS, type Connection } from '../../src/admin/connection-files.js';
import { driveAddress } from '../../src/admin/drive-address.js';

const OWN_HOST = 'https://123456.connect.example.org/';
const BY_PATH = 'https://files.example.org/dav/123456/';

interface Wish extends Partial<Omit<Connection, 'drive'>> {
  readonly at?: string;
}

/** What `firn connect` prints for anna's drive. */
function fileFor(client: string, { at = OWN_HOST, ...wish }: Wish = {}) {
  const anna = { driveId: 123_456, driveName: 'Team', user: 'anna@example.org', password: null, folder: [] };
  return CLIENTS.get(client)!.write({ ...anna, drive: new URL(at), ...wish });
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
    [{ publicUrl: 'https://files.example.org' }, BY_PATH],
    [{ publicUrl: 'https://files.example.org:8443/' }, 'https://files.example.org:8443/dav/123456/'],
    [named, OWN_HOST],
    [{ ...named, publicUrl: 'https://files.example.org:8443' }, 'https://123456.connect.example.org:8443/'],
    [{ ...named, publicUrl: 'http://files.example.org' }, 'http://123456.connect.example.org/'],
    [{ ...named, host: '0.0.0.0', port: 8443, tlsCertificate: 'c' }, 'https://123456.connect.example.org:8443/'],
    [{ driveHost: '{id}.Connect.Localhost' }, 'http://123456.connect.localhost:8080/'],
  ])('%j → %s', (settings, address) => {
    expect(driveAddress({ ...defaults, ...settings }, 123_456).href).toBe(address);
  });

  it.each([{ port: 0 }, { host: '0.0.0.0' }, { host: '::' }])('%j tells none, and says what to set', (settings) => {
    expect(() => driveAddress({ ...defaults, ...settings }, 123_456)).toThrow(/publicUrl/);
  });
});

describe('PRODUCT R2 — firn connect, a file for each program', () => {
  it('each program stands in docs/CLIENTS.md', () => {
    const page = readFileSync(new URL('../../docs/CLIENTS.md', import.meta.url), 'utf8');
    expect([...CLIENTS.keys()].filter((client) => !page.includes(`| \`${client}\` `))).toEqual([]);
  });

  it('rclone: a remote with the vendor that keeps times and hashes', () => {
    expect(fileFor('rclone', { folder: ['a b', 'ü'] }).text.split('\n')).toEqual([
      '[firn-123456]',
      'type = webdav',
      `url = ${OWN_HOST}a%20b/%C3%BC/`,
      'vendor = owncloud',
      'user = anna@example.org',
    ]);
    const [first, second] = [1, 2].map(() => fileFor('rclone', { password: 'seven green lamps' }).text);
    expect(first).not.toBe(second);
    expect(first).not.toContain('green');
  });

  it('davfs2: blanks are escaped in fstab, quotes in secrets', () => {
    const lines = fileFor('davfs2', { folder: ['a b'], password: 'se"cr\\et' }).text.split('\n');
    expect(lines).toContain(`${OWN_HOST}a\\040b/ /mnt/firn-123456 davfs noauto,user,_netdev 0 0`);
    expect(lines).toContain('/mnt/firn-123456 "anna@example.org" "se\\"cr\\\\et"');
    expect(fileFor('davfs2').text).toContain('\n/mnt/firn-123456 "anna@example.org" "PASSWORD"\n');
    for (const name of ['a#b', 'a?b']) expect(() => fileFor('davfs2', { folder: [name] })).toThrow(/davfs2/);
  });

  it('windows: a registry file in ASCII with CRLF, which raises the limits, and how to map the drive', () => {
    const { text, hint } = fileFor('windows', { folder: ['Common documents'], user: 'änna@example.org' });
    expect(text).toMatch(/^[\x20-\x7e\r\n]+\r$/);
    const lines = `${text}\n`.split('\r\n');
    expect(lines.join('')).not.toMatch(/[\r\n]/);
    expect(lines.filter((line) => !line.startsWith(';'))).toEqual([
      'Windows Registry Editor Version 5.00',
      '',
      '[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\WebClient\\Parameters]',
      '"FileSizeLimitInBytes"=dword:ffffffff',
      '"FileAttributesLimitInBytes"=dword:00989680',
      '"BasicAuthLevel"=dword:00000001',
      '',
    ]);
    expect(hint).toContain(`net use Z: "${OWN_HOST}Common documents/" /user:änna@example.org *`);
  });

  it('windows without TLS: passwords are sent there too', () => {
    const { text } = fileFor('windows', { at: 'http://127.0.0.1:8080/dav/123456/' });
    expect(text).toContain('\r\n"BasicAuthLevel"=dword:00000002\r');
  });

  it('cyberduck: a property list with protocol, host, port, user and path', () => {
    const bookmark = readDict(fileFor('cyberduck', { at: BY_PATH, driveName: 'Keller & <Söhne>' }).text);
    expect(bookmark).toEqual({
      Protocol: 'davs',
      Nickname: 'Keller & <Söhne>',
      UUID: expect.stringMatching(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/),
      Hostname: 'files.example.org',
      Port: '443',
      Username: 'anna@example.org',
      Path: '/dav/123456',
    });
    const inFolder = readDict(fileFor('cyberduck', { at: BY_PATH, folder: ['Pläne & Maße', '100%'] }).text);
    expect(inFolder).toMatchObject({ Nickname: '100%', Path: '/dav/123456/Pläne & Maße/100%' });
    const plain = readDict(fileFor('cyberduck', { at: 'http://[::1]:8080/' }).text);
    expect(plain).toMatchObject({ Protocol: 'dav', Hostname: '::1', Port: '8080', Path: '/' });
  });

  it('gnome and kde: the user stands in the address', () => {
    const address = 'anna%40example.org@123456.connect.example.org';
    expect(fileFor('gnome').text).toBe(`davs://${address}/ Team`);
    expect(fileFor('gnome', { folder: ['a b', 'ü'] }).text).toBe(`davs://${address}/a%20b/%C3%BC/ ü`);
    expect(fileFor('gnome', { at: 'http://127.0.0.1:8080/dav/123456/' }).text).toMatch(/^dav:\/\/anna.*@127\./);
    expect(fileFor('kde').text.split('\n')).toEqual([
      '[Desktop Entry]',
      'Icon=folder-remote',
      'Name=Team',
      'Type=Link',
      `URL=webdavs://${address}/`,
    ]);
  });

  it('a name from outside breaks no line', () => {
    for (const client of ['gnome', 'kde', 'cyberduck', 'rclone']) {
      const folder = ['a\nURL=file:///etc/passwd'];
      expect(fileFor(client, { folder }).text.split('\n'), client).toHaveLength(
        fileFor(client).text.split('\n').length,
      );
    }
  });

  it('joplin: four lines, the password left to be typed', () => {
    expect(fileFor('joplin', { folder: ["anna's notes"] }).text.split('\n')).toEqual([
      'joplin config sync.target 6',
      `joplin config sync.6.path '${OWN_HOST}anna'\\''s%20notes'`,
      'joplin config sync.6.username anna@example.org',
      'joplin config sync.6.password PASSWORD',
    ]);
  });

  it('nextcloud: the address of the server, alone', () => {
    expect(fileFor('nextcloud').text).toBe('https://123456.connect.example.org');
    expect(fileFor('nextcloud', { at: BY_PATH }).text).toBe('https://files.example.org/dav/123456');
    // nextcloudcmd 3.7 refuses what looks like an address of WebDAV.
    expect(fileFor('nextcloud', { at: BY_PATH }).hint).toContain('nextcloudcmd');
    expect(fileFor('nextcloud').hint).not.toContain('nextcloudcmd');
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
