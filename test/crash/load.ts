import { createHash } from 'node:crypto';

/** Numbers in [0, 1) that a seed determines (mulberry32). */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function hashOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** What a client knows of one file: its content and its dead property. */
export interface FileState {
  hash: string;
  mark: string | null;
}

/** What a client knows of its own files: those in its folder and those it has deleted into the trash, by name. */
export interface KnownState {
  live: Map<string, FileState>;
  trash: Map<string, FileState>;
}

/** One request and what is true once it is acknowledged. */
interface Operation {
  method: string;
  name: string;
  headers?: Record<string, string>;
  body?: RequestInit['body'];
  status: number;
  /** The state after it; the one before stays untouched. */
  after: KnownState;
}

export interface LoadTarget {
  /** The drive's address, with a slash at the end. */
  mount: string;
  authorization: string;
}

/** One request, when it began and ended, and what it would make or made of the worker's files. */
export interface Attempt {
  readonly begunAt: number;
  /** Infinity while it is under way, and where its answer never came. */
  endedAt: number;
  isAcknowledged: boolean;
  readonly before: KnownState;
  readonly after: KnownState;
}

/** What a load does when the disk fails under the server. */
export interface FailingDisk {
  /** Where the disk's log is now; an attempt notes it when it begins and when it ends. */
  position(): number;
}

const refusalPauseMs = 50;
const liveFilesMax = 12;
const inlineBytesMax = 16 * 1024;
const pool = Buffer.alloc(4 * 1024 * 1024);

/**
 * One client that writes without a pause, one request at a time, in a folder of its own and under names that it never uses
 * twice, and remembers what was acknowledged. `state` holds only that; `pending` is what the request under way would
 * make of it.
 */
export class LoadWorker {
  readonly folder: string;
  state: KnownState = { live: new Map(), trash: new Map() };
  pending: KnownState | null = null;
  acknowledged = 0;
  refused = 0;
  /** Kept only over a failing disk. */
  readonly attempts: Attempt[] = [];
  readonly #random: Random;
  #names = 0;

  constructor(number: number, random: Random) {
    this.folder = `worker-${number}`;
    this.#random = random;
  }

  /** True for the names that this worker gives, wherever the files are now. */
  isMine(name: string): boolean {
    return name.startsWith(`${this.folder}-`);
  }

  /**
   * Writes until `isOver`. A refused connection or a broken answer ends it; any other status than the right one throws,
   * but for those from 500 on over a failing disk: then the request has changed nothing, and the next one comes.
   */
  async run(target: LoadTarget, isOver: () => boolean, disk?: FailingDisk): Promise<void> {
    while (!isOver()) {
      const operation = this.#nextOperation(target);
      this.pending = operation.after;
      const attempt = {
        begunAt: disk?.position() ?? 0,
        endedAt: Number.POSITIVE_INFINITY,
        isAcknowledged: false,
        before: this.state,
        after: operation.after,
      };
      if (disk) this.attempts.push(attempt);
      let answer: Response;
      try {
        answer = await this.#ask(target, operation);
      } catch (cause) {
        if (isOver() || disk) return;
        throw new Error(`${operation.method} ${operation.name} broke while the server was meant to run`, { cause });
      }
      // The status line has arrived: the server has promised. What follows it may be cut off.
      const text = await answer.text().catch(() => '');
      attempt.endedAt = disk?.position() ?? 0;
      if (disk && answer.status >= 500) {
        this.pending = null;
        await new Promise((resolve) => setTimeout(resolve, refusalPauseMs));
        continue;
      }
      if (!isDone(operation, answer.status, text)) {
        throw new Error(`${operation.method} ${operation.name} answered ${answer.status}: ${text}`);
      }
      attempt.isAcknowledged = true;
      this.#acknowledge(operation);
    }
  }

  /**
   * The same at servers that fail one by one: writes until `isOver`, or until it can't know what became of a request; then that is
   * `pending`. `judge` says what an answer from 500 on means; `refused` is a promise that nothing was done.
   */
  async runUntilUnsure(
    target: LoadTarget,
    isOver: () => boolean,
    judge: (status: number, text: string) => 'refused' | 'unsure',
  ): Promise<void> {
    while (!isOver()) {
      const operation = this.#nextOperation(target);
      this.pending = operation.after;
      const answer = await this.#ask(target, operation).catch(() => null);
      if (!answer) return;
      const text = await answer.text().catch(() => '');
      if (isDone(operation, answer.status, text)) {
        this.#acknowledge(operation);
        continue;
      }
      if (answer.status < 500) throw new Error(`${operation.method} ${operation.name}: ${answer.status} ${text}`);
      if (judge(answer.status, text) === 'unsure') return;
      this.refused++;
      this.pending = null;
      await new Promise((resolve) => setTimeout(resolve, refusalPauseMs));
    }
  }

