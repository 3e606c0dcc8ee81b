import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Worker } from 'node:worker_threads';

/** Enough for a thousand PROPFIND rows between two collections; more costs memory and gains little (measured). */
const SIZE_MAX = 3_000_000;
/** What may gather beside the objects that live, in percent of them, before V8 looks for them: it would let 300 % come (measured). */
const GROWTH_PERCENT = 50;
/** How often a growing nursery is looked at, in milliseconds. */
const LOOK_MS = 100;
/** How often it is held while a thread begins, in milliseconds: it doubles with each 2 MB that outlive a collection. */
const HOLD_MS = 5;

/**
 * Keeps V8's nursery from growing. Loading a thousand modules would enlarge it to 48 MB, which it never gives back. Has
 * to be called before the first module is loaded.
 */
export function holdNursery(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * Lets it grow with the work, up to `SIZE_MAX` bytes: 40 MB less at the peak than without a limit (Node 20). The flag is that of
 * all isolates, and V8 sets it back to 2 whenever a thread makes one (`Heap::ConfigureHeap`).
 */
export function releaseNursery(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
  const timer = setInterval(() => {
    if (nurseryBytes() < SIZE_MAX) return;
    holdNursery();
    process.on('worker', holdMeanwhile);
    clearInterval(timer);
  }, LOOK_MS);
  timer.unref();
}

/** A thread takes long to begin beside a busy one, and makes its isolate soon: nobody tells when. */
function holdMeanwhile(thread: Worker): void {
  const timer = setInterval(holdNursery, HOLD_MS);
  timer.unref();
  const end = () => {
    clearInterval(timer);
    holdNursery();
  };
  thread.once('online', end);
  thread.once('exit', end);
}

/** What V8 has for it, in bytes, in use or not. */
function nurseryBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;
}

/**
 * Frees what loading the modules left between the objects that stay: 7 MB (Node 20). V8 would keep those pages for good. To be
 * called before the server listens: it stops the process for about 0.1 s.
 */
export function compactHeap(): void {
  setFlagsFromString('--expose-gc');
  setFlagsFromString('--compact-on-every-full-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  setFlagsFromString('--no-compact-on-every-full-gc');
  setFlagsFromString('--no-expose-gc');
}

/**
 * Keeps what requests leave to half of what lives. A request that waits for its commit outlives two collections of a small
 * nursery, so its objects are old; V8 would let them become 60 MB beside 23 that live. Costs a collection of some 8 ms each
 * two seconds under 16 writers. To be called before `compactHeap`, which sets the first mark by it.
 */
export function holdGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
