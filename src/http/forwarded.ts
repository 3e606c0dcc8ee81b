import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** The address of the client, as far as proxies that are trusted tell of it in `X-Forwarded-For`. */
export function clientAddress(req: IncomingMessage, trusted: BlockList): string {
  let address = req.socket.remoteAddress ?? '';
  const forwarded = req.headers['x-forwarded-for'];
  if (forwarded === undefined) return address;
  // From the nearest hop outwards, as far as the hops are ours.
  const hops = String(forwarded).split(',').reverse();
  for (const hop of hops) {
    if (!isTrusted(address, trusted)) break;
    address = withoutPort(hop.trim());
  }
  return address;
}

/** Some proxies add the port, which is another one for each connection: who guesses would be another one each time. */
function withoutPort(hop: string): string {
  return /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? hop;
}

/**
 * Whether the client itself speaks TLS, to us or to a trusted proxy that says so in `X-Forwarded-Proto`. Cookies and the
 * origin of the console's pages rest on it.
 */
export function isSecure(req: IncomingMessage, trusted: BlockList): boolean {
  return isEncrypted(req) || (isTrusted(req.socket.remoteAddress ?? '', trusted) && isSaidSecure(req));
}

/**
 * Scheme and host for an address that an answer tells its own client. Of the scheme any proxy is believed: the answer goes
 * to anyone who says it, and taking https for http would have a client send its password in the clear.
 */
export function originOf(req: IncomingMessage): string {
  return `${isEncrypted(req) || isSaidSecure(req) ? 'https' : 'http'}://${req.headers.host ?? ''}`;
}

function isEncrypted(req: IncomingMessage): boolean {
  return (req.socket as Partial<TLSSocket>).encrypted === true;
}

function isSaidSecure(req: IncomingMessage): boolean {
  return /^https\b/i.test(String(req.headers['x-forwarded-proto']));
}

/** A list of addresses and networks (CIDR), as the settings have them. */
export function addressList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** Whether the address is one of a proxy that is believed. */
export function isTrusted(address: string, trusted: BlockList): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return trusted.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
}
