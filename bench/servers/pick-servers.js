// The servers by name.
import { apache } from './apache.js';
import { bareNode } from './bare-node.js';
import { firn, firnTwoCores, firnTwoWorkers } from './firn.js';
import { nginx } from './nginx.js';
import { rclone } from './rclone.js';

/**
 * The servers to run, in the table's order.
 * @param {string[]} names
 * @param {boolean} isTwoCores whether Firn also runs with two cores, by one process and by two workers, if it runs at all
 */
export function pickServers(names, isTwoCores) {
  const picked = [firn, apache, nginx, rclone, bareNode].filter((server) => names.includes(server.name));
  return picked.flatMap((server) => (server === firn && isTwoCores ? [firn, firnTwoCores, firnTwoWorkers] : [server]));
}
