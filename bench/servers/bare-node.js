// A bare Node http server: no WebDAV, no authentication, no disk. What Node itself and the load program cost.
import { join } from 'node:path';
import { startOnFreePort } from './server.js';

/** @type {import('./server.js').Server} */
export const bareNode = {
  name: 'bare-node',
  title: 'bare Node (floor)',
  packages: [],
  works: ['get', 'get-paced', 'get-512m', 'put-512m', 'upload', 'chunked', 'download', 'memory-rest', 'memory-upload'],
  version: async () => process.version,
  async prepare(place) {
    return {
      headers: {},
      start: () =>
        startOnFreePort(place, (port) => ({
          command: process.execPath,
          args: [join(import.meta.dirname, 'bare-node-process.js'), String(port)],
          path: '/',
        })),
    };
  },
};
