// A Firn for the works on signing in: on a temporary folder, with users, and sign-ins that come from anywhere.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuild } from '../scripts/prepare.js';
import { makeBenchFolder } from './bench-folder.js';
import { send } from './http-client.js';
import { pickCores } from './machine.js';
import { run } from './processes.js';
import { firn } from './servers/firn.js';
import { makePassword } from './servers/server.js';

const COMMAND_LINE = join(import.meta.dirname, '..', 'bin', 'firn.js');

/**
 * @typedef {object} SignInServer
 * @property {import('./servers/server.js').Running} running
 * @property {Record<string, string>} headers  credentials of a program that is signed in
 * @property {(...words: string[]) => Promise<string>} command  runs `firn` beside the server
 */

/**
 * Starts it, does the work, and cleans up on every way out.
 * @param {(server: SignInServer) => Promise<void>} work
 */
export async function withSignInServer(work) {
  await ensureBuild();
  const folder = makeBenchFolder();
  const storage = join(folder, 'storage');
  mkdirSync(storage, { mode: 0o700 });
  // The bench plays the proxy, so that each guess can come from another address: one alone is soon slowed down.
  writeFileSync(
    join(storage, 'firn.config.json'),
    JSON.stringify({ trustedProxies: ['127.0.0.1'], logLevel: 'error' }),
  );
  const { server, load } = pickCores();
  const prepared = await firn.prepare({ folder, cores: `${server},${load}`, htpasswd: 'md5' });
  const running = await prepared.start();
  /** @param {string[]} words */
  const command = async (...words) =>
    (await run(process.execPath, [COMMAND_LINE, ...words], { environment: { FIRN_STORAGE: storage } })).trim();
  try {
    await work({ running, headers: prepared.headers, command });
  } finally {
    await running.stop();
  }
}

/** An address that nobody has used yet. @returns {string} */
export function nextAddress() {
  addresses++;
  return `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`;
}
let addresses = 0;

/**
 * A guess at an account's password in the console, from an address of its own.
 * @param {string} baseUrl
 * @param {string} email
 * @param {import('node:http').Agent} agent
 */
export function guessInConsole(baseUrl, email, agent) {
  const headers = { 'Content-Type': 'application/json', 'X-Forwarded-For': nextAddress() };
  const body = JSON.stringify({ email, password: makePassword() });
  return send('POST', new URL('/api/session', baseUrl).href, { headers, body, agent });
}

/** @param {number[]} values sorted @param {number} share */
export function quantile(values, share) {
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN;
}
