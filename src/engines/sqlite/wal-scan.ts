import { open } from 'node:fs/promises';
import { hasCode } from '../disk/file-calls.js';

/** sqlite.org/fileformat2.html, section 4: the write-ahead log. */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
/** The lowest bit of the magic number says in which order the bytes of a checksum's numbers come. */
const MAGIC_MASK = 0xfffffffe;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;

export interface LogReport {
  /** Commits up to the first frame that is not as it was written: SQLite reads no further. */
  readonly commits: number;
  /** Commits behind that frame, of the same log. One may be of a power cut, which nobody acknowledged. */
  readonly commitsBehind: number;
}

/** Whether commits are lost that were synced: each one but the last was before the next began. */
export function isDamaged({ commitsBehind }: LogReport): boolean {
  return commitsBehind >= 2;
}

/** Looks at the frames of a write-ahead log one after the other, as SQLite does, and at those behind the first bad one. */
export class LogScan {
  readonly frameBytes: number;
  readonly #salts: readonly [number, number];
  readonly #isLittle: boolean;
  /** Of the frame before, as it is written there: a damaged page leaves those behind it good in themselves. */
  #sums: readonly [number, number];
  #isBroken = false;
  #commits = 0;
  #commitsBehind = 0;

  private constructor(header: DataView, pageBytes: number) {
    this.frameBytes = FRAME_HEADER_BYTES + pageBytes;
    this.#isLittle = header.getUint32(0) === MAGIC;
    this.#salts = [header.getUint32(16), header.getUint32(20)];
    this.#sums = [header.getUint32(24), header.getUint32(28)];
  }

  /** Null where it is no header of a log, or none that SQLite would believe. */
  static begin(bytes: Uint8Array): LogScan | null {
    if (bytes.length < HEADER_BYTES) return null;
    const header = viewOf(bytes);
    const pageBytes = header.getUint32(8);
    const isSize = pageBytes >= PAGE_BYTES_MIN && pageBytes <= PAGE_BYTES_MAX && (pageBytes & (pageBytes - 1)) === 0;
    if ((header.getUint32(0) & MAGIC_MASK) !== MAGIC || !isSize) return null;
    const scan = new LogScan(header, pageBytes);
    const [first, second] = scan.#add(header, 0, FRAME_HEADER_BYTES, [0, 0]);
    return first === scan.#sums[0] && second === scan.#sums[1] ? scan : null;
  }

  /** The next `frameBytes` of the file. */
  add(bytes: Uint8Array): void {
    const frame = viewOf(bytes);
    const sums = [frame.getUint32(16), frame.getUint32(20)] as const;
    const isOfThisLog = frame.getUint32(8) === this.#salts[0] && frame.getUint32(12) === this.#salts[1];
    const isGood = isOfThisLog && this.#isSummedUp(frame, sums);
    this.#isBroken ||= !isGood;
    const isCommit = frame.getUint32(4) !== 0;
    if (isGood && isCommit) this.#isBroken ? this.#commitsBehind++ : this.#commits++;
    this.#sums = sums;
  }

  report(): LogReport {
    return { commits: this.#commits, commitsBehind: this.#commitsBehind };
  }

  #isSummedUp(frame: DataView, sums: readonly [number, number]): boolean {
    const head = this.#add(frame, 0, 8, this.#sums);
    const [first, second] = this.#add(frame, FRAME_HEADER_BYTES, this.frameBytes, head);
    return first === sums[0] && second === sums[1];
  }

  #add(view: DataView, from: number, to: number, sums: readonly [number, number]): [number, number] {
    let [first, second] = sums;
    for (let at = from; at < to; at += 8) {
      first = (first + view.getUint32(at, this.#isLittle) + second) >>> 0;
      second = (second + view.getUint32(at + 4, this.#isLittle) + first) >>> 0;
    }
    return [first, second];
  }
}

/** What a log says before SQLite opens it; null where there is none. Only while nobody writes to it. */
export async function scanLog(path: string): Promise<LogReport | null> {
  const file = await openIfThere(path);
  if (!file) return null;
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
    const scan = LogScan.begin(header.subarray(0, bytesRead));
    if (!scan) return null;
    const frame = Buffer.alloc(scan.frameBytes);
    for (let at = HEADER_BYTES; ; at += scan.frameBytes) {
      const read = await file.read(frame, 0, frame.length, at);
      if (read.bytesRead < frame.length) return scan.report();
      scan.add(frame);
    }
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string) {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
