import type { Readable } from 'node:stream';
import { crc32 } from './crc.js';
import { centralHeader, dataDescriptor, endOfDirectory, localHeader, type ZipMember } from './zip-records.js';

export interface ZipSource extends ZipMember {
  /** Gives all of the content at once, or as it is read; called once. */
  readonly open: () => Promise<Uint8Array | Readable>;
}

/**
 * Writes a ZIP file of what comes, one after the other: bytes are held for as long as they are under way, and of each
 * member some hundred bytes until the end, where the format lists them all. Throws what a source throws; a source with
 * another size than it says is a defect.
 */
export async function* writeZip(sources: AsyncIterable<ZipSource>): AsyncGenerator<Uint8Array, void, undefined> {
  const directory: Buffer[] = [];
  let offset = 0;
  for await (const source of sources) {
    const start = offset;
    const content = source.isFolder ? new Uint8Array() : await source.open();
    // What is at hand can be summed up first: programs that read a ZIP file as it comes like that better.
    const isLate = !(content instanceof Uint8Array);
    let crc = isLate ? 0 : crc32(content);
    const header = localHeader(source, isLate ? null : crc);
    yield header;
    let size = 0;
    for await (const chunk of isLate ? (content as AsyncIterable<Uint8Array>) : [content]) {
      if (isLate) crc = crc32(chunk, crc);
      size += chunk.length;
      if (chunk.length > 0) yield chunk;
    }
    if (size !== source.size) throw new Error(`"${source.name}" has ${size} bytes in the place of ${source.size}`);
    offset += header.length + size;
    if (isLate) {
      const descriptor = dataDescriptor(source, crc);
      yield descriptor;
      offset += descriptor.length;
    }
    directory.push(centralHeader(source, crc, start, isLate));
  }
  let size = 0;
  for (const header of directory) {
    size += header.length;
    yield header;
  }
  yield endOfDirectory({ members: directory.length, offset, size });
}
