/** The npm package webdav-server on a folder, with a password: PORT FOLDER USER PASSWORD. */
import webdav from 'webdav-server';

const [port, folder, user, password] = process.argv.slice(2);
const { v2 } = webdav;
const users = new v2.SimpleUserManager();
const privileges = new v2.SimplePathPrivilegeManager();
privileges.setRights(users.addUser(user, password, false), '/', ['all']);
const server = new v2.WebDAVServer({
  hostname: '127.0.0.1',
  port: Number(port),
  requireAuthentification: true,
  httpAuthentication: new v2.HTTPBasicAuthentication(users, 'source'),
  privilegeManager: privileges,
});
await server.setFileSystemAsync('/', new v2.PhysicalFileSystem(folder));
await server.startAsync();
