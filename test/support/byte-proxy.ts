import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** What may happen to a connection, below what is said on it. */
export const WIRE_FAULTS = [
  // Both ends get RST: what was under way is lost.
  'reset',
  // Nothing arrives any more, and nobody is told.
  'silent',
  // The receiving end gets FIN amid the bytes, as if the sender had nothing more to say.
  'half-closed',
] as const;
export type WireFault = (typeof WIRE_FAULTS)[number];

export interface Spoilt {
  readonly fault: WireFault;
  /** Which way the bytes go that are counted. */
  readonly towards: 'server' | 'client';
  /** How many of them pass. */
  readonly after: number;
}

/** Stands before a server and passes bytes on, without a look at them; takes TLS off where it is told to. */
export class ByteProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #port: number;
  /** What befalls a connection; asked once for each. */
  spoil: () => Spoilt | null = () => null;

  private constructor(port: number, tls: TlsOptions | null) {
    this.#port = port;
    const pass = (client: Socket) => this.#pass(client);
    this.#server = tls ? createTlsServer(tls, pass) : createServer({ allowHalfOpen: true }, pass);
  }

  static async start(port: number, tls: TlsOptions | null = null): Promise<ByteProxy> {
    const proxy = new ByteProxy(port, tls);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(client: Socket): void {
    const server = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true });
    const spoilt = this.spoil();
    for (const [from, to, towards] of [
      [client, server, 'server'],
      [server, client, 'client'],
    ] as const) {
      this.#sockets.add(from);
      let left = spoilt?.towards === towards ? spoilt.after : Number.POSITIVE_INFINITY;
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        if (spoilt?.fault !== 'silent') to.destroy();
      });
      from.on('end', () => to.end());
      from.on('data', (bytes) => {
        if (left <= 0) return;
        to.write(bytes.subarray(0, left));
        left -= bytes.length;
        if (left <= 0) this.#strike(spoilt!.fault, client, server, to);
      });
    }
  }

  #strike(fault: WireFault, client: Socket, server: Socket, receiver: Socket): void {
    if (fault === 'reset') for (const socket of [client, server]) socket.resetAndDestroy();
    if (fault === 'half-closed') receiver.end();
  }
}
