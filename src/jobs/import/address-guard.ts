import { lookup as resolveName } from 'node:dns/promises';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';

const ALLOW = 'The operator can allow it: see importAllowedHosts and importAllowedNetworks.';

/**
 * The address is of the operator's network, or of no use as a source. Of a name nobody is told which of the two it is:
 * the names of the operator's network are nobody else's business.
 */
export class RefusedAddressError extends Error {
  override readonly name = 'RefusedAddressError';
  constructor(readonly host: string) {
    const what = isIP(host) === 0 ? 'There is no such name, or it' : 'It';
    super(
      `${host} can't be reached. ${what} is an address of a private network, which imports may not reach. ${ALLOW}`,
    );
  }
}

/** What a resolver says of a name that has no address. */
const NO_SUCH_NAME: readonly unknown[] = ['ENOTFOUND', 'ENODATA'];

/** IANA's special-purpose registries: what is not meant to be reached over the internet. */
const REFUSED_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Of IPv6 all but the global unicast range is refused; these lie inside it. */
const REFUSED_V6 = ['2001::/23', '2001:db8::/32', '3fff::/20', '2002::/16'];
const GLOBAL_V6 = '2000::/3';
/** Translated by a gateway into the IPv4 address at their end (RFC 6052). */
const NAT64 = networks(['64:ff9b::/96']);
/** The last 32 bits are an IPv4 address: mapped, compatible. */
const EMBEDDED_V4 = networks(['::ffff:0:0/96', '::/96', '::ffff:0:0:0/96']);

const refusedV4 = networks(REFUSED_V4);
const refusedV6 = networks(REFUSED_V6);
const globalV6 = networks([GLOBAL_V6]);

export interface AllowedPlaces {
  /** Names, or addresses as they are written in the URL. */
  readonly hosts: readonly string[];
  readonly networks: readonly string[];
}

/** Says which addresses an import may connect to, and hands connections only such (PRODUCT I4). */
export class AddressGuard {
  readonly #hosts: ReadonlySet<string>;
  readonly #networks: BlockList;
  readonly #resolve: (name: string) => Promise<readonly { address: string; family: number }[]>;

  constructor(
    allowed: AllowedPlaces,
    resolve: (name: string) => Promise<readonly { address: string; family: number }[]> = (name) =>
      resolveName(name, { all: true, verbatim: true }),
  ) {
    this.#hosts = new Set(allowed.hosts.map((host) => bare(host)));
    this.#networks = networks(allowed.networks);
    this.#resolve = resolve;
  }

  /**
   * For a URL's host that is an address: net.connect asks no `lookup` then. The URL parser has brought decimal, octal and
   * hexadecimal forms into the usual one. Throws `RefusedAddressError`.
   */
  checkHost(hostname: string): void {
    const host = bare(hostname);
    if (isIP(host) !== 0 && !this.#mayConnect(host, host)) throw new RefusedAddressError(host);
  }

  /** For `http.request`: the connection goes to an address that was checked, and no other is asked for. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#find(hostname, options.family).then(
      (found) => {
        if (options.all) callback(null, found);
        else callback(null, found[0]!.address, found[0]!.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 4),
    );
  };

  async #find(hostname: string, family: number | string | undefined) {
    const host = bare(hostname);
    const answers = await this.#resolve(host).catch((error: NodeJS.ErrnoException) => {
      if (NO_SUCH_NAME.includes(error.code)) return [];
      throw error;
    });
    // One bad address is enough: a name that mixes them is not to be trusted with the next answer either.
    if (answers.length === 0 || answers.some(({ address }) => !this.#mayConnect(host, address))) {
      throw new RefusedAddressError(host);
    }
    const wanted = answers.filter((answer) => !family || answer.family === Number(String(family).replace('IPv', '')));
    return [...(wanted.length > 0 ? wanted : answers)];
  }

  #mayConnect(host: string, address: string): boolean {
    if (this.#hosts.has(host)) return true;
    return contains(this.#networks, address) || !isRefused(address);
  }
}

/** Whether an address lies where imports may not go by themselves. What is no address is refused. */
export function isRefused(address: string): boolean {
  const plain = address.split('%')[0]!;
  const version = isIP(plain);
  if (version === 4) return refusedV4.check(plain, 'ipv4');
  if (version === 0) return true;
  if (NAT64.check(plain, 'ipv6') || EMBEDDED_V4.check(plain, 'ipv6')) return isRefused(lastFourBytes(plain));
  return !globalV6.check(plain, 'ipv6') || refusedV6.check(plain, 'ipv6');
}

function lastFourBytes(address: string): string {
  // The URL parser writes the canonical form, in which no dots are left.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [high, low] = canonical.split(':').slice(-2);
  const number = (Number.parseInt(high || '0', 16) << 16) | Number.parseInt(low || '0', 16);
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

function contains(block: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && block.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/** Without brackets, in lower case, without the dot of a name that is whole. */
function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

function networks(list: readonly string[]): BlockList {
  const block = new BlockList();
  for (const network of list) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    block.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return block;
}
