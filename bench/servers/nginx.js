// nginx with its own dav module and nginx-dav-ext, one worker, from a configuration of its own.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../processes.js';
import { basicAuth, makePassword, makeWorkerFolders, startOnFreePort, USER, writePasswordFile } from './server.js';

const DAV_EXT = '/usr/lib/nginx/modules/ngx_http_dav_ext_module.so';

/** @param {{ folder: string, port: number, passwordFile: string, workers: number }} place */
function configuration({ folder, port, passwordFile, workers }) {
  return `load_module ${DAV_EXT};
${process.getuid?.() === 0 ? 'user www-data;' : ''}
daemon off;
worker_processes ${workers};
pid ${folder}/run/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_max_body_size 0;
  client_body_temp_path ${folder}/run/bodies;
  proxy_temp_path ${folder}/run/proxy;
  fastcgi_temp_path ${folder}/run/fastcgi;
  uwsgi_temp_path ${folder}/run/uwsgi;
  scgi_temp_path ${folder}/run/scgi;
  server {
    listen 127.0.0.1:${port};
    root ${folder}/files;
    auth_basic bench;
    auth_basic_user_file ${passwordFile};
    location / {
      dav_methods PUT DELETE MKCOL COPY MOVE;
      dav_ext_methods PROPFIND OPTIONS;
      create_full_put_path off;
    }
  }
}
`;
}

/** @type {import('./server.js').Server} */
export const nginx = {
  name: 'nginx',
  title: 'nginx dav-ext',
  packages: ['nginx', 'libnginx-mod-http-dav-ext', 'apache2-utils'],
  version: async () => (await run('sh', ['-c', 'nginx -v 2>&1'])).split('/')[1].trim(),
  async prepare(place) {
    const password = makePassword();
    makeWorkerFolders([join(place.folder, 'files'), join(place.folder, 'run'), join(place.folder, 'run', 'bodies')]);
    const passwordFile = await writePasswordFile(place, password);
    return {
      headers: basicAuth(USER, password),
      start: () =>
        startOnFreePort(place, (port) => {
          const path = join(place.folder, 'nginx.conf');
          const workers = place.cores.split(',').length;
          writeFileSync(path, configuration({ folder: place.folder, port, passwordFile, workers }));
          // -e: the compiled-in log is opened before the configuration is read.
          return { command: 'nginx', args: ['-c', path, '-e', join(place.folder, 'error.log')], path: '/' };
        }),
    };
  },
};
