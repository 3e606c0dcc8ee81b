import { text } from './texts.js';

/** What a program's steps are made of. */
export interface Address {
  /** With a slash at the end. */
  readonly url: string;
  readonly host: string;
  /** What is written after the colon, or the one of the scheme. */
  readonly port: string;
  /** `/`, or `/dav/123456/`. */
  readonly path: string;
  readonly isSecure: boolean;
  readonly driveId: number;
  readonly email: string;
}

/** A sentence, and what is to be copied with it. */
export interface Step {
  readonly text: string;
  readonly copy?: string;
}

export interface Program {
  readonly id: string;
  readonly name: string;
  readonly steps: (address: Address) => readonly Step[];
  /** Limits worth knowing beforehand. */
  readonly note?: (address: Address) => string;
}

export function toAddress(url: string, driveId: number, email: string): Address {
  const { host, hostname, port, pathname, protocol } = new URL(url);
  const isSecure = protocol === 'https:';
  const shown = port || (isSecure ? '443' : '80');
  return { url, host: port ? host : hostname, port: shown, path: pathname, isSecure, driveId, email };
}

const bare = (url: string) => url.replace(/\/$/, '');
const rest = (url: string) => url.replace(/^https?:/, '');
const signIn = (): Step => ({ text: text.signIn });

/** docs/CLIENTS.md has the facts, and how far each was tried. */
export const PROGRAMS: readonly Program[] = [
  {
    id: 'windows',
    name: 'Windows',
    steps: ({ url, email }) => [
      { text: text.windows.map, copy: url },
      signIn(),
      { text: text.windows.command, copy: `net use Z: ${url} /user:${email} * /persistent:yes` },
    ],
    note: ({ isSecure }) => (isSecure ? text.windows.note : text.windows.plain),
  },
  {
    id: 'macos',
    name: 'macOS',
    steps: ({ url }) => [{ text: text.macos.connect, copy: url }, signIn()],
    note: () => text.macos.note,
  },
  {
    id: 'gnome',
    name: 'GNOME',
    steps: ({ url, isSecure }) => [
      { text: text.gnome.connect, copy: `${isSecure ? 'davs' : 'dav'}:${rest(url)}` },
      signIn(),
    ],
    note: () => text.gnome.note,
  },
  {
    id: 'kde',
    name: 'KDE',
    steps: ({ url, isSecure }) => [
      { text: text.kde.connect, copy: `${isSecure ? 'webdavs' : 'webdav'}:${rest(url)}` },
      signIn(),
    ],
    note: () => text.kde.note,
  },
  {
    id: 'rclone',
    name: 'rclone',
    steps: ({ url, driveId, email }) => [
      {
        text: text.rclone.config,
        copy: `rclone config create firn-${driveId} webdav url=${url} vendor=owncloud user=${email}`,
      },
      { text: text.rclone.password, copy: `rclone config password firn-${driveId} pass` },
      { text: text.rclone.list, copy: `rclone lsd firn-${driveId}:` },
    ],
    note: () => text.rclone.note,
  },
  {
    id: 'joplin',
    name: 'Joplin',
    steps: ({ url }) => [
      { text: text.joplin.folder },
      { text: text.joplin.target, copy: `${bare(url)}/joplin` },
      signIn(),
    ],
    note: () => text.joplin.note,
  },
  {
    id: 'nextcloud',
    name: 'Nextcloud, ownCloud',
    steps: ({ url }) => [{ text: text.nextcloud.server, copy: bare(url) }, { text: text.nextcloud.allow }],
    note: () => text.nextcloud.note,
  },
  {
    id: 'synology',
    name: 'Synology',
    steps: ({ url }) => [{ text: text.synology.task, copy: url }, signIn(), { text: text.synology.folder }],
    note: () => text.nasNote,
  },
  {
    id: 'qnap',
    name: 'QNAP',
    steps: ({ url }) => [{ text: text.qnap.account, copy: url }, signIn(), { text: text.qnap.job }],
    note: () => text.nasNote,
  },
  {
    id: 'cyberduck',
    name: 'Cyberduck',
    steps: ({ host, port, path, isSecure }) => [
      { text: text.cyberduck.connection(isSecure), copy: host.replace(/:\d+$/, '') },
      { text: text.cyberduck.rest(port, path === '/' ? '' : bare(path)) },
      signIn(),
    ],
    note: () => text.cyberduck.note,
  },
  {
    id: 'raidrive',
    name: 'RaiDrive',
    steps: ({ host, port, path }) => [
      { text: text.raidrive.add, copy: host.replace(/:\d+$/, '') },
      { text: text.raidrive.rest(port, path) },
      signIn(),
    ],
    note: () => text.raidrive.note,
  },
];
