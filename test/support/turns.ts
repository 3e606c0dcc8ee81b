import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** One port before several servers on loopback: each connection goes to the next of them, with all its bytes as they are. */
export class Turns {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #ports: readonly number[];
  #next = 0;

  private constructor(ports: readonly number[]) {
    this.#ports = ports;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#pass(client));
  }

  static async before(ports: readonly number[]): Promise<Turns> {
    const turns = new Turns(ports);
    await new Promise<void>((resolve) => turns.#server.listen(0, '127.0.0.1', resolve));
    return turns;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The servers have other ports now. */
  leadTo(ports: readonly number[]): void {
    this.#ports = ports;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(client: Socket): void {
    const server = connect({
      port: this.#ports[this.#next++ % this.#ports.length]!,
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#open.add(from);
      from.setNoDelay(true);
      from.on('error', () => to.resetAndDestroy());
      from.on('close', () => {
        this.#open.delete(from);
        if (!from.readableEnded) to.destroy();
      });
      from.pipe(to);
    }
  }
}
