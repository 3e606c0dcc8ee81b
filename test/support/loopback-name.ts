import { lookup } from 'node:dns/promises';
import { appendFileSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { waitUntil } from './run-program.js';

const hostsFile = '/etc/hosts';
const lockFile = '/tmp/firn-test-hosts.lock';

async function isLoopback(name: string): Promise<boolean> {
  const addresses = await lookup(name, { all: true }).catch(() => []);
  return addresses.length > 0 && addresses.every(({ address }) => address === '127.0.0.1' || address === '::1');
}

/** True once this process holds the lock file; one whose process is gone is taken over. */
function isLockTaken(): boolean {
  try {
    const file = openSync(lockFile, 'wx');
    writeFileSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch {
    // Somebody holds it: fall through and look whether they still run.
  }
  try {
    process.kill(Number(readFileSync(lockFile, 'utf8')) || process.pid, 0);
  } catch {
    rmSync(lockFile, { force: true });
  }
  return false;
}

async function changeHosts(change: () => void): Promise<void> {
  await waitUntil(`the lock ${lockFile}`, isLockTaken);
  try {
    change();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/**
 * Makes a name such as `123456.connect.localhost` resolve to loopback for every program on this machine; returns what
 * undoes it. curl and systemd-resolved know that `*.localhost` is loopback (RFC 6761 §6.3); glibc without it, Go
 * (rclone) and neon (litmus, cadaver, davfs2) ask DNS and find nothing, so the name goes into /etc/hosts, which takes
 * root. The file is changed in place: in a container it is a mount that can't be replaced.
 */
export async function resolveToLoopback(name: string): Promise<() => Promise<void>> {
  const line = `127.0.0.1 ${name} # firn test ${process.pid}\n`;
  try {
    await changeHosts(() => appendFileSync(hostsFile, line));
  } catch (cause) {
    if (await isLoopback(name)) return async () => undefined;
    throw new Error(`run as root, or add "127.0.0.1 ${name}" to ${hostsFile}: the drive's own host must resolve here`, {
      cause,
    });
  }
  return async () => {
    await changeHosts(() => writeFileSync(hostsFile, readFileSync(hostsFile, 'utf8').replace(line, '')));
  };
}
