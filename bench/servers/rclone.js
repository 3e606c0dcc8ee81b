// rclone serve webdav over a local folder, as its documentation starts it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../processes.js';
import { basicAuth, makePassword, startOnFreePort, USER } from './server.js';

/** @type {import('./server.js').Server} */
export const rclone = {
  name: 'rclone',
  title: 'rclone serve webdav',
  packages: ['rclone'],
  version: async () => (await run('rclone', ['version'])).split('\n')[0].replace(/^rclone v?/, ''),
  async prepare(place) {
    const password = makePassword();
    const files = join(place.folder, 'files');
    mkdirSync(files);
    // An own configuration and cache folder: the operator's may name other remotes and settings.
    const environment = {
      RCLONE_CONFIG: join(place.folder, 'rclone.conf'),
      RCLONE_CACHE_DIR: join(place.folder, 'cache'),
    };
    const credentials = ['--user', USER, '--pass', password];
    return {
      headers: basicAuth(USER, password),
      start: () =>
        startOnFreePort(place, (port) => ({
          command: 'rclone',
          args: ['serve', 'webdav', files, '--addr', `127.0.0.1:${port}`, ...credentials],
          environment,
          path: '/',
        })),
    };
  },
};
