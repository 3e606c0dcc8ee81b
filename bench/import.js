// node bench/import.js [memory [FILES] | throughput [FILES MB]]: whether imports take constant memory, and as long as rclone.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureBuild } from '../scripts/prepare.js';
import { makeBenchFolder } from './bench-folder.js';
import { seeded } from './import-tree.js';
import { flushDisk, pickCores } from './machine.js';
import { readMemoryMb, resetPeakMemory, run } from './processes.js';
import { apache } from './servers/apache.js';
import { firn } from './servers/firn.js';

const MEMORY_MB_MAX = 200;
const SHARE_MIN = 0.7;
const COMMAND_LINE = join(import.meta.dirname, '..', 'bin', 'firn.js');
const SOURCE = join(import.meta.dirname, 'import-source.js');
const CORES = Object.values(pickCores()).join(',');

/**
 * @typedef {{ user: string, password: string, url: string }} Login
 * @typedef {{ pid: number, driveId: string, login: Login, start: (source: Login, to: string) => Promise<any> }} Target
 */

/** @param {Record<string, string>} headers @param {string} url @returns {Login} */
function loginOf(headers, url) {
  const [user = '', ...rest] = Buffer.from(String(headers.Authorization).split(' ')[1] ?? '', 'base64')
    .toString()
    .split(':');
  return { user, password: rest.join(':'), url };
}

/** @param {string} folder @param {(target: Target) => Promise<boolean>} work */
async function withFirn(folder, work) {
  const place = join(folder, 'firn');
  const storage = join(place, 'storage');
  mkdirSync(storage, { recursive: true, mode: 0o700 });
  const configuration = { importAllowedNetworks: ['127.0.0.1'], logLevel: 'error' };
  writeFileSync(join(storage, 'firn.config.json'), JSON.stringify(configuration));
  const prepared = await firn.prepare({ folder: place, cores: CORES, htpasswd: 'md5' });
  const running = await prepared.start();
  const driveId = /\/dav\/(\d+)\//.exec(running.baseUrl)?.[1] ?? '';
  const environment = { FIRN_STORAGE: storage };
  /** @param {Login} source @param {string} to */
  const start = async ({ url, user, password }, to) => {
    const words = ['import', 'start', url, '--user', user, '--password-stdin', '--drive', driveId, '--to', to];
    const input = `${password}\n`;
    const id = (await run(process.execPath, [COMMAND_LINE, ...words], { environment, input })).trim();
    for (;;) {
      const shown = await run(process.execPath, [COMMAND_LINE, 'import', 'show', id, '--json'], { environment });
      const view = JSON.parse(shown);
      if (view.endedAt !== null) return view;
      process.stderr.write(
        `${view.done ?? 0} of ${view.files ?? 0} files, ${readMemoryMb(running.pid, 'VmHWM').toFixed(0)} MB\n`,
      );
      await sleep(5000);
    }
  };
  try {
    return await work({ pid: running.pid, driveId, login: loginOf(prepared.headers, running.baseUrl), start });
  } finally {
    await running.stop();
  }
}

/** @param {string} folder @param {number} files */
async function measureMemory(folder, files) {
  const child = spawn(process.execPath, [SOURCE, `${files}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const port = await new Promise((resolve) => child.stdout.once('data', (text) => resolve(Number(text))));
    const source = { url: `http://127.0.0.1:${port}/`, user: 'any', password: 'any' };
    return await withFirn(folder, async ({ pid, start }) => {
      const rest = readMemoryMb(pid, 'VmRSS');
      resetPeakMemory(pid);
      const started = performance.now();
      const { state, done } = await start(source, 'in');
      const seconds = (performance.now() - started) / 1000;
      const peak = readMemoryMb(pid, 'VmHWM');
      process.stdout.write(
        `${state}: ${done} of ${files} files in ${seconds.toFixed(0)} s (${(files / seconds).toFixed(0)} a second), ` +
          `memory ${rest.toFixed(0)} MB before, ${peak.toFixed(0)} MB at most (aim: under ${MEMORY_MB_MAX} MB)\n`,
      );
      return done === files && peak < MEMORY_MB_MAX;
    });
  } finally {
    child.kill();
  }
}

/** @param {string} folder @param {number} files @param {number} megabytes */
async function measureThroughput(folder, files, megabytes) {
  const place = join(folder, 'apache');
  mkdirSync(place);
  chmodSync(place, 0o755);
  const prepared = await apache.prepare({ folder: place, cores: CORES, htpasswd: 'md5' });
  const running = await prepared.start();
  try {
    const bytes = seeded(join(place, 'files'), files, megabytes * 1e6);
    flushDisk(folder);
    const source = loginOf(prepared.headers, running.baseUrl);
    return await withFirn(folder, async ({ login, start }) => {
      const obscured = async (/** @type {string} */ text) =>
        (await run('rclone', ['obscure', '-'], { input: text })).trim();
      const remote = async (/** @type {string} */ name, /** @type {Login} */ { url, user, password }) =>
        `[${name}]\ntype = webdav\nurl = ${url}\nuser = ${user}\npass = ${await obscured(password)}\nvendor = owncloud\n`;
      const file = join(folder, 'rclone.conf');
      writeFileSync(file, (await remote('from', source)) + (await remote('to', login)));
      /** @type {{ rclone: number[], firn: number[] }} */
      const seconds = { rclone: [], firn: [] };
      for (const round of [1, 2]) {
        const started = performance.now();
        await run('rclone', ['copy', 'from:', `to:rclone-${round}`, '--config', file]);
        seconds.rclone.push((performance.now() - started) / 1000);
        flushDisk(folder);
        const view = await start(source, `firn-${round}`);
        if (view.state !== 'succeeded' || view.done !== files) throw new Error(`the import took ${view.done} files`);
        // By its own times: the command line looks every five seconds.
        seconds.firn.push((Date.parse(view.endedAt) - Date.parse(view.startedAt)) / 1000);
        flushDisk(folder);
      }
      const best = { rclone: Math.min(...seconds.rclone), firn: Math.min(...seconds.firn) };
      const share = best.rclone / best.firn;
      const speed = (/** @type {number} */ time) => `${time.toFixed(1)} s, ${(bytes / 1e6 / time).toFixed(0)} MB/s`;
      process.stdout.write(
        `${files} files, ${(bytes / 1e6).toFixed(0)} MB from Apache: rclone copy ${speed(best.rclone)}; ` +
          `import ${speed(best.firn)}: ${share.toFixed(2)} of rclone (aim: ${SHARE_MIN}); all rounds ${JSON.stringify(seconds)}\n`,
      );
      return share >= SHARE_MIN;
    });
  } finally {
    await running.stop();
  }
}

await ensureBuild();
const folder = makeBenchFolder();
chmodSync(folder, 0o755); // Apache's workers must get through.
const [what = 'all', files, megabytes] = process.argv.slice(2);
let isMet = true;
if (what !== 'throughput') isMet = await measureMemory(join(folder), Number(files ?? 200_000));
if (what === 'all') rmSync(join(folder, 'firn'), { recursive: true, force: true });
if (what !== 'memory')
  isMet = (await measureThroughput(folder, Number(files ?? 60), Number(megabytes ?? 1500))) && isMet;
process.exit(isMet ? 0 : 1);
