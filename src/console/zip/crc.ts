import zlib from 'node:zlib';

/** CRC-32 of ISO 3309, as ZIP and gzip have it; `before`: that of the bytes before these. */
export type Crc = (bytes: Uint8Array, before?: number) => number;

/** For Node before 20.15, which has none of its own. */
export const crcByTable: Crc = (bytes, before = 0) => {
  let crc = ~before;
  for (let index = 0; index < bytes.length; index++) crc = TABLE[(crc ^ bytes[index]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
};

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  return crc;
});

export const crc32: Crc = (zlib as { readonly crc32?: Crc }).crc32 ?? crcByTable;
