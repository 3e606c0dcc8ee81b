// The programs that make load: wrk for small requests, curl for large ones. Both refuse a failed answer.
import { join } from 'node:path';
import { run } from './processes.js';

const WRK_FOLDER = join(import.meta.dirname, 'wrk');
const WRK_TIMEOUT_SECONDS = 30;

/**
 * @typedef {object} Load
 * @property {string} url
 * @property {string} script fixed.lua or put.lua
 * @property {string[]} args the script's own
 * @property {number} connections
 * @property {number} seconds
 * @property {string} cores
 */

/**
 * Runs wrk with keep-alive connections; throws when a single request failed.
 * @param {Load} load
 */
export async function runWrk({ url, script, args, connections, seconds, cores }) {
  const limits = [`-t1`, `-c${connections}`, `-d${seconds}s`, '--timeout', `${WRK_TIMEOUT_SECONDS}s`];
  const output = await run('wrk', [...limits, '-s', join(WRK_FOLDER, script), url, '--', ...args], { cores });
  const line = /^RESULT (.*)$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`wrk gave no result: ${output.slice(-300)}`);
  const figures = line.split(' ').map(Number);
  const [requests, microseconds, bytes, connect, read, write, status, timeout, p99, p50] = figures;
  const failures = { connect, read, write, status, timeout };
  if (Object.values(failures).some((count) => count > 0)) {
    const counts = Object.entries(failures).filter(([, count]) => count > 0);
    throw new Error(`of ${requests} requests failed: ${counts.map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
  }
  if (requests === 0) throw new Error('wrk completed no request');
  return {
    requests,
    bytes,
    requestsPerSecond: requests / (microseconds / 1e6),
    p50Milliseconds: p50 / 1000,
    p99Milliseconds: p99 / 1000,
  };
}

/**
 * Runs curl for one transfer; throws on another status than expected and on another count of bytes.
 * @param {string[]} args
 * @param {{ cores: string, status: number[], bytes: number, direction: 'upload' | 'download', inputPath?: string }} expected
 */
export async function runCurl(args, { cores, status, bytes, direction, inputPath }) {
  const format = '\n%{http_code} %{time_total} %{size_upload} %{size_download}';
  const output = await run('curl', ['--silent', '--show-error', '--write-out', format, ...args], { cores, inputPath });
  const [code, seconds, uploaded, downloaded] = output
    .slice(output.lastIndexOf('\n') + 1)
    .split(' ')
    .map(Number);
  if (!status.includes(code)) throw new Error(`curl got ${code}: ${output.slice(0, 300)}`);
  const moved = direction === 'upload' ? uploaded : downloaded;
  const isFramed = inputPath !== undefined; // curl counts the chunk sizes with the bytes.
  if (isFramed ? moved < bytes : moved !== bytes) throw new Error(`curl moved ${moved} of ${bytes} bytes`);
  return { seconds, mbPerSecond: bytes / 1e6 / seconds };
}
