import type { MetadataStore } from '../../stores/metadata-store.js';
import type { UploadId } from '../../stores/values.js';
import type { Contents, ReceivedContent } from '../contents.js';
import { Assembly, type OpenPart, type PartBytes, uploadChanged } from './assembly.js';

/** Each is an open file and buffers. */
const LIVE_MAX = 16;
/** An upload that has been silent for this long makes room for another; a busy one doesn't, or they would all start again. */
const YIELDS_AFTER_MS = 60_000;
/** An upload that has been silent for this long is put together no more; its parts stay. */
const IDLE_MS = 600_000;
/** How far an assembly may be behind the parts that have come. */
const BEHIND_BYTES_MAX = 256 * 1024 * 1024;
/** How long a client waits for it with each part: proxies and programs lose patience after a minute. */
const BEHIND_MS_MAX = 30_000;

interface Live {
  assembly: Assembly;
  usedAt: number;
}

/** The uploads that are being put together in this process. Nothing here is needed: what is missing is made again. */
export class Assemblies {
  readonly #metadata: MetadataStore;
  readonly #contents: Contents;
  /** The least recently used first. */
  readonly #live = new Map<UploadId, Live>();
  readonly #finishing = new Set<Assembly>();
  readonly #ending = new Set<Promise<unknown>>();
  readonly #timer: NodeJS.Timeout;
  #isStopped = false;

  constructor(metadata: MetadataStore, contents: Contents) {
    this.#metadata = metadata;
    this.#contents = contents;
    this.#timer = setInterval(() => this.#giveUpIdle(), YIELDS_AFTER_MS);
    this.#timer.unref();
  }

  /**
   * Feeds a part that has been stored. Waits while the assembly is far behind. Never rejects: the part is durable, and
   * what can't be put together now is put together at the end.
   */
  async add(id: UploadId, part: PartBytes): Promise<void> {
    try {
      await this.#feed(id, part);
    } catch {
      this.drop(id);
    }
  }

  async #feed(id: UploadId, part: PartBytes): Promise<void> {
    let live = this.#use(id) ?? (await this.#begin(id));
    if (live && !live.assembly.add(part)) {
      this.drop(id);
      live = await this.#begin(id);
    }
    await live?.assembly.caughtUp(BEHIND_BYTES_MAX, BEHIND_MS_MAX);
  }

  /** A part was removed. */
  remove(id: UploadId, number: number): void {
    if (this.#live.get(id)?.assembly.remove(number) === false) this.drop(id);
  }

  /**
   * The whole of an upload whose parts, in order, are these. Rejects with what the store rejects with, or when the bytes
   * of a part are gone.
   */
  async finish(id: UploadId, order: readonly PartBytes[]): Promise<ReceivedContent> {
    const live = this.#live.get(id);
    this.#live.delete(id);
    if (live) {
      const content = await this.#run(live.assembly, order).catch(() => null);
      if (content) return content;
      this.#end(live.assembly);
    }
    if (this.#isStopped) throw new Error('the server stops');
    const fresh = new Assembly(this.#contents, this.#opening(id));
    try {
      return (await this.#run(fresh, order))!;
    } catch (error) {
      this.#end(fresh);
      throw error;
    }
  }

  /** The upload is over, or other bytes than its own were fed. */
  drop(id: UploadId): void {
    const live = this.#live.get(id);
    this.#live.delete(id);
    if (live) this.#end(live.assembly);
  }

  /** Gives everything up; nothing of it is left when it resolves. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    for (const id of [...this.#live.keys()]) this.drop(id);
    for (const assembly of this.#finishing) this.#end(assembly);
    await Promise.allSettled(this.#ending);
  }

  async #run(assembly: Assembly, order: readonly PartBytes[]): Promise<ReceivedContent | null> {
    this.#finishing.add(assembly);
    try {
      return await assembly.finish(order);
    } finally {
      this.#finishing.delete(assembly);
    }
  }

  #use(id: UploadId): Live | undefined {
    const live = this.#live.get(id);
    if (!live) return undefined;
    this.#live.delete(id);
    this.#live.set(id, live);
    live.usedAt = performance.now();
    return live;
  }

  /** With all parts that are stored by now. Undefined where there is no room for one more. */
  async #begin(id: UploadId): Promise<Live | undefined> {
    if (this.#isStopped || !this.#makeRoom()) return undefined;
    const live = { assembly: new Assembly(this.#contents, this.#opening(id)), usedAt: performance.now() };
    this.#live.set(id, live);
    for (const part of await this.#metadata.read([], (view) => view.uploads.parts(id))) live.assembly.add(part);
    return live;
  }

  #makeRoom(): boolean {
    if (this.#live.size < LIVE_MAX) return true;
    const [oldest] = this.#live;
    if (!oldest || performance.now() - oldest[1].usedAt < YIELDS_AFTER_MS) return false;
    this.drop(oldest[0]);
    return true;
  }

  #giveUpIdle(): void {
    for (const [id, { assembly, usedAt }] of [...this.#live]) {
      if (assembly.isIdle && performance.now() - usedAt > IDLE_MS) this.drop(id);
    }
  }

  #end(assembly: Assembly): void {
    const ending = assembly.abandon().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #opening(id: UploadId): OpenPart {
    return async (part) => {
      const content = part.content ?? (await this.#metadata.read([], (view) => view.uploads.findContent(id, part)));
      // Another server has finished the upload, or taken another part of that name.
      if (!content) throw uploadChanged();
      const bytes = await this.#contents.open(content);
      return bytes instanceof Uint8Array ? [bytes] : bytes;
    };
  }
}
