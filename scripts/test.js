/**
 * `npm test [-- vitest arguments]`: everything from a fresh clone to the last test. Where TEST_RESULTS names a file,
 * vitest also writes its results there as JSON (`.ci/run` counts them).
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { clusterPackages } from './cluster-packages.js';
import { ensureJoplin } from './joplin.js';
import { ensureBuild, ensureDebianPackages, ensureDependencies, root } from './prepare.js';

/** An object storage beside that of a cluster: what S3 says is what both do. */
const swiftPackages = ['swift', 'swift-proxy', 'swift-account', 'swift-container', 'swift-object', 'memcached'];
const clientPackages = [
  'litmus',
  'cadaver',
  'rclone',
  'restic',
  'davfs2',
  'gvfs',
  'gvfs-backends',
  'gvfs-fuse',
  'dbus',
  'libglib2.0-bin',
  'openssl',
  'fuse3',
  'curl',
  'nextcloud-desktop-cmd',
  'owncloud-client-cmd',
  'strace',
  'g++',
  'libfuse3-dev',
  'e2fsprogs',
  'xfsprogs',
  'mount',
  'unzip',
  'chromium',
  'faketime',
  'pgbouncer',
  'apache2',
  'caddy',
  'nginx',
  'libnginx-mod-http-dav-ext',
  'lighttpd',
  'lighttpd-mod-webdav',
];

ensureDependencies();
ensureBuild();
ensureDebianPackages(
  [...clientPackages, ...clusterPackages, ...swiftPackages],
  'npm test drives real WebDAV clients, a browser and clusters of servers, makes system calls fail and cuts a disk’s power',
);
ensureJoplin();

const results = process.env.TEST_RESULTS;
const reporters = results ? ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`] : [];
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? code : 1;
});
