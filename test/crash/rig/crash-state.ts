import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { Random } from '../load.js';
import { copySparse, type PowerDisk } from './power-disk.js';

/** What the disk had written of what came after its last flush: it may choose. */
export type Survivors = 'all' | 'none' | 'half';

const recordBytes = 16;
const pieceBytes = 4096;
const kinds = { write: 1, flush: 2 };

interface Write {
  readonly offset: number;
  readonly length: number;
  /** Where its data are in the log. */
  readonly dataAt: number;
}

/** Makes the image of a disk whose power went when its log was `cut` bytes long. */
export async function makeCrashState(
  disk: Pick<PowerDisk, 'base' | 'log'>,
  image: string,
  { cut, survivors, random }: { cut: number; survivors: Survivors; random: Random },
): Promise<void> {
  await copySparse(disk.base, image);
  const log = openSync(disk.log, 'r');
  const target = openSync(image, 'r+');
  try {
    let unflushed: Write[] = [];
    for (const { kind, write } of recordsUntil(log, cut)) {
      if (kind === kinds.write) unflushed.push(write);
      if (kind !== kinds.flush) continue;
      for (const one of unflushed) apply(log, target, one, () => true);
      unflushed = [];
    }
    if (survivors === 'none') return;
    const isKept = survivors === 'all' ? () => true : () => random() < 0.5;
    for (const one of unflushed) apply(log, target, one, isKept);
  } finally {
    closeSync(log);
    closeSync(target);
  }
}

function* recordsUntil(log: number, cut: number): Generator<{ kind: number; write: Write }> {
  const head = Buffer.alloc(recordBytes);
  for (let at = 0; at + recordBytes <= cut; ) {
    if (readSync(log, head, 0, recordBytes, at) < recordBytes) return;
    const kind = head.readUInt32LE(0);
    const length = head.readUInt32LE(4);
    const write = { offset: Number(head.readBigUInt64LE(8)), length, dataAt: at + recordBytes };
    at += recordBytes + (kind === kinds.write ? length : 0);
    if (at > cut) return;
    yield { kind, write };
  }
}

/** Writes the pieces of one write that are kept; each is written as a whole or not at all. */
function apply(log: number, target: number, { offset, length, dataAt }: Write, isKept: () => boolean): void {
  const piece = Buffer.alloc(pieceBytes);
  for (let done = 0; done < length; ) {
    const size = Math.min(pieceBytes - ((offset + done) % pieceBytes), length - done);
    if (isKept()) {
      readSync(log, piece, 0, size, dataAt + done);
      writeSync(target, piece, 0, size, offset + done);
    }
    done += size;
  }
}
