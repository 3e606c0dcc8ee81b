import { isIPv6 } from 'node:net';

const GROUPS = 8;
/** A /64 is what one customer gets: anyone who has it can take any address inside. */
const GROUPS_OF_BLOCK = 4;

/** The IPv4 address, or the /64 of an IPv6 address; an IPv4 address mapped into IPv6 is the IPv4 address. */
export function addressBlock(address: string): string {
  if (!isIPv6(address)) return address;
  const bare = address.toLowerCase().replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  if (mapped) return mapped[1]!;
  const [head = '', tail] = bare.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':');
    while (groups.length < GROUPS - last.length) groups.push('0');
    groups.push(...last);
  }
  const block = groups.slice(0, GROUPS_OF_BLOCK).map((group) => Number.parseInt(group, 16).toString(16));
  return `${block.join(':')}::/64`;
}
