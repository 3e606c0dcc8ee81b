// Apache httpd with mod_dav_fs, event MPM, from a configuration of its own: no system service is touched.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../processes.js';
import { basicAuth, makePassword, makeWorkerFolders, startOnFreePort, USER, writePasswordFile } from './server.js';

const MODULES = '/usr/lib/apache2/modules';
const MODULE_NAMES = [
  'mpm_event',
  'authn_core',
  'authn_file',
  'authz_core',
  'authz_user',
  'auth_basic',
  'dav',
  'dav_fs',
  'mime',
];

/** @param {{ folder: string, port: number, passwordFile: string }} place */
function configuration({ folder, port, passwordFile }) {
  const modules = MODULE_NAMES.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n');
  const worker = process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : '';
  return `${modules}
${worker}
ServerRoot ${folder}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${folder}/run/httpd.pid
DefaultRuntimeDir ${folder}/run
ErrorLog ${folder}/error.log
LogLevel warn
DocumentRoot ${folder}/files
TypesConfig /etc/mime.types
DavLockDB ${folder}/run/locks
LimitRequestBody 0
KeepAlive On
MaxKeepAliveRequests 0
EnableSendfile On
EnableMMAP On
<Directory />
  AllowOverride None
  Require all denied
</Directory>
<Directory ${folder}/files>
  AllowOverride None
  Dav On
  AuthType Basic
  AuthName bench
  AuthBasicProvider file
  AuthUserFile ${passwordFile}
  Require valid-user
</Directory>
`;
}

/** @type {import('./server.js').Server} */
export const apache = {
  name: 'apache',
  title: 'Apache mod_dav',
  packages: ['apache2', 'apache2-utils'],
  async version() {
    return /Apache\/(\S+)/.exec(await run('apache2', ['-v']))?.[1] ?? 'unknown';
  },
  async prepare(place) {
    const password = makePassword();
    makeWorkerFolders([join(place.folder, 'files'), join(place.folder, 'run')]);
    const passwordFile = await writePasswordFile(place, password);
    return {
      headers: basicAuth(USER, password),
      start: () =>
        startOnFreePort(place, (port) => {
          const path = join(place.folder, 'apache.conf');
          writeFileSync(path, configuration({ folder: place.folder, port, passwordFile }));
          return { command: 'apache2', args: ['-f', path, '-DFOREGROUND'], path: '/' };
        }),
    };
  },
};
