import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** `up`: from who connects to the server. */
export type Direction = 'up' | 'down';

/** A way to a server on loopback that can be held in one direction, or cut. */
export class Link {
  readonly #server: Server;
  readonly #pairs = new Set<{ readonly up: Socket; readonly down: Socket }>();
  #held: Direction | null = null;
  #isCut = false;

  private constructor(target: number) {
    this.#server = createServer((client) => this.#pass(client, target));
  }

  static async to(target: number): Promise<Link> {
    const link = new Link(target);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What is sent in a direction stays on its way until `restore`; connections stay. */
  hold(direction: Direction): void {
    this.#held = direction;
    for (const pair of this.#pairs) pair[direction].pause();
  }

  /** Ends all connections, and new ones at once. */
  cut(): void {
    this.#isCut = true;
    for (const { up, down } of this.#pairs) for (const socket of [up, down]) socket.destroy();
  }

  restore(): void {
    this.#isCut = false;
    this.#held = null;
    for (const { up, down } of this.#pairs) for (const socket of [up, down]) socket.resume();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(client: Socket, target: number): void {
    if (this.#isCut) return void client.destroy();
    const server = connect(target, '127.0.0.1');
    const pair = { up: client, down: server };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay();
      from.on('error', end);
      from.on('close', end);
      from.pipe(to);
    }
    if (this.#held) pair[this.#held].pause();
  }
}
