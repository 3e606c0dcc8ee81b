/**
 * What `npm start`, `npm test` and `firn` do first on a fresh clone: dependencies, build, Debian packages.
 * All output goes to standard error: standard output belongs to the program that runs afterwards.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * What proves that a Debian package (or its like on another system) is there: a program on the path, or one of
 * several files where the package has no program of its own.
 */
const proofs = new Map([
  ['apache2', ['apache2']],
  ['apache2-utils', ['htpasswd']],
  ['cadaver', ['cadaver']],
  ['caddy', ['caddy']],
  ['ceph-common', ['ceph']],
  ['ceph-mon', ['ceph-mon']],
  ['ceph-osd', ['ceph-osd']],
  ['chromium', ['chromium']],
  ['curl', ['curl']],
  ['davfs2', ['mount.davfs']],
  ['dbus', ['dbus-run-session']],
  ['e2fsprogs', ['mkfs.ext4']],
  ['faketime', ['faketime']],
  ['fuse3', ['fusermount3']],
  ['g++', ['g++']],
  ['gvfs', ['/usr/lib/gvfs/gvfsd', '/usr/libexec/gvfsd']],
  ['gvfs-backends', ['/usr/lib/gvfs/gvfsd-dav', '/usr/libexec/gvfsd-dav']],
  ['gvfs-fuse', ['/usr/lib/gvfs/gvfsd-fuse', '/usr/libexec/gvfsd-fuse']],
  ['haproxy', ['haproxy']],
  ['libfuse3-dev', ['/usr/include/fuse3/fuse.h']],
  ['libglib2.0-bin', ['gio']],
  ['libnginx-mod-http-dav-ext', ['/usr/lib/nginx/modules/ngx_http_dav_ext_module.so']],
  ['lighttpd', ['lighttpd']],
  ['lighttpd-mod-webdav', ['/usr/lib/lighttpd/mod_webdav.so']],
  ['litmus', ['litmus']],
  ['make', ['make']],
  ['memcached', ['memcached']],
  ['mount', ['mount']],
  ['nextcloud-desktop-cmd', ['nextcloudcmd']],
  ['nginx', ['nginx']],
  ['openssl', ['openssl']],
  ['owncloud-client-cmd', ['owncloudcmd']],
  ['pgbouncer', ['pgbouncer']],
  ['postgresql', ['/usr/lib/postgresql/15/bin/postgres']],
  ['python3', ['python3']],
  ['radosgw', ['radosgw']],
  ['rclone', ['rclone']],
  ['restic', ['restic']],
  ['strace', ['strace']],
  ['swift', ['swift-ring-builder']],
  ['swift-account', ['swift-account-server']],
  ['swift-container', ['swift-container-server']],
  ['swift-object', ['swift-object-server']],
  ['swift-proxy', ['swift-proxy-server']],
  ['unzip', ['unzip']],
  ['util-linux', ['taskset']],
  ['wrk', ['wrk']],
  ['xfsprogs', ['mkfs.xfs']],
]);

export function say(sentence) {
  process.stderr.write(`firn: ${sentence}\n`);
}

/** Runs a command whose output goes to standard error; returns its exit code (1 when it could not run at all). */
function run(command, parameters, { environment = {}, folder = root } = {}) {
  const env = { ...process.env, ...environment };
  const result = spawnSync(command, parameters, { cwd: folder, stdio: ['ignore', 2, 2], env });
  if (result.error) say(`${command} could not run: ${result.error.message}`);
  return result.status ?? 1;
}

/** Runs a command that must succeed; otherwise says `advice` and ends the process with its exit code. */
export function runOrExit(command, parameters, advice, options) {
  const code = run(command, parameters, options);
  if (code === 0) return;
  say(advice);
  process.exit(code);
}

/** True when what npm wrote into node_modules of a folder is what package-lock.json there asks for. */
export function areDependenciesFresh(folder = root) {
  const wanted = path.join(folder, 'package-lock.json');
  const installed = path.join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  if (statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return true;
  const wantedPackages = JSON.parse(readFileSync(wanted, 'utf8')).packages;
  const installedPackages = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wantedPackages).every(([place, wish]) => {
    const found = installedPackages[place];
    // npm leaves out the optional packages of other platforms.
    if (place === '' || (found === undefined && wish.optional)) return true;
    return found?.version === wish.version && found?.integrity === wish.integrity;
  });
}

