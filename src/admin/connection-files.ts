import { createCipheriv, randomBytes, randomUUID } from 'node:crypto';
import { CommandError } from './command-error.js';
import { printable } from './table.js';

/** What a program is to be connected to, and as whom. */
export interface Connection {
  readonly driveId: number;
  readonly driveName: string;
  readonly user: string;
  /** Null: the file leaves it open. */
  readonly password: string | null;
  /** Of the drive, with a slash at the end. */
  readonly drive: URL;
  /** Names of the folder that is the program's root; none: the drive. */
  readonly folder: readonly string[];
}

export interface ConnectionFile {
  /** Without the last line's end. */
  readonly text: string;
  /** What to do with it, in a sentence or two. */
  readonly hint: string;
}

interface Client {
  readonly name: string;
  readonly write: (connection: Connection) => ConnectionFile;
  /** Whether the file has room for a password. */
  readonly holdsPassword?: boolean;
  /** Whether the program wants the server and finds folders itself. */
  readonly wantsServer?: boolean;
}

/** The programs for which there is a file, by the word that names them on the command line. */
export const CLIENTS: ReadonlyMap<string, Client> = new Map<string, Client>([
  ['rclone', { name: 'rclone', write: rclone, holdsPassword: true }],
  ['davfs2', { name: 'davfs2', write: davfs2, holdsPassword: true }],
  ['windows', { name: 'Windows', write: windows }],
  ['gnome', { name: 'GNOME Files', write: gnome }],
  ['kde', { name: 'Dolphin', write: kde }],
  ['cyberduck', { name: 'Cyberduck', write: cyberduck }],
  ['joplin', { name: 'Joplin', write: joplin }],
  ['nextcloud', { name: 'Nextcloud', write: nextcloud, wantsServer: true }],
]);

/** The folder's address, with a slash at the end. */
export function folderAddress({ drive, folder }: Connection): URL {
  return new URL(folder.map((name) => `${encodeURIComponent(name)}/`).join(''), drive);
}

/** A remote. `owncloud` is the vendor by which rclone keeps times, and compares SHA-1 and MD5, at a drive's address. */
function rclone(connection: Connection): ConnectionFile {
  const { driveId, user, password } = connection;
  const name = `firn-${driveId}`;
  const text = [
    `[${name}]`,
    'type = webdav',
    `url = ${folderAddress(connection)}`,
    'vendor = owncloud',
    `user = ${user}`,
    ...(password === null ? [] : [`pass = ${obscure(password)}`]),
  ];
  const place = 'Append it to the file that "rclone config file" names';
  const rest = `add a line "pass = …" with what "rclone obscure -" makes of the password that you type into it`;
  const hint = password === null ? `${place}, and ${rest}.` : `${place}.`;
  return { text: text.join('\n'), hint: `${hint} Then: rclone ls ${name}:` };
}

