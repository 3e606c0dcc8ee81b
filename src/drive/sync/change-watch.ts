import type { MetadataStore } from '../../stores/metadata-store.js';
import type { NodeId } from '../../stores/values.js';

/** What somebody waits at most who is told of a change a moment later; one statement each time, for all that wait. */
const LOOK_EVERY_MS = 500;

interface Waiter {
  readonly rootId: NodeId;
  readonly revision: number;
  readonly wake: () => void;
}

/** Tells when something changes on a drive, whichever process changes it. Looks at the stores only while somebody waits. */
export class ChangeWatch {
  readonly #metadata: MetadataStore;
  readonly #waiters = new Set<Waiter>();
  readonly #byWho = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(metadata: MetadataStore) {
    this.#metadata = metadata;
  }

  /**
   * Resolves when the drive with this root has another revision than `revision`, after `milliseconds`, when the signal is
   * aborted, or when the server stops. `who`: see `waitingOf`.
   */
  async wait(who: string, rootId: NodeId, revision: number, milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#isStopped || signal.aborted || milliseconds <= 0) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#waiters.delete(waiter);
        this.#count(who, -1);
        resolve();
      };
      const waiter: Waiter = { rootId, revision, wake };
      const timer = setTimeout(wake, milliseconds);
      signal.addEventListener('abort', wake, { once: true });
      this.#waiters.add(waiter);
      this.#count(who, 1);
      this.#lookLater();
    });
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** How many wait under that name, which the caller chose. */
  waitingOf(who: string): number {
    return this.#byWho.get(who) ?? 0;
  }

  #count(who: string, change: number): void {
    const count = this.waitingOf(who) + change;
    if (count > 0) this.#byWho.set(who, count);
    else this.#byWho.delete(who);
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Wakes all that wait; nobody waits any more. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const { wake } of [...this.#waiters]) wake();
  }

  #lookLater(): void {
    if (this.#timer !== null || this.#isStopped || this.#waiters.size === 0) return;
    this.#timer = setTimeout(() => {
      void this.#look().finally(() => {
        this.#timer = null;
        this.#lookLater();
      });
    }, LOOK_EVERY_MS);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    let revisions: ReadonlyMap<NodeId, number>;
    try {
      const ids = [...new Set([...this.#waiters].map(({ rootId }) => rootId))];
      const roots = await this.#metadata.readOne([], (view) => view.findNodes(ids));
      revisions = new Map(roots.map(({ id, revision }) => [id, revision]));
    } catch {
      // Those who wait look for themselves, and answer with what they meet.
      revisions = new Map();
    }
    for (const { rootId, revision, wake } of [...this.#waiters]) {
      if (revisions.get(rootId) !== revision) wake();
    }
  }
}
