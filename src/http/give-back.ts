import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What is smaller isn't worth the call; Node may keep it with others in one piece of memory. */
const BYTES_MIN = 16 * 1024;

/** ECMAScript 2024's `ArrayBuffer.prototype.transfer`; to 0 bytes it frees the memory. */
type Transfer = (this: ArrayBuffer, length: number) => ArrayBuffer;
let known: Transfer | null = null;

/**
 * Frees the memory of a chunk that Node's parser has made for a body, for nobody to read again. Left to the garbage collector,
 * 64 MB of them gather between two collections of the nursery, and V8 collects the whole heap for them, twenty times in 512 MiB.
 */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < BYTES_MIN || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return;
  known ??= findTransfer();
  known.call(buffer, 0);
}

/** V8 of Node 20 has it behind a flag, which counts for contexts made after it. */
function findTransfer(): Transfer {
  const { transfer } = ArrayBuffer.prototype as ArrayBuffer & { transfer?: Transfer };
  if (transfer) return transfer;
  setFlagsFromString('--harmony-rab-gsab-transfer');
  const found: Transfer | undefined = runInNewContext('ArrayBuffer.prototype.transfer');
  setFlagsFromString('--no-harmony-rab-gsab-transfer');
  return found ?? ((length) => new ArrayBuffer(length));
}