  #acknowledge({ after }: Operation): void {
    this.state = after;
    this.pending = null;
    this.acknowledged++;
  }

  #ask(target: LoadTarget, { method, name, headers, body = null }: Operation): Promise<Response> {
    return fetch(this.#url(target, name), {
      method,
      headers: { authorization: target.authorization, ...headers },
      body,
      // Node's fetch sends a stream only with this; its own types leave it out.
      ...{ duplex: 'half' },
    });
  }

  #url(target: LoadTarget, name: string): string {
    return `${target.mount}${this.folder}/${encodeURIComponent(name)}`;
  }

  #newName(): string {
    return `${this.folder}-${this.#names++}.bin`;
  }

  #pick(): [string, FileState] {
    const files = [...this.state.live];
    return files[Math.floor(this.#random() * files.length)]!;
  }

  #nextOperation(target: LoadTarget): Operation {
    const chance = this.#random();
    const count = this.state.live.size;
    if (count < 3 || (chance < 0.3 && count < liveFilesMax)) return this.#put(this.#newName(), null);
    if (chance < 0.55) return this.#put(...this.#pick());
    if (chance < 0.7) return this.#move(target);
    if (chance < 0.82) return this.#setMark();
    return this.#remove();
  }

  /** The state with some live names changed: null takes a name away. */
  #with(changes: Record<string, FileState | null>, trashed: Record<string, FileState> = {}): KnownState {
    const live = new Map(this.state.live);
    for (const [name, file] of Object.entries(changes)) {
      if (file === null) live.delete(name);
      else live.set(name, file);
    }
    return { live, trash: new Map([...this.state.trash, ...Object.entries(trashed)]) };
  }

  #content(): Buffer {
    if (pool[0] === 0) fillPool(this.#random);
    const chance = this.#random();
    // Most fit into a row of the database; some lie on its threshold; the others are files, few of them large.
    const size =
      chance < 0.6
        ? Math.floor(this.#random() * inlineBytesMax)
        : chance < 0.7
          ? inlineBytesMax - 1 + Math.floor(this.#random() * 3)
          : 100 * 1024 + Math.floor(this.#random() ** 4 * 1_950_000);
    const start = Math.floor(this.#random() * (pool.length - size));
    return Buffer.from(pool.subarray(start, start + size));
  }

  #put(name: string, old: FileState | null): Operation {
    const content = this.#content();
    const isChunked = this.#random() < 0.2;
    return {
      method: 'PUT',
      name,
      body: isChunked ? new Blob([content]).stream() : content,
      status: old === null ? 201 : 204,
      after: this.#with({ [name]: { hash: hashOf(content), mark: old?.mark ?? null } }),
    };
  }

  #move(target: LoadTarget): Operation {
    const [name, file] = this.#pick();
    const newName = this.#newName();
    return {
      method: 'MOVE',
      name,
      headers: { destination: this.#url(target, newName), overwrite: 'F' },
      status: 201,
      after: this.#with({ [name]: null, [newName]: file }),
    };
  }

  #setMark(): Operation {
    const [name, file] = this.#pick();
    const mark = `mark-${Math.floor(this.#random() * 1e9)}`;
    const prop = `<t:mark xmlns:t="urn:firn-test">${mark}</t:mark>`;
    return {
      method: 'PROPPATCH',
      name,
      headers: { 'content-type': 'application/xml; charset=utf-8' },
      body: `<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop>${prop}</d:prop></d:set></d:propertyupdate>`,
      status: 207,
      after: this.#with({ [name]: { ...file, mark } }),
    };
  }

  #remove(): Operation {
    const [name, file] = this.#pick();
    return { method: 'DELETE', name, status: 204, after: this.#with({ [name]: null }, { [name]: file }) };
  }
}

function isDone({ method, status }: Operation, answered: number, text: string): boolean {
  const isRefusedProperty = method === 'PROPPATCH' && text !== '' && !text.includes('200 OK');
  return answered === status && !isRefusedProperty;
}

function fillPool(random: Random): void {
  for (let at = 0; at < pool.length; at += 4) pool.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
  pool[0] = 1;
}
