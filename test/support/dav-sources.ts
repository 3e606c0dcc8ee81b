import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.js';
import { mustRun, waitUntil } from './run-program.js';

export const SOURCE_USER = 'anna';
/** Looks different when it is percent-encoded. */
export const SOURCE_PASSWORD = 'Nebel meer&7411/Zaunkoenig';
export const SOURCES = ['apache', 'nginx', 'lighttpd', 'rclone', 'webdav-server'] as const;

export interface DavSource {
  readonly url: string;
  /** Where its files lie. */
  readonly files: string;
  remove(): Promise<void>;
}

/** A WebDAV server of another make on loopback, with the folder `files` to be filled, and a password. */
export async function startSource(name: (typeof SOURCES)[number]): Promise<DavSource> {
  const folder = await mkdtemp(path.join(tmpdir(), `firn-${name}-`));
  const files = path.join(folder, 'files');
  for (const place of [folder, files, path.join(folder, 'run')]) {
    await mkdir(place, { recursive: true });
    await chmod(place, 0o777);
  }
  const hash = (await mustRun('openssl', ['passwd', '-apr1', SOURCE_PASSWORD])).trim();
  await writeFile(path.join(folder, 'users'), `${SOURCE_USER}:${hash}\n`);
  const port = await freePort();
  const file = path.join(folder, 'server.conf');
  const { program, parameters, configuration } = COMMANDS[name](folder, port, file);
  await writeFile(file, configuration);
  const child = spawn(program, parameters, { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}/`;
  const isUp = () =>
    fetch(url).then(
      () => true,
      () => false,
    );
  await waitUntil(`${name} answers`, isUp);
  return {
    url,
    files,
    remove: async () => {
      await ended(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Command = (
  folder: string,
  port: number,
  file: string,
) => { program: string; parameters: string[]; configuration: string };

const APACHE_MODULES = [
  'mpm_event',
  'authn_core',
  'authn_file',
  'authz_core',
  'authz_user',
  'auth_basic',
  'dav',
  'dav_fs',
];

const COMMANDS: Readonly<Record<(typeof SOURCES)[number], Command>> = {
  apache: (folder, port, file) => ({
    program: 'apache2',
    parameters: ['-f', file, '-D', 'FOREGROUND'],
    configuration: `${APACHE_MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
User www-data
Group www-data
ServerRoot ${folder}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${folder}/run/httpd.pid
DefaultRuntimeDir ${folder}/run
ErrorLog ${folder}/error.log
DocumentRoot ${folder}/files
DavLockDB ${folder}/run/locks
<Directory ${folder}/files>
  Dav On
  AuthType Basic
  AuthName source
  AuthBasicProvider file
  AuthUserFile ${folder}/users
  Require valid-user
</Directory>
`,
  }),
  nginx: (folder, port, file) => ({
    program: 'nginx',
    parameters: ['-c', file, '-e', `${folder}/error.log`],
    configuration: `load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
daemon off;
pid ${folder}/run/nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/run/bodies;
  proxy_temp_path ${folder}/run/proxy;
  fastcgi_temp_path ${folder}/run/fastcgi;
  uwsgi_temp_path ${folder}/run/uwsgi;
  scgi_temp_path ${folder}/run/scgi;
  server {
    listen 127.0.0.1:${port};
    root ${folder}/files;
    auth_basic source;
    auth_basic_user_file ${folder}/users;
    location / { dav_ext_methods PROPFIND OPTIONS; }
  }
}
`,
  }),
  lighttpd: (folder, port, file) => ({
    program: 'lighttpd',
    parameters: ['-D', '-f', file],
    configuration: `server.modules = ("mod_auth", "mod_authn_file", "mod_webdav")
server.document-root = "${folder}/files"
server.bind = "127.0.0.1"
server.port = ${port}
webdav.activate = "enable"
auth.backend = "htpasswd"
auth.backend.htpasswd.userfile = "${folder}/users"
auth.require = ("/" => ("method" => "basic", "realm" => "source", "require" => "valid-user"))
`,
  }),
  rclone: (folder, port) => ({
    program: 'rclone',
    parameters: ['serve', 'webdav', `${folder}/files`, '--addr', `127.0.0.1:${port}`].concat(
      ['--user', SOURCE_USER, '--pass', SOURCE_PASSWORD],
      // Else it shows for five minutes what was there before.
      ['--dir-cache-time', '1s', '--config', `${folder}/rclone.conf`],
    ),
    configuration: '',
  }),
  'webdav-server': (folder, port) => ({
    program: process.execPath,
    parameters: [WEBDAV_SERVER, `${port}`, `${folder}/files`, SOURCE_USER, SOURCE_PASSWORD],
    configuration: '',
  }),
};

const WEBDAV_SERVER = path.join(import.meta.dirname, 'webdav-server-source.js');

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