/** For three files. A path is written as it reads: davfs2 does the percent-encoding. */
function davfs2(connection: Connection): ConnectionFile {
  const { driveId, user, password, folder } = connection;
  if (folder.some((name) => /[#?\n]/.test(name))) {
    throw new CommandError('davfs2 can mount no folder with # or ? in its name; mount the one above it.');
  }
  const address = `${connection.drive}${folder.map((name) => `${name}/`).join('')}`;
  const place = `/mnt/firn-${driveId}`;
  const escaped = address.replace(/[\\\s]/g, (sign) => `\\${sign.charCodeAt(0).toString(8).padStart(3, '0')}`);
  const text = [
    '# /etc/fstab',
    `${escaped} ${place} davfs noauto,user,_netdev 0 0`,
    '',
    '# /etc/davfs2/secrets, or ~/.davfs2/secrets: readable by its owner alone',
    `${place} ${quote(user)} ${quote(password ?? 'PASSWORD')}`,
    '',
    '# /etc/davfs2/davfs2.conf',
    `[${place}]`,
    '# Linux 6.16 and newer list no folders with a smaller one.',
    'buf_size 64',
    '# Others are kept from overwriting a file that is open here.',
    'use_locks 1',
  ];
  const open = password === null ? ', with the password in place of PASSWORD' : '';
  return {
    text: text.join('\n'),
    hint: `Add each part to the file that stands above it${open}. Then: mkdir -p ${place} && mount ${place}`,
  };
}

/** For a registry file: ASCII, because Windows reads one without a byte order mark by the code page of the country. */
function windows(connection: Connection): ConnectionFile {
  const address = folderAddress(connection);
  const isPlain = address.protocol === 'http:';
  const text = [
    'Windows Registry Editor Version 5.00',
    '',
    '; Read when the service WebClient starts.',
    '[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\WebClient\\Parameters]',
    '; Files up to 4 GB in place of 50 MB.',
    '"FileSizeLimitInBytes"=dword:ffffffff',
    '; Listings of up to 10 MB in place of 1 MB: some 20,000 files a folder.',
    '"FileAttributesLimitInBytes"=dword:00989680',
    isPlain ? '; Passwords also without TLS: for a try on this machine only.' : '; Passwords over TLS only.',
    `"BasicAuthLevel"=dword:0000000${isPlain ? 2 : 1}`,
  ];
  const target = [`${connection.drive}`, ...connection.folder.map((name) => `${name}/`)].join('');
  return {
    // The last line's end is added, too.
    text: `${text.join('\r\n')}\r`,
    hint:
      'As an administrator: double-click the file, then net stop WebClient, net start WebClient. ' +
      `As yourself: net use Z: "${target}" /user:${connection.user} * /persistent:yes`,
  };
}

/** A line of GTK's bookmarks. */
function gnome(connection: Connection): ConnectionFile {
  return {
    text: `${withUser(connection, { 'https:': 'davs:', 'http:': 'dav:' })} ${labelOf(connection)}`,
    hint: 'Append it to ~/.config/gtk-3.0/bookmarks; it then stands in the side bar of Files.',
  };
}

/** What "Add Network Folder" of Plasma writes. */
function kde(connection: Connection): ConnectionFile {
  const text = [
    '[Desktop Entry]',
    'Icon=folder-remote',
    `Name=${labelOf(connection)}`,
    'Type=Link',
    `URL=${withUser(connection, { 'https:': 'webdavs:', 'http:': 'webdav:' })}`,
  ];
  const file = `~/.local/share/remoteview/firn-${connection.driveId}.desktop`;
  return { text: text.join('\n'), hint: `Save it as ${file}; Dolphin then has it under Network, remote:/.` };
}

/** A bookmark, which is a property list. Mountain Duck takes the same. */
function cyberduck(connection: Connection): ConnectionFile {
  const { drive, folder, user } = connection;
  const isPlain = drive.protocol === 'http:';
  const path = decodeURIComponent(drive.pathname) + folder.map((name) => `${name}/`).join('');
  const facts: readonly [string, string][] = [
    ['Protocol', isPlain ? 'dav' : 'davs'],
    ['Nickname', labelOf(connection)],
    ['UUID', randomUUID()],
    ['Hostname', drive.hostname.replace(/^\[|\]$/g, '')],
    ['Port', drive.port || (isPlain ? '80' : '443')],
    ['Username', user],
    ['Path', path === '/' ? path : path.slice(0, -1)],
  ];
  const text = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    ...facts.flatMap(([key, value]) => [`\t<key>${key}</key>`, `\t<string>${escapeXml(value)}</string>`]),
    '</dict>',
    '</plist>',
  ];
  return {
    text: text.join('\n'),
    hint: `Save it as firn-${connection.driveId}.duck and double-click it; Cyberduck asks for the password.`,
  };
}

/** The lines for the terminal version; the other versions ask for the same in their settings. */
function joplin(connection: Connection): ConnectionFile {
  const address = `${folderAddress(connection)}`.replace(/\/$/, '');
  const text = [
    'joplin config sync.target 6',
    `joplin config sync.6.path ${quoteForShell(address)}`,
    `joplin config sync.6.username ${quoteForShell(connection.user)}`,
    'joplin config sync.6.password PASSWORD',
  ];
  return {
    text: text.join('\n'),
    hint:
      'Leave the last line out of scripts: other users of the machine see what a command line holds. Start joplin, press ":" and ' +
      'type it there without "joplin", with the password. The folder must be on the drive before the first sync.',
  };
}

/** The address to type into the programs of Nextcloud and ownCloud. */
function nextcloud({ drive, user }: Connection): ConnectionFile {
  const hint = `Type it as the server's address. A page opens, on which ${user} signs in and allows the access.`;
  const isByPath = drive.pathname !== '/';
  const bare = drive.href.replace(/\/dav\/\d+\/$/, '');
  const rest = ` nextcloudcmd takes no address with /dav in it: give it ${bare}, and an app password for this drive.`;
  return { text: `${drive}`.replace(/\/$/, ''), hint: isByPath ? hint + rest : hint };
}

function withUser(connection: Connection, schemes: Readonly<Record<string, string>>): string {
  const { protocol, host, pathname } = folderAddress(connection);
  return `${schemes[protocol]}//${encodeURIComponent(connection.user)}@${host}${pathname}`;
}

/** The folder's name says more than the drive's, which it would share with others. */
function labelOf({ driveName, folder }: Connection): string {
  return printable(folder.at(-1) ?? driveName).trim();
}

/** As davfs2 reads its files. */
function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function escapeXml(text: string): string {
  return printable(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * The key in rclone's source (fs/config/obscure), the same in every rclone: it keeps passwords from being read over
 * somebody's shoulder, and no more.
 */
const RCLONE_KEY = Buffer.from('9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638', 'hex');
const RCLONE_IV_BYTES = 16;

/** What `rclone obscure` makes of a password: AES-256 in counter mode behind its IV, in base64url without padding. */
function obscure(password: string): string {
  const iv = randomBytes(RCLONE_IV_BYTES);
  const cipher = createCipheriv('aes-256-ctr', RCLONE_KEY, iv);
  return Buffer.concat([iv, cipher.update(password, 'utf8'), cipher.final()]).toString('base64url');
}
