import type { FileEntry, FilesAnswer } from '../../contract/files.js';

/** Fetches the page after a cursor; null: the first. */
export type FetchPage = (after: string | null, signal: AbortSignal) => Promise<FilesAnswer>;

/**
 * A folder's members, or what a search found, fetched page by page as they are looked at. Pages come one after another,
 * since each names the next: a jump to the end of a long list fetches all that lies before.
 */
export class Listing {
  readonly #fetchPage: FetchPage;
  readonly #onChange: () => void;
  #members: readonly FileEntry[] = [];
  #folder: FileEntry | null = null;
  #next: string | null = null;
  #total: number | null = null;
  #isStarted = false;
  #error: unknown = null;
  #wanted = 1;
  #stop = new AbortController();
  #fetching: Promise<void> | null = null;

  constructor(fetchPage: FetchPage, onChange: () => void) {
    this.#fetchPage = fetchPage;
    this.#onChange = onChange;
  }

  /** Null until the first page is there. */
  get folder(): FileEntry | null {
    return this.#folder;
  }
  get members(): readonly FileEntry[] {
    return this.#members;
  }
  /** Why the last page could not be fetched. */
  get error(): unknown {
    return this.#error;
  }
  get isComplete(): boolean {
    return this.#isStarted && this.#next === null;
  }
  /** How many rows to show: those to come too, where it is known how many. */
  get count(): number {
    if (this.isComplete) return this.#members.length;
    return Math.max(this.#members.length + 1, this.#total ?? 0);
  }

  /** Sees to it that the rows before `end` are there, or on their way. */
  want(end: number): Promise<void> {
    this.#wanted = Math.max(this.#wanted, end);
    if (this.#error !== null) return Promise.resolve();
    return this.#fetching ?? this.#alone(() => this.#fetch(this.#stop.signal));
  }

  wantAll(): Promise<void> {
    return this.want(Number.POSITIVE_INFINITY);
  }

  /** After an error. */
  retry(): Promise<void> {
    this.#error = null;
    this.#onChange();
    return this.want(this.#wanted);
  }

  /**
   * Fetches again what is looked at, up to the row `end`. What there is stays until then; what lies behind is fetched again
   * when it is looked at.
   */
  refresh(end: number): Promise<void> {
    this.stop();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const before = this.#fetching;
    this.#wanted = end;
    return this.#alone(async () => {
      await before;
      await this.#fetchAnew(signal);
      await this.#fetch(signal);
    });
  }

  /** What was deleted or moved away, ahead of the server's word. */
  removeAll(paths: ReadonlySet<string>): void {
    const members = this.#members.filter(({ path }) => !paths.has(path));
    if (this.#total !== null) this.#total -= this.#members.length - members.length;
    this.#members = members;
    this.#onChange();
  }

  /** Nothing is fetched any more. */
  stop(): void {
    this.#stop.abort();
  }

  /** One fetches at a time: two would append the same page twice. */
  #alone(work: () => Promise<void>): Promise<void> {
    const fetching = work().finally(() => {
      if (this.#fetching === fetching) this.#fetching = null;
    });
    this.#fetching = fetching;
    return fetching;
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#error === null && !this.isComplete && this.#members.length < this.#wanted) {
      const answer = await this.#page(this.#next, signal);
      if (answer) this.#take([...this.#members, ...answer.members], answer);
    }
  }

  async #fetchAnew(signal: AbortSignal): Promise<void> {
    const members: FileEntry[] = [];
    let answer: FilesAnswer | null = null;
    do {
      answer = await this.#page(answer?.next ?? null, signal);
      if (!answer) return;
      members.push(...answer.members);
    } while (answer.next !== null && members.length < this.#wanted);
    this.#take(members, answer);
  }

  /** Null: it could not be fetched, or isn't wanted any more. */
  async #page(after: string | null, signal: AbortSignal): Promise<FilesAnswer | null> {
    try {
      const answer = await this.#fetchPage(after, signal);
      return signal.aborted ? null : answer;
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
      return null;
    }
  }

  #take(members: readonly FileEntry[], { folder, next, total }: FilesAnswer): void {
    this.#members = members;
    this.#folder = folder;
    this.#next = next;
    this.#total = total;
    this.#isStarted = true;
    this.#error = null;
    this.#onChange();
  }

  #fail(error: unknown): void {
    this.#error = error;
    this.#onChange();
  }
}
