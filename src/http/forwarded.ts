import type { IncomingMessage } from 'node:http';
import { type BlockList, isIPv6 } from 'node:net';
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
    address = hop.trim();
  }
  return address;
}

/** Whether the client itself speaks TLS, to us or to a trusted proxy that says so in `X-Forwarded-Proto`. */
export function isSecure(req: IncomingMessage, trusted: BlockList): boolean {
  if ((req.socket as Partial<TLSSocket>).encrypted) return true;
  const proto = req.headers['x-forwarded-proto'];
  return proto !== undefined && isTrusted(req.socket.remoteAddress ?? '', trusted) && /^https\b/.test(String(proto));
}

/** Whether the address is one of a proxy that is believed. */
export function isTrusted(address: string, trusted: BlockList): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return trusted.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
}
