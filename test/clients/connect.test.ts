import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { mustRun, runProgram, waitUntil } from '../support/run-program.js';
import { checkSameBytes, readOverHttp, seededBytes } from '../support/trees.js';

const FIRN = fileURLToPath(new URL('../../bin/firn.js', import.meta.url));

describe.each([
  ['by path', '{id}.connect.*', 'pathMount'],
  ['at its own host', '{id}.connect.localhost', 'hostMount'],
] as const)('firn connect — the programs take what it prints, for a drive %s', (_, driveHost, mount) => {
  let server: BootedServer;
  let folder: string;
  const content = seededBytes('connect', 70_000);

  beforeAll(async () => {
    if (!existsSync('/dev/fuse')) throw new Error('/dev/fuse is missing on this machine: davfs2 can not be tested');
    server = await bootServer({ hostMount: true });
    folder = await mkdtemp(path.join(tmpdir(), 'firn-connect-'));
    await writeFile(path.join(folder, 'local.bin'), content);
    const headers = { authorization: server.authorization };
    for (const name of ['Plans & %', 'Plans & %/ü']) {
      const url = server.pathMount + name.split('/').map(encodeURIComponent).join('/');
      expect((await fetch(url, { method: 'MKCOL', headers })).status).toBe(201);
    }
  });
  afterAll(async () => {
    await server?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** Standard output of `firn connect`. */
  const connect = (client: string, options: string[] = [], input = '') =>
    mustRun(process.execPath, [FIRN, 'connect', server.driveId, client, ...options], {
      folder,
      input,
      environment: { FIRN_STORAGE: server.storage, FIRN_PORT: `${server.port}`, FIRN_DRIVE_HOST: driveHost },
    });
  const withPassword = (client: string, inFolder: string) =>
    connect(client, ['--folder', inFolder, '--password-stdin'], `${server.password}\n`);
  const seen = (name: string) =>
    readOverHttp(server.pathMount + name.split('/').map(encodeURIComponent).join('/'), server.authorization);

  test('rclone: the remote copies, keeps hashes, and lists the folder', async () => {
    const file = path.join(folder, 'rclone.conf');
    await writeFile(file, await withPassword('rclone', '/Plans & %/ü'));
    const environment = { RCLONE_CONFIG: file, HOME: folder };
    const remote = `firn-${server.driveId}:`;
    await mustRun('rclone', ['copy', 'local.bin', remote], { environment, folder });
    checkSameBytes(await seen('Plans & %/ü/local.bin'), content);
    const listed = JSON.parse(await mustRun('rclone', ['lsjson', '--hash', remote], { environment, folder }));
    expect(listed).toMatchObject([
      { Name: 'local.bin', Hashes: { sha1: expect.any(String), md5: expect.any(String) } },
    ]);
  });

  test('rclone: without a password the remote wants the line that "rclone obscure -" makes', async () => {
    const pass = (await mustRun('rclone', ['obscure', '-'], { input: server.password, folder })).trim();
    const file = path.join(folder, 'rclone-typed.conf');
    const remote = await connect('rclone');
    expect(remote).not.toContain('pass');
    await writeFile(file, `${remote}pass = ${pass}\n`);
    const environment = { RCLONE_CONFIG: file, HOME: folder };
    const names = await mustRun('rclone', ['lsf', `firn-${server.driveId}:`], { environment, folder });
    expect(names.split('\n').sort()).toEqual(['', 'Team drive/', 'Trash/']);
  });

  test('davfs2: mounts by the line for fstab, with the lines for secrets and davfs2.conf', async () => {
    const printed = await withPassword('davfs2', '/Plans & %/ü');
    const place = path.join(folder, 'mounted');
    await mkdir(place);
    // The place that it proposes is root's.
    const parts = printed.replaceAll(`/mnt/firn-${server.driveId}`, place).split('\n\n');
    expect(parts.map((part) => part.split(/[\n,]/)[0])).toEqual([
      '# /etc/fstab',
      '# /etc/davfs2/secrets',
      '# /etc/davfs2/davfs2.conf',
    ]);
    const file = (name: string) => path.join(folder, name);
    await writeFile(file('fstab'), `${parts[0]}\n`);
    await writeFile(file('secrets'), `${parts[1]}\n`, { mode: 0o600 });
    await writeFile(file('davfs2.conf'), `secrets ${file('secrets')}\nask_auth 0\n${parts[2]}`);
    await mustRun('mount', ['-T', file('fstab'), '-o', `conf=${file('davfs2.conf')}`, place], { folder });
    try {
      await writeFile(path.join(place, 'by davfs2.bin'), content);
      expect(await mustRun('ls', [place])).toContain('by davfs2.bin');
    } finally {
      const unmounted = await runProgram('umount', [place]);
      if (unmounted.code !== 0) await mustRun('umount', ['-l', place]);
    }
    // davfs2 uploads ten seconds after a file is closed, or at umount, which waits for no mount with a blank in its address.
    await waitUntil('davfs2 has uploaded the file', async () =>
      content.equals(await seen('Plans & %/ü/by davfs2.bin')),
    );
  });

  test("GNOME: gio mounts the bookmark's address and asks for nothing but the password", async () => {
    const [address, ...label] = (await connect('gnome', ['--folder', '/Plans & %/ü'])).trimEnd().split(' ');
    expect(label).toEqual(['ü']);
    await mkdir(path.join(folder, 'runtime'), { mode: 0o700 });
    const script = [
      'set -eu',
      'printf "%s\\n" "$FIRN_TEST_PASSWORD" | timeout 30 gio mount "$B"',
      'gio copy local.bin "$B/by gio.bin"',
      'gio mount -u "$B"',
    ].join('\n');
    await mustRun('dbus-run-session', ['--', 'bash', '-c', script], {
      folder,
      environment: {
        B: address!,
        FIRN_TEST_PASSWORD: server.password,
        HOME: folder,
        XDG_RUNTIME_DIR: path.join(folder, 'runtime'),
      },
    });
    checkSameBytes(await seen('Plans & %/ü/by gio.bin'), content);
  });

  test("Nextcloud's and ownCloud's programs find at the address what they ask for first", async () => {
    const address = (await connect('nextcloud')).trimEnd();
    expect(`${address}/`).toBe(server[mount]);
    expect(await (await fetch(`${address}/status.php`)).json()).toMatchObject({ installed: true });
    const files = `${address}/remote.php/dav/files/${encodeURIComponent(server.user)}/`;
    const headers = { authorization: server.authorization, depth: '0' };
    expect((await fetch(files, { method: 'PROPFIND', headers })).status).toBe(207);
  });

  test('--output: a file is taken as it was written', async () => {
    const file = path.join(folder, 'written.conf');
    await connect('rclone', ['--output', file, '--password-stdin'], `${server.password}\n`);
    expect(await readFile(file, 'utf8')).toMatch(/\npass = \S+\n$/);
    const environment = { RCLONE_CONFIG: file, HOME: folder };
    await mustRun('rclone', ['lsd', `firn-${server.driveId}:`], { environment, folder });
  });
});
