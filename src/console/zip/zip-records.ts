import { Buffer } from 'node:buffer';

/**
 * The records of a ZIP file (PKWARE APPNOTE 6.3.10): stored, not deflated, with names in UTF-8. What doesn't fit into 32
 * bits is said in the fields of Zip64 (§4.5.3).
 */

export interface ZipMember {
  /** With slashes; a folder's ends with one. */
  readonly name: string;
  readonly isFolder: boolean;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly size: number;
}

const U32 = 0xffff_ffff;
const U16 = 0xffff;
const VERSION = 20;
const VERSION_ZIP64 = 45;
/** §4.4.2: attributes are Unix's. */
const MADE_BY_UNIX = 3 << 8;
const UTF8 = 0x0800;
/** §4.3.9: CRC and sizes come after the bytes. */
const DESCRIPTOR = 0x0008;
const ZIP64_FIELD = 0x0001;
/** Of Info-ZIP: the time in UTC seconds, which the format itself has in somebody's local time and to two seconds. */
const TIME_FIELD = 0x5455;
const FILE_MODE = 0o100644;
const FOLDER_MODE = 0o040755;
const FOLDER_ATTRIBUTE = 0x10;
const I32_MAX = 0x7fff_ffff;

/** §4.3.7. `crc` null: it isn't known yet, and comes in a descriptor. */
export function localHeader(member: ZipMember, crc: number | null): Buffer {
  const isLate = crc === null;
  const isLarge = isBeyond32(member.size);
  const zip64 = isLarge ? zip64Field(isLate ? [0, 0] : [member.size, member.size]) : [];
  const known = isLate ? 0 : member.size;
  const name = Buffer.from(member.name);
  const extra = Buffer.concat([...zip64, timeField(member)]);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x0403_4b50, 0);
  header.writeUInt16LE(isLarge ? VERSION_ZIP64 : VERSION, 4);
  header.writeUInt16LE(UTF8 | (isLate ? DESCRIPTOR : 0), 6);
  writeDosTime(header, 10, member.modified);
  header.writeUInt32LE(crc ?? 0, 14);
  header.writeUInt32LE(isLarge ? U32 : known, 18);
  header.writeUInt32LE(isLarge ? U32 : known, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, name, extra]);
}

/** §4.3.9. The sizes have 8 bytes each where the local header has the field of Zip64. */
export function dataDescriptor({ size }: ZipMember, crc: number): Buffer {
  const isLarge = isBeyond32(size);
  const descriptor = Buffer.alloc(isLarge ? 24 : 16);
  descriptor.writeUInt32LE(0x0807_4b50, 0);
  descriptor.writeUInt32LE(crc, 4);
  if (isLarge) {
    descriptor.writeBigUInt64LE(BigInt(size), 8);
    descriptor.writeBigUInt64LE(BigInt(size), 16);
  } else {
    descriptor.writeUInt32LE(size, 8);
    descriptor.writeUInt32LE(size, 12);
  }
  return descriptor;
}

/** §4.3.12. `offset`: where the local header begins. */
export function centralHeader(member: ZipMember, crc: number, offset: number, isLate: boolean): Buffer {
  const { size, isFolder, modified } = member;
  const large = [...(isBeyond32(size) ? [size, size] : []), ...(isBeyond32(offset) ? [offset] : [])];
  const name = Buffer.from(member.name);
  const extra = Buffer.concat([...(large.length > 0 ? zip64Field(large) : []), timeField(member)]);
  const version = large.length > 0 ? VERSION_ZIP64 : VERSION;
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x0201_4b50, 0);
  header.writeUInt16LE(MADE_BY_UNIX | version, 4);
  header.writeUInt16LE(version, 6);
  header.writeUInt16LE(UTF8 | (isLate ? DESCRIPTOR : 0), 8);
  writeDosTime(header, 12, modified);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(Math.min(size, U32), 20);
  header.writeUInt32LE(Math.min(size, U32), 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  const mode = isFolder ? FOLDER_MODE : FILE_MODE;
  header.writeUInt32LE(mode * 0x1_0000 + (isFolder ? FOLDER_ATTRIBUTE : 0), 38);
  header.writeUInt32LE(Math.min(offset, U32), 42);
  return Buffer.concat([header, name, extra]);
}

export interface CentralDirectory {
  readonly members: number;
  readonly offset: number;
  readonly size: number;
}

/** §4.3.14–4.3.16: where the central directory is. */
export function endOfDirectory({ members, offset, size }: CentralDirectory): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x0605_4b50, 0);
  end.writeUInt16LE(Math.min(members, U16), 8);
  end.writeUInt16LE(Math.min(members, U16), 10);
  end.writeUInt32LE(Math.min(size, U32), 12);
  end.writeUInt32LE(Math.min(offset, U32), 16);
  if (members < U16 && !isBeyond32(offset) && !isBeyond32(size)) return end;
  const zip64 = Buffer.alloc(56 + 20);
  zip64.writeUInt32LE(0x0606_4b50, 0);
  // Of what follows in this record.
  zip64.writeBigUInt64LE(44n, 4);
  zip64.writeUInt16LE(MADE_BY_UNIX | VERSION_ZIP64, 12);
  zip64.writeUInt16LE(VERSION_ZIP64, 14);
  zip64.writeBigUInt64LE(BigInt(members), 24);
  zip64.writeBigUInt64LE(BigInt(members), 32);
  zip64.writeBigUInt64LE(BigInt(size), 40);
  zip64.writeBigUInt64LE(BigInt(offset), 48);
  zip64.writeUInt32LE(0x0706_4b50, 56);
  zip64.writeBigUInt64LE(BigInt(offset + size), 64);
  zip64.writeUInt32LE(1, 72);
  return Buffer.concat([zip64, end]);
}

/** The greatest number itself means "see the field of Zip64". */
function isBeyond32(number: number): boolean {
  return number >= U32;
}

/** §4.5.3. */
function zip64Field(numbers: readonly number[]): Buffer[] {
  const field = Buffer.alloc(4 + 8 * numbers.length);
  field.writeUInt16LE(ZIP64_FIELD, 0);
  field.writeUInt16LE(8 * numbers.length, 2);
  for (const [index, number] of numbers.entries()) field.writeBigUInt64LE(BigInt(number), 4 + 8 * index);
  return [field];
}

/** Empty where the time doesn't fit into the field. */
function timeField({ modified }: ZipMember): Buffer {
  const seconds = Math.floor(modified / 1000);
  if (Math.abs(seconds) > I32_MAX) return Buffer.alloc(0);
  const field = Buffer.alloc(9);
  field.writeUInt16LE(TIME_FIELD, 0);
  field.writeUInt16LE(5, 2);
  field.writeUInt8(1, 4);
  field.writeInt32LE(seconds, 5);
  return field;
}

/** §4.4.6, from 1980 to 2107; in UTC, since nobody knows whose local time. */
function writeDosTime(header: Buffer, at: number, modified: number): void {
  const earliest = Date.UTC(1980, 0, 1);
  const date = new Date(Math.min(Math.max(modified, earliest), Date.UTC(2107, 11, 31, 23, 59, 58)));
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  header.writeUInt16LE(time, at);
  header.writeUInt16LE(day, at + 2);
}
