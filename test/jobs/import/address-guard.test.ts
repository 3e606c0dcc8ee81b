import { describe, expect, it } from 'vitest';
import { AddressGuard, isRefused, RefusedAddressError } from '../../../src/jobs/import/address-guard.js';

const NOTHING = { hosts: [], networks: [] };

describe('PRODUCT I4 — addresses that imports may not reach', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:192.168.0.1',
    '::127.0.0.1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:1::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'no address',
  ])('%s is refused', (address) => expect(isRefused(address)).toBe(true));

  it.each([
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '192.169.0.1',
    '2606:4700::1111',
    '64:ff9b::1.1.1.1',
    '::ffff:1.1.1.1',
  ])('%s is not', (address) => expect(isRefused(address)).toBe(false));

  it.each([
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '0x7f.1',
    '[::1]',
    '[0:0:0:0:0:ffff:7f00:1]',
    '127.0.0.1.',
  ])('http://%s/, as a URL has it, is refused before a connection', (host) => {
    const { hostname } = new URL(`http://${host}/`);
    expect(() => new AddressGuard(NOTHING).checkHost(hostname)).toThrow(RefusedAddressError);
  });

  const lookUp = (guard: AddressGuard, name: string) =>
    new Promise((resolve, reject) => {
      guard.lookup(name, { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
    });
  const answering =
    (...addresses: string[]) =>
    async () =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

  it('a name is as good as the worst of its answers', async () => {
    const good = new AddressGuard(NOTHING, answering('1.1.1.1'));
    expect(await lookUp(good, 'a.example')).toEqual([{ address: '1.1.1.1', family: 4 }]);
    const mixed = new AddressGuard(NOTHING, answering('1.1.1.1', '10.0.0.1'));
    await expect(lookUp(mixed, 'a.example')).rejects.toThrow(RefusedAddressError);
  });

  it('a name that changes its answer is asked once for each connection, and checked each time', async () => {
    const answers = ['1.1.1.1', '127.0.0.1'];
    const guard = new AddressGuard(NOTHING, async () => [{ address: answers.shift()!, family: 4 }]);
    expect(await lookUp(guard, 'a.example')).toEqual([{ address: '1.1.1.1', family: 4 }]);
    await expect(lookUp(guard, 'a.example')).rejects.toThrow(RefusedAddressError);
  });

  it('the configuration allows hosts by name, and networks', async () => {
    const byName = new AddressGuard({ hosts: ['NAS.local'], networks: [] }, answering('192.168.1.5'));
    expect(await lookUp(byName, 'nas.local')).toHaveLength(1);
    await expect(lookUp(byName, 'other.local')).rejects.toThrow(RefusedAddressError);
    const byNetwork = new AddressGuard({ hosts: [], networks: ['192.168.1.0/24'] }, answering('192.168.1.5'));
    expect(await lookUp(byNetwork, 'other.local')).toHaveLength(1);
    expect(() => byNetwork.checkHost('192.168.2.1')).toThrow(RefusedAddressError);
    expect(() => byNetwork.checkHost('192.168.1.1')).not.toThrow();
  });
});
