import { spawnSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { crc32, crcByTable, writeZip, type ZipSource } from '../../src/console/zip/write-zip.js';
import {
  centralHeader,
  dataDescriptor,
  endOfDirectory,
  localHeader,
  type ZipMember,
} from '../../src/console/zip/zip-records.js';

const GIB = 1024 ** 3;
const MODIFIED = Date.UTC(2020, 0, 2, 3, 4, 6);
const member = (change: Partial<ZipMember> = {}): ZipMember => ({
  name: 'ü.txt',
  isFolder: false,
  modified: MODIFIED,
  size: 5,
  ...change,
});

describe('APPNOTE 6.3.10 — the records of a ZIP file', () => {
  test('CRC-32 — of nothing, of the check value, in pieces, by Node and by table alike', () => {
    const check = Buffer.from('123456789');
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 7) % 256));
    for (const crc of [crc32, crcByTable]) {
      expect(crc(Buffer.alloc(0))).toBe(0);
      expect(crc(check)).toBe(0xcbf4_3926);
      expect(crc(check.subarray(4), crc(check.subarray(0, 4)))).toBe(0xcbf4_3926);
      expect(crc(bytes)).toBe(crc32(bytes));
    }
  });

  test('§4.3.7 — a small member’s local header: UTF-8, stored, time in UTC', () => {
    const header = localHeader(member(), 0x1234_5678);
    expect(header.readUInt16LE(6)).toBe(0x0800);
    expect(header.readUInt16LE(8)).toBe(0);
    expect([header.readUInt32LE(14), header.readUInt32LE(18), header.readUInt32LE(22)]).toEqual([0x1234_5678, 5, 5]);
    expect(header.subarray(30, 36).toString()).toBe('ü.txt');
    expect(header.readInt32LE(30 + 6 + 5)).toBe(MODIFIED / 1000);
    expect(header.readUInt16LE(10)).toBe((3 << 11) | (4 << 5) | 3);
    expect(header.readUInt16LE(12)).toBe((40 << 9) | (1 << 5) | 2);
  });

  test.each([
    ['4 GiB and more', 5 * GIB],
    ['exactly what 32 bits take no more', 0xffff_ffff],
  ])('§4.5.3 — of %s the sizes are in the field of Zip64, in all three places', (_name, size) => {
    const large = member({ size });
    const header = localHeader(large, null);
    expect([header.readUInt16LE(4), header.readUInt16LE(6)]).toEqual([45, 0x0808]);
    expect([header.readUInt32LE(18), header.readUInt32LE(22)]).toEqual([0xffff_ffff, 0xffff_ffff]);
    expect([header.readUInt16LE(36), header.readUInt16LE(38)]).toEqual([1, 16]);
    const descriptor = dataDescriptor(large, 7);
    expect([descriptor.length, Number(descriptor.readBigUInt64LE(8))]).toEqual([24, size]);
    const central = centralHeader(large, 7, 0, true);
    expect([central.readUInt32LE(20), central.readUInt32LE(24), central.readUInt32LE(42)]).toEqual([
      0xffff_ffff, 0xffff_ffff, 0,
    ]);
    expect([central.readUInt16LE(52), central.readUInt16LE(54)]).toEqual([1, 16]);
    expect(Number(central.readBigUInt64LE(56))).toBe(size);
  });

  test('one byte less needs no Zip64', () => {
    const size = 0xffff_fffe;
    expect(localHeader(member({ size }), null).readUInt16LE(4)).toBe(20);
    expect(dataDescriptor(member({ size }), 7)).toHaveLength(16);
    expect(centralHeader(member({ size }), 7, 0, true).readUInt32LE(20)).toBe(size);
  });

  test('§4.3.12 — a small member behind 4 GiB has its place alone in the field of Zip64', () => {
    const central = centralHeader(member(), 7, 6 * GIB, false);
    expect([central.readUInt32LE(20), central.readUInt32LE(42)]).toEqual([5, 0xffff_ffff]);
    expect([central.readUInt16LE(52), central.readUInt16LE(54)]).toEqual([1, 8]);
    expect(Number(central.readBigUInt64LE(56))).toBe(6 * GIB);
  });

  test('§4.3.14 — the end has a Zip64 record for 65,535 members, or a directory behind 4 GiB', () => {
    expect(endOfDirectory({ members: 65_534, offset: 9, size: 9 })).toHaveLength(22);
    for (const directory of [
      { members: 65_535, offset: 9, size: 9 },
      { members: 1, offset: 5 * GIB, size: 9 },
    ]) {
      const end = endOfDirectory(directory);
      expect(end).toHaveLength(98);
      expect(Number(end.readBigUInt64LE(32))).toBe(directory.members);
      expect(Number(end.readBigUInt64LE(48))).toBe(directory.offset);
      expect(Number(end.readBigUInt64LE(64))).toBe(directory.offset + directory.size);
    }
  });

  test('times that a field can’t hold are left out, or the nearest', () => {
    const old = localHeader(member({ modified: Date.UTC(1970, 0, 1) }), 0);
    expect(old.readUInt16LE(12)).toBe((1 << 5) | 1);
    expect(localHeader(member({ modified: Date.UTC(2050, 0, 1) }), 0).readUInt16LE(28)).toBe(0);
  });
});

/** Sources whose bytes are all alike. */
async function* sources(...list: readonly ZipSource[]): AsyncGenerator<ZipSource, void, undefined> {
  yield* list;
}

describe('a ZIP file of many members', () => {
  test('a source that has not what it says breaks the file off', async () => {
    const source = { ...member({ size: 6 }), open: async () => Buffer.from('12345') };
    const all = async () => {
      for await (const chunk of writeZip(sources(source))) expect(chunk).toBeInstanceOf(Uint8Array);
    };
    await expect(all()).rejects.toThrow('5 bytes in place of 6');
  });

  test('a large source is read as the file is taken, a chunk at a time, and closed when nobody takes more', async () => {
    let [given, closed] = [0, false];
    const chunks = async function* () {
      try {
        for (; given < 1000; given++) yield Buffer.alloc(65_536);
      } finally {
        closed = true;
      }
    };
    const content = Readable.from(chunks(), { highWaterMark: 1 });
    const zip = writeZip(sources({ ...member({ size: 65_536_000 }), open: async () => content }));
    for (let taken = 0; taken < 50; taken++) expect((await zip.next()).value).toBeInstanceOf(Uint8Array);
    expect(given).toBeLessThan(55);
    await zip.return();
    expect([content.destroyed, closed]).toEqual([true, true]);
  });

  test('unzip reads one of 70,000 members', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'firn-zip-'));
    try {
      const many = Array.from({ length: 70_000 }, (_, index) => ({
        ...member({ name: `f/${index}`, size: 1 }),
        open: async () => Buffer.from('x'),
      }));
      const file = path.join(folder, 'many.zip');
      const handle = await open(file, 'w');
      let chunks: Uint8Array[] = [];
      for await (const chunk of writeZip(sources(...many))) {
        if (chunks.push(chunk) < 5000) continue;
        await handle.writev(chunks);
        chunks = [];
      }
      await handle.writev(chunks);
      await handle.close();
      const { stdout, status, stderr } = spawnSync('unzip', ['-tqq', file], { encoding: 'utf8' });
      expect([status, stdout, stderr]).toEqual([0, '', '']);
      const listed = spawnSync('unzip', ['-Z', '-h', file], { encoding: 'utf8' });
      expect(listed.stdout).toContain('number of entries: 70000');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
