// What every kind of work is given, and the steps they share.
import { sendExpecting } from '../http-client.js';

/**
 * @typedef {object} Bench
 * @property {import('../servers/server.js').Running} server
 * @property {Record<string, string>} headers  the credentials
 * @property {number | null} core              the server's; null where it isn't pinned
 * @property {number | null} loadCore          the bench's own; null where the server shares it
 * @property {string} loadCores             where wrk and curl run, as taskset takes it
 * @property {import('../sizes.js').Sizes} sizes
 * @property {string} folder                   for files that the load programs read
 * @property {string} randomPath               a file of sizes.largeFileBytes random bytes; its first bytes may be changed
 * @property {(measure: string, value: number) => void} record  fills the cell `work's name`.measure
 * @property {(cost: import('../measure.js').Cost) => void} note keeps how undisturbed a measurement was
 */

/**
 * @typedef {object} Work
 * @property {string} name
 * @property {string[]} [only] the servers that can do it; all where absent
 * @property {(bench: Bench) => Promise<void>} run throws when a single request failed
 */

/**
 * Makes a folder for one work; its URL ends with a slash.
 * @param {Bench} bench
 * @param {string} name
 */
export async function makeFolder({ server, headers }, name) {
  const url = `${server.baseUrl}${name}/`;
  await sendExpecting([201], 'MKCOL', url, { headers });
  return url;
}

/** Headers as arguments of curl. @param {Record<string, string>} headers */
export function curlHeaders(headers) {
  return Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
}

/** Headers as arguments of the wrk scripts. @param {Record<string, string>} headers */
export function wrkHeaders(headers) {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}

/** @param {number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
