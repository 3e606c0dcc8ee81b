import type { MetadataStore } from '../stores/metadata-store.js';
import type { AppPasswordId, UserId } from '../stores/values.js';
import { clientName } from './client-name.js';
import type { Tried } from './refusal.js';

const FLUSH_INTERVAL_MS = 60_000;

interface Note {
  at: number;
  client: string;
}

/** When and by which program passwords were used or tried: collected in memory, written once a minute at most. */
export class LastUsedLog {
  #uses = new Map<AppPasswordId, Note>();
  #refusals = new Map<AppPasswordId, Note>();
  #formers = new Map<UserId, Note>();
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> = Promise.resolve();

  /** `onError` is told of a write that failed; its notes are dropped. */
  constructor(
    readonly metadata: MetadataStore,
    readonly onError: (error: unknown) => void,
  ) {
    this.#timer = setInterval(() => void this.flush(), FLUSH_INTERVAL_MS);
    this.#timer.unref();
  }

  noteUse(id: AppPasswordId, at: number, client: string): void {
    note(this.#uses, id, at, client);
  }

  noteTried(tried: Tried, at: number, client: string): void {
    if (tried.kind === 'app') note(this.#refusals, tried.id, at, client);
    else note(this.#formers, tried.id, at, client);
  }

  /** Writes what was collected, after what is being written already. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const [uses, refusals, formers] = [this.#uses, this.#refusals, this.#formers];
    this.#uses = new Map();
    this.#refusals = new Map();
    this.#formers = new Map();
    if (uses.size + refusals.size + formers.size === 0) return;
    try {
      await this.metadata.write([], async ({ accounts }) => {
        if (uses.size > 0) await accounts.noteUse([...uses].map(([id, used]) => ({ id, ...shorten(used) })));
        for (const [id, refused] of refusals) {
          const { at, client } = shorten(refused);
          await accounts.noteRefusal(id, at, client);
        }
        for (const [id, refused] of formers) {
          const { at, client } = shorten(refused);
          await accounts.noteFormerPassword(id, at, client);
        }
      });
    } catch (error) {
      this.onError(error);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}

function note<Id>(notes: Map<Id, Note>, id: Id, at: number, client: string): void {
  const known = notes.get(id);
  if (known) {
    known.at = at;
    known.client = client;
  } else {
    notes.set(id, { at, client });
  }
}

function shorten({ at, client }: Note): Note {
  return { at, client: clientName(client) };
}
