// Firn, set up and started as an operator does: by its own command line.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../processes.js';
import { basicAuth, makePassword, startOnFreePort, USER } from './server.js';

const ROOT = join(import.meta.dirname, '..', '..');
const COMMAND_LINE = join(ROOT, 'bin', 'firn.js');
const PROGRAM = join(ROOT, 'dist', 'main.js');

/**
 * Runs one command of the firn command line over the storage folder.
 * @param {string[]} args
 * @param {string} storage
 * @param {string} [input]
 */
export async function firnCommand(args, storage, input) {
  const environment = { FIRN_STORAGE: storage };
  return (await run(process.execPath, [COMMAND_LINE, ...args], { environment, input, folder: ROOT })).trim();
}

/**
 * What the works that are about Firn alone know of it.
 * @typedef {import('./server.js').Running & { storage: string, password: string }} RunningFirn
 */

/** @param {string} storage @returns {Promise<{ driveId: string, secret: string, password: string }>} */
async function setUp(storage) {
  const password = makePassword();
  await firnCommand(['user', 'create', USER, '--name', 'Bench', '--password-stdin'], storage, `${password}\n`);
  const created = await firnCommand(['drive', 'create', 'Bench', '--owner', USER], storage);
  const driveId = /\d{6,}/.exec(created)?.[0];
  if (driveId === undefined) throw new Error(`firn drive create printed no ID: ${created}`);
  return { driveId, password, secret: await firnCommand(['app-password', 'create', USER, 'bench'], storage) };
}

/** @param {string} name @param {string} title @param {Record<string, string>} [settings] @returns {import('./server.js').Server} */
function makeFirn(name, title, settings = {}) {
  return {
    name,
    title,
    packages: [],
    version: async () => JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version,
    async prepare(place) {
      const storage = join(place.folder, 'storage');
      const { driveId, secret, password } = await setUp(storage);
      return {
        headers: basicAuth(USER, secret),
        start: async () => {
          const running = await startOnFreePort(place, (port) => ({
            command: process.execPath,
            args: [PROGRAM],
            environment: {
              FIRN_HOST: '127.0.0.1',
              FIRN_PORT: String(port),
              FIRN_STORAGE: storage,
              ...settings,
            },
            path: `/dav/${driveId}/`,
          }));
          return { ...running, storage, password };
        },
      };
    },
  };
}

export const firn = makeFirn('firn', 'Firn');
export const firnTwoCores = makeFirn('firn-2-cores', 'Firn, 2 cores');
export const firnTwoWorkers = makeFirn('firn-2-workers', 'Firn, 2 cores, 2 workers', { FIRN_WORKERS: '2' });
