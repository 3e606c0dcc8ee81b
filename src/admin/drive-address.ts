import { isIP } from 'node:net';
import type { Config } from '../config.js';
import { CommandError } from './command-error.js';

type AddressSettings = Pick<Config, 'driveHost' | 'host' | 'port' | 'publicUrl' | 'tlsCertificate'>;

/** Hosts to listen on that are no address to go to. */
const EVERYWHERE = ['0.0.0.0', '::'];

/**
 * Where people reach a drive, with a slash at the end (PRODUCT A1): at its own host where `driveHost` names a domain,
 * else by path. Throws `CommandError` where the settings don't tell.
 */
export function driveAddress(config: AddressSettings, driveId: number): URL {
  const { driveHost, publicUrl } = config;
  // A `*` at the end stands for a domain that only the operator's DNS knows.
  if (driveHost.endsWith('*')) {
    const base = publicUrl ?? listeningUrl(config, config.host).href;
    return new URL(`${base.replace(/\/+$/, '')}/dav/${driveId}/`);
  }
  const name = driveHost.replace('{id}', `${driveId}`).toLowerCase();
  if (publicUrl !== null) {
    const { protocol, port } = new URL(publicUrl);
    return new URL(`${protocol}//${name}${port && `:${port}`}/`);
  }
  // Without TLS of its own Firn is reached under a real name through a proxy alone, which has the certificate.
  const isProxied = config.tlsCertificate === null && !name.endsWith('.localhost');
  return isProxied ? new URL(`https://${name}/`) : listeningUrl(config, name);
}

function listeningUrl({ port, tlsCertificate }: AddressSettings, host: string): URL {
  if (port === 0) throw unknown('a free port is taken at each start');
  if (EVERYWHERE.includes(host)) throw unknown(`listening on ${host} says nothing of the server's name`);
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return new URL(`${tlsCertificate === null ? 'http' : 'https'}://${name}:${port}/`);
}

function unknown(reason: string): CommandError {
  return new CommandError(
    `The drive's address isn't known, because ${reason}; set "publicUrl" in firn.config.json to where people reach it.`,
  );
}