/** Runs `npm ci` when node_modules is missing or differs from package-lock.json; ends the process when that fails. */
export function ensureDependencies() {
  if (areDependenciesFresh()) return;
  say('installing the dependencies (npm ci), about a minute …');
  runOrExit('npm', ['ci', '--loglevel=error'], 'npm ci failed, see above.');
}

/** The latest modification time, in milliseconds, of a file or of anything below a folder; 0 where there is none. */
function newestIn(place) {
  const stat = statSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  // A folder's own time counts too: it shows that a file was removed.
  return readdirSync(place).reduce((newest, name) => Math.max(newest, newestIn(path.join(place, name))), stat.mtimeMs);
}

const mainProgram = path.join(root, 'dist', 'main.js');

/** True when dist/ is there and nothing it is made from is newer. */
export function isBuildFresh() {
  const cliProgram = path.join(root, 'dist', 'cli.js');
  const pages = path.join(root, 'dist', 'console', 'web', 'index.html');
  if (![mainProgram, cliProgram, pages].every((file) => existsSync(file))) return false;
  const settings = readdirSync(root).filter((name) => /^(tsconfig.*\.json|vite\.config\.ts)$/.test(name));
  const newest = Math.max(...['src', 'migrations', ...settings].map((name) => newestIn(path.join(root, name))));
  return newest <= statSync(mainProgram).mtimeMs;
}

/** Runs `npm run build` when dist/ is missing or older than what it is made from; ends the process when that fails. */
export function ensureBuild() {
  if (isBuildFresh()) return;
  say('building (npm run build) …');
  const code = run('npm', ['run', '--silent', 'build']);
  if (code === 0) return;
  // The compiler writes files even where types are wrong: an old date makes the next run build again.
  if (existsSync(mainProgram)) utimesSync(mainProgram, 0, 0);
  say('npm run build failed, see above.');
  process.exit(code);
}

function isProgramThere(proof) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
  const places = path.isAbsolute(proof) ? [proof] : folders.map((folder) => path.join(folder, proof));
  return places.some((place) => {
    try {
      // A module and a header are only read; a program is run.
      accessSync(place, /\.(so|h)$/.test(place) ? constants.R_OK : constants.X_OK);
      return true;
    } catch {
      return false; // Absent or not executable: either way not usable.
    }
  });
}

/** The Debian packages of a list whose programs are missing on this machine. */
export function missingDebianPackages(list) {
  return list.filter((name) => {
    const proof = proofs.get(name);
    if (proof === undefined) throw new Error(`prepare.js: no proof is known for the Debian package ${name}`);
    return !proof.some(isProgramThere);
  });
}

/**
 * Installs the Debian packages of `list` whose programs are missing, and says which and why. Without root or apt-get it
 * prints the command to type and ends the process with exit code 1.
 */
export function ensureDebianPackages(list, why) {
  const missing = missingDebianPackages(list);
  if (missing.length === 0) return;
  const names = missing.join(' ');
  if (process.getuid?.() !== 0 || !isProgramThere('apt-get')) {
    say(`${why}; type: sudo apt-get install -y --no-install-recommends ${names}`);
    process.exit(1);
  }
  say(`installing the Debian packages ${names} (${why}) …`);
  const options = { environment: { DEBIAN_FRONTEND: 'noninteractive' } };
  runOrExit('apt-get', ['update', '-qq'], 'apt-get update failed, see above.', options);
  const parameters = ['install', '-y', '-qq', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0', ...missing];
  runOrExit('apt-get', parameters, `apt-get could not install ${names}, see above.`, options);
  const stillMissing = missingDebianPackages(list);
  if (stillMissing.length === 0) return;
  say(`apt-get installed ${names}, yet the programs of ${stillMissing.join(' ')} are not found.`);
  process.exit(1);
}
