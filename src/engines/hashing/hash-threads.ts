import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Hashing } from './hashers.js';

/** More threads than this would only wait for the disk. */
const THREADS_MAX = 4;
/** A thread without uploads ends after this, since it costs about 8 MB. */
const IDLE_MS = 10_000;
/** The thread holds a few hashes and no buffers of its own. */
const MEMORY_LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

/**
 * What runs in the thread. Text, because a thread needs a file of JavaScript and the tests run from TypeScript.
 * One port per upload: a buffer (shared memory) is answered when it is hashed, null asks for the digests.
 */
const PROGRAM = `
const { parentPort } = require('node:worker_threads');
const { createHash } = require('node:crypto');
parentPort.on('message', ({ port, names }) => {
  const hashes = names.map((name) => createHash(name));
  port.on('message', (buffer) => {
    if (buffer === null) return port.postMessage(hashes.map((hash) => hash.digest('hex')));
    const bytes = new Uint8Array(buffer.memory, 0, buffer.length);
    for (const hash of hashes) hash.update(bytes);
    port.postMessage(null);
  });
});
`;

/** Threads that hash, started by the first upload that needs one. A thread that dies fails its uploads only. */
export class HashThreads {
  readonly #count: number;
  readonly #threads = new Set<HashThread>();

  /** `cores`: how many are free for hashing. */
  constructor(cores: number) {
    this.#count = Math.min(THREADS_MAX, cores);
  }

  hash(names: readonly string[]): Hashing {
    let [quietest] = [...this.#threads].sort((one, other) => one.uploads - other.uploads);
    if (!quietest || (quietest.uploads > 0 && this.#threads.size < this.#count)) {
      const started = new HashThread(() => this.#threads.delete(started));
      this.#threads.add(started);
      quietest = started;
    }
    return quietest.hash(names);
  }
}

class HashThread {
  readonly #worker = new Worker(PROGRAM, { eval: true, execArgv: [], resourceLimits: MEMORY_LIMITS });
  readonly #onEnd: () => void;
  readonly #ports = new Set<MessagePort>();
  #error: unknown = null;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
    // The upload's port keeps the process alive while there is one.
    this.#worker.unref();
    this.#worker.on('error', (error) => {
      this.#error = error;
      this.#onEnd();
    });
    this.#worker.on('exit', () => {
      this.#onEnd();
      for (const port of this.#ports) port.close();
    });
  }

  get uploads(): number {
    return this.#ports.size;
  }

  hash(names: readonly string[]): Hashing {
    clearTimeout(this.#idleTimer);
    const { port1, port2 } = new MessageChannel();
    this.#ports.add(port1);
    this.#worker.postMessage({ port: port2, names }, [port2]);
    return new HashingThere(port1, () => {
      this.#ports.delete(port1);
      if (this.uploads === 0) this.#endWhenIdle();
      return this.#error;
    });
  }

  #endWhenIdle(): void {
    this.#idleTimer = setTimeout(() => {
      this.#onEnd();
      void this.#worker.terminate();
    }, IDLE_MS);
    this.#idleTimer.unref();
  }
}

interface Waiting {
  readonly resolve: (values: readonly string[]) => void;
  readonly reject: (error: unknown) => void;
}

class HashingThere implements Hashing {
  readonly #port: MessagePort;
  readonly #waiting: Waiting[] = [];
  #isClosed = false;

  /** `onClose` gives the error that ended the thread, if one did. */
  constructor(port: MessagePort, onClose: () => unknown) {
    this.#port = port;
    port.on('message', (values: readonly string[] | null) => this.#waiting.shift()?.resolve(values ?? []));
    // Comes after `end`, and when the thread dies.
    port.on('close', () => {
      this.#isClosed = true;
      const cause = onClose();
      for (const { reject } of this.#waiting.splice(0)) reject(hashingEnded(cause));
    });
  }

  async update(buffer: Buffer, length: number): Promise<void> {
    await this.#ask({ memory: buffer.buffer, length });
  }

  digest(): Promise<readonly string[]> {
    return this.#ask(null);
  }

  end(): void {
    this.#port.close();
  }

  #ask(message: { memory: ArrayBufferLike; length: number } | null): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(hashingEnded(null));
      this.#waiting.push({ resolve, reject });
      this.#port.postMessage(message);
    });
  }
}

function hashingEnded(cause: unknown): Error {
  return new Error('the thread that hashed the upload has ended', { cause });
}
