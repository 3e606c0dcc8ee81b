import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { mustRun } from './run-program.js';

/** Where Debian's programs find the authorities that they trust: all in one file, or each by the hash of its name (Qt). */
const SYSTEM_FOLDER = '/etc/ssl/certs';
const BUNDLE = 'ca-certificates.crt';

/** An authority that only programs started by `trusting` believe, and a server's certificate from it. */
export interface ThrowawayCa {
  /** PEM files. */
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** The machine's own authorities and this one, for programs that take a whole bundle. */
  readonly bundleFile: string;
}

/** Makes both in `folder`; the certificate is for `names` and 127.0.0.1. */
export async function makeThrowawayCa(folder: string, names: readonly string[]): Promise<ThrowawayCa> {
  const file = (name: string) => path.join(folder, name);
  const ca = { caFile: file('ca.pem'), certificateFile: file('server.pem'), keyFile: file('server.key') };
  const openssl = (...parameters: string[]) => mustRun('openssl', parameters, { folder });
  const key = ['-newkey', 'rsa:2048', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    ca.caFile,
    '-days',
    '2',
    '-subj',
    '/CN=Firn test CA',
  );
  await openssl('req', ...key, '-keyout', ca.keyFile, '-out', 'server.csr', '-subj', '/CN=firn.test');
  const alternatives = [...names.map((name) => `DNS:${name}`), 'IP:127.0.0.1'].join(',');
  await writeFile(file('extensions'), `subjectAltName=${alternatives}\nextendedKeyUsage=serverAuth\n`);
  const signing = ['-req', '-in', 'server.csr', '-CA', ca.caFile, '-CAkey', 'ca.key', '-CAcreateserial'];
  await openssl('x509', ...signing, '-out', ca.certificateFile, '-days', '2', '-extfile', 'extensions');
  const trusted = file('trusted');
  await mkdir(trusted);
  const hash = (await openssl('x509', '-in', ca.caFile, '-noout', '-hash')).trim();
  await copyFile(ca.caFile, path.join(trusted, `${hash}.0`));
  const bundleFile = path.join(trusted, BUNDLE);
  const system = await readFile(path.join(SYSTEM_FOLDER, BUNDLE), 'utf8').catch(() => '');
  await writeFile(bundleFile, system + (await readFile(ca.caFile, 'utf8')));
  return { ...ca, bundleFile };
}

/**
 * The command line that runs a program, and what it starts, with the authority beside those of the machine: in a mount
 * namespace of its own, so that nothing changes for anybody else. Takes root, as mounting does.
 */
export function trusting(ca: ThrowawayCa, program: string, parameters: readonly string[]): [string, string[]] {
  const script = `mount --bind "$0" ${SYSTEM_FOLDER} && exec "$@"`;
  return ['unshare', ['--mount', 'sh', '-c', script, path.dirname(ca.bundleFile), program, ...parameters]];
}
