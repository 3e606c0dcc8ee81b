import type { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { turns } from '../../drive/turns.js';
import { centralHeader, dataDescriptor, endOfDirectory, localHeader, type ZipMember } from './zip-records.js';

export interface ZipSource extends ZipMember {
  /** Gives all of the content at once, or as it is read; called once. */
  readonly open: () => Promise<Uint8Array | Readable>;
}

/** Small records go together: as chunks of their own they cost more than all else about an empty file. */
const BLOCK_BYTES = 16 * 1024;

/**
 * Writes a ZIP file of what comes, one after the other: bytes are held for as long as they are under way, and of each
 * member some hundred bytes until the end, where the format lists them all. Throws what a source throws; a source with
 * another size than it says is a defect.
 */
export async function* writeZip(sources: AsyncIterable<ZipSource>): AsyncGenerator<Uint8Array, void, undefined> {
  const directory = new Directory();
  const block = new Block();
  for await (const source of sources) {
    const start = block.offset;
    const content = source.isFolder ? new Uint8Array() : await source.open();
    // What is at hand can be summed up first: programs that read a ZIP file as it comes like that better.
    const isLate = !(content instanceof Uint8Array);
    let crc = isLate ? 0 : crc32(content);
    block.add(localHeader(source, isLate ? null : crc));
    let size = 0;
    for await (const chunk of isLate ? (content as AsyncIterable<Uint8Array>) : [content]) {
      if (isLate) crc = crc32(chunk, crc);
      size += chunk.length;
      block.add(chunk);
      if (block.isFull) yield block.take();
    }
    if (size !== source.size) throw new Error(`"${source.name}" has ${size} bytes in place of ${source.size}`);
    if (isLate) block.add(dataDescriptor(source, crc));
    directory.add(centralHeader(source, crc, start, isLate));
  }
  const { offset } = block;
  yield block.take();
  for (const part of directory.parts()) {
    yield part;
    await turns.next();
  }
  yield endOfDirectory({ members: directory.members, offset, size: directory.size });
}

/** Bytes that are sent together. */
class Block {
  /** Of the file so far, in bytes. */
  offset = 0;
  #chunks: Uint8Array[] = [];
  #size = 0;

  get isFull(): boolean {
    return this.#size >= BLOCK_BYTES;
  }

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    this.offset += chunk.length;
  }

  take(): Uint8Array {
    const [only] = this.#chunks;
    const taken = only && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#size = 0;
    return taken;
  }
}

/** The headers that come at the end, in few large pieces: a buffer for each is several times its size. */
class Directory {
  members = 0;
  readonly #full: Uint8Array[] = [];
  readonly #last = new Block();

  /** In bytes. */
  get size(): number {
    return this.#last.offset;
  }

  add(header: Uint8Array): void {
    this.members++;
    this.#last.add(header);
    if (this.#last.isFull) this.#full.push(this.#last.take());
  }

  /** Each is forgotten when it is given. */
  *parts(): Generator<Uint8Array, void, undefined> {
    for (let part = this.#full.shift(); part; part = this.#full.shift()) yield part;
    yield this.#last.take();
  }
}

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
