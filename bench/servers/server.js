// What every server under the bench looks like, and what starting the peers has in common.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { send } from '../http-client.js';
import { pickPort, run, startServer, stopServer, waitUntilReady } from '../processes.js';

/**
 * @typedef {object} Place
 * @property {string} folder   this server's own, on the disk that is measured
 * @property {string} cores    as taskset takes them
 * @property {string} htpasswd md5 or sha1
 * @property {Record<string, string>} syncs what makes them slower, for the environment
 */

/**
 * @typedef {object} Running
 * @property {number} pid
 * @property {string} baseUrl  of a folder that takes PUT and MKCOL; ends with a slash
 * @property {() => Promise<void>} stop
 */

/**
 * @typedef {object} Prepared
 * @property {Record<string, string>} headers the credentials
 * @property {() => Promise<Running>} start    a fresh process over the same storage, each time
 */

/**
 * @typedef {object} Server
 * @property {string} name
 * @property {string} title
 * @property {string[]} packages  Debian packages it comes from
 * @property {string[]} [works]   the only work it can do; all where absent
 * @property {() => Promise<string>} version
 * @property {(place: Place) => Promise<Prepared>} prepare
 */

export const USER = 'bench@example.org';

/** @param {string} user @param {string} password */
export function basicAuth(user, password) {
  return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

export function makePassword() {
  return randomBytes(18).toString('base64url');
}

/** Makes folders that an unprivileged worker process can write when the bench runs as root. @param {string[]} paths */
export function makeWorkerFolders(paths) {
  for (const path of paths) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
    if (process.getuid?.() !== 0) continue;
    const [user, group] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'www-data'])));
    chownSync(path, user, group);
  }
}

/**
 * A password file for auth_basic and AuthBasicProvider file.
 * @param {Place} place
 * @param {string} password
 */
export async function writePasswordFile({ folder, htpasswd }, password) {
  const path = join(folder, 'passwords');
  await run('htpasswd', [htpasswd === 'md5' ? '-cim' : '-cis', path, USER], { input: password });
  chmodSync(path, 0o644);
  return path;
}

/**
 * Starts a program that serves on a port of the loopback address and waits for its first answer.
 * @param {Place} place
 * @param {(port: number) => { command: string, args: string[], environment?: Record<string, string>, path: string }} describe
 *   path is that of the base URL
 * @returns {Promise<Running>}
 */
export async function startOnFreePort({ folder, cores, syncs }, describe) {
  const port = await pickPort();
  const { command, args, environment, path } = describe(port);
  const logPath = join(folder, 'output.log');
  const child = startServer({ command, args, cores, logPath, environment: { ...environment, ...syncs } });
  const baseUrl = `http://127.0.0.1:${port}${path}`;
  try {
    await waitUntilReady(child, logPath, () => isAnswering(baseUrl));
  } catch (error) {
    await stopServer(child);
    throw error;
  }
  return { pid: /** @type {number} */ (child.pid), baseUrl, stop: () => stopServer(child) };
}

/** @param {string} url */
async function isAnswering(url) {
  try {
    await send('OPTIONS', url);
    return true;
  } catch {
    return false; // Not listening yet; waitUntilReady asks again and gives up in time.
  }
}
