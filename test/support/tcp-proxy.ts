import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What may happen to a message of PostgreSQL's client, and to its connection. */
export type WireFault =
  /** The server never sees it, and the connection is gone. */
  | 'cut before'
  /** The server has answered it, and the connection is gone before the answer arrives. */
  | 'cut after'
  /** The server has it, and nothing arrives any more. */
  | 'silent after'
  /** The server doesn't get it until `letGo`. */
  | 'held'
  /** The server never sees it, and its client is told that it was cancelled. */
  | 'refused';

/** ErrorResponse, and ReadyForQuery outside of a transaction. */
const REFUSAL = Buffer.concat([
  frame('E', 'SERROR\0VERROR\0C57014\0Mcanceling statement due to user request\0\0'),
  frame('Z', 'I'),
]);

/** Stands between a client of PostgreSQL and its server, and spoils messages. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #held: (() => void)[] = [];
  /** Where new connections lead. */
  target: number;
  /** Which messages are spoilt, and how. `text`: the message's bytes as Latin-1, with the query in it. */
  spoil: (text: string) => WireFault | null = () => null;

  private constructor(target: number) {
    this.target = target;
    this.#server = createServer((client) => this.#pass(client));
  }

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections of clients that are open. */
  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** The next message with `words` is spoilt; resolves when it came. */
  spoilNext(words: RegExp, fault: WireFault): Promise<void> {
    return new Promise((resolve) => {
      this.spoil = (text) => {
        if (!words.test(text)) return null;
        this.spoil = () => null;
        resolve();
        return fault;
      };
    });
  }

  /** Sends on what was held, where its connection is still there. */
  letGo(): void {
    for (const send of this.#held.splice(0)) send();
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cutAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    const both = [client, server];
    const cut = () => {
      for (const socket of both) socket.destroy();
    };
    for (const socket of both) {
      this.#sockets.add(socket);
      socket.setNoDelay();
      socket.on('error', cut);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    let fault: WireFault | null = null;
    server.on('data', (bytes) => {
      if (fault === 'cut after') cut();
      else if (fault !== 'silent after') client.write(bytes);
    });
    const split = messages();
    client.on('data', (bytes) => {
      for (const message of split(bytes)) {
        const found = this.spoil(message.toString('latin1'));
        if (found === 'cut before') return cut();
        fault ??= found;
        if (found === 'refused') client.write(REFUSAL);
        else if (found === 'held') this.#held.push(() => server.write(message));
        else server.write(message);
      }
    });
  }
}

function frame(letter: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(letter), length, Buffer.from(body, 'latin1')]);
}

/** Returns the whole messages that end with the bytes given: a length in front, and but for the first one a letter before it. */
function messages(): (bytes: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  let letter = 0;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const whole: Buffer[] = [];
    while (rest.length >= letter + 4) {
      const end = letter + rest.readUInt32BE(letter);
      if (rest.length < end) break;
      whole.push(rest.subarray(0, end));
      rest = rest.subarray(end);
      letter = 1;
    }
    return whole;
  };
}
