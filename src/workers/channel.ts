/** One end of the messages between two processes: `process`, or a worker in the process that started it. */
interface Peer {
  send?(message: unknown, sent: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

type Called = (...values: never[]) => unknown;

interface Message {
  /** What is called here; absent in an answer. */
  readonly call?: string;
  readonly values?: unknown[];
  /** By which an answer finds who asked; absent where nobody waits. */
  readonly id?: number;
  readonly value?: unknown;
  readonly error?: string;
}

/**
 * Calls in both directions between two processes. They arrive in the order in which they were made. `Theirs` has what the
 * other one answers.
 */
export class Channel<Theirs extends { readonly [Name in keyof Theirs]: Called }> {
  readonly #peer: Peer;
  readonly #asked = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #lastId = 0;

  /** `answers`: by name, what the other one may call. */
  constructor(peer: Peer, answers: object) {
    this.#peer = peer;
    const byName = new Map(Object.entries(answers) as [string, (...values: unknown[]) => unknown][]);
    peer.on('message', (message) => this.#receive(message as Message, byName));
  }

  /** Rejects with what the other one throws, and when it ends. */
  ask<Name extends keyof Theirs & string>(
    name: Name,
    ...values: Parameters<Theirs[Name]>
  ): Promise<Awaited<ReturnType<Theirs[Name]>>> {
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => void this.#asked.set(id, { resolve, reject }));
    this.#send({ call: name, values, id });
    return answer as Promise<Awaited<ReturnType<Theirs[Name]>>>;
  }

  /** Calls what has no answer. */
  tell<Name extends keyof Theirs & string>(name: Name, ...values: Parameters<Theirs[Name]>): void {
    this.#send({ call: name, values });
  }

  /** The other process has ended. */
  end(): void {
    for (const { reject } of this.#asked.values()) reject(new Error('the other process has ended'));
    this.#asked.clear();
  }

  #receive(message: Message, answers: ReadonlyMap<string, (...values: unknown[]) => unknown>): void {
    const { call, values = [], id, value, error } = message;
    if (call !== undefined) {
      const answering = (async () => answers.get(call)!(...values))();
      if (id === undefined) return;
      answering.then(
        (answer) => this.#send({ id, value: answer }),
        (reason: Error) => this.#send({ id, error: reason.message }),
      );
      return;
    }
    const asked = this.#asked.get(id!);
    this.#asked.delete(id!);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(new Error(error));
  }

  /** What can't be sent has no receiver any more: its end is told elsewhere. */
  #send(message: Message): void {
    this.#peer.send?.(message, () => {});
  }
}
