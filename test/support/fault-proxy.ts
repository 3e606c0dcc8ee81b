import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** What may go wrong between Firn and an object storage. */
export const FAULTS = [
  'cut before the body',
  'cut amid the body',
  'cut after it was done',
  'silent before it is done',
  'silent after it was done',
  'slow first byte',
  '503 SlowDown',
  '500 after it was done',
  '200 with an error',
  'answer cut short',
  'done late',
] as const;
export type Fault = (typeof FAULTS)[number];

const SLOW_MS = 150;
const LATE_MS = 200;

/** Stands before an object storage and spoils requests. */
export class FaultProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #late: Promise<unknown>[] = [];
  /** Which requests are spoilt, and how; null: this one isn't. */
  spoil: (request: IncomingMessage) => Fault | null = () => null;
  /** Requests that came, spoilt or not. */
  requests = 0;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((asked, answer) => {
      this.requests++;
      this.#pass(asked, answer, this.spoil(asked)).catch(() => asked.socket.destroy());
    });
  }

  static async start(target: URL): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get endpoint(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  /** Resolves when what was held back has been done too. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#late.splice(0));
  }

  async close(): Promise<void> {
    await this.settle();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#agent.destroy();
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse, fault: Fault | null): Promise<void> {
    if (fault === 'cut before the body') return void asked.socket.destroy();
    const body: Buffer[] = [];
    for await (const chunk of asked) {
      body.push(chunk as Buffer);
      if (fault === 'cut amid the body') return void asked.socket.destroy();
    }
    const ask = () => this.#forward(asked, Buffer.concat(body));
    switch (fault) {
      case 'cut amid the body':
        return void asked.socket.destroy();
      case 'silent before it is done':
        return;
      case '503 SlowDown':
        return void refuse(answer, 503, 'SlowDown');
      case 'done late':
        this.#late.push(wait(LATE_MS).then(ask));
        return void asked.socket.destroy();
      case 'slow first byte':
        await wait(SLOW_MS);
    }
    const { status, headers, bytes } = await ask();
    switch (fault) {
      case 'cut after it was done':
        return void asked.socket.destroy();
      case 'silent after it was done':
        return;
      case '500 after it was done':
        return void refuse(answer, 500, 'InternalError');
      case '200 with an error':
        return void refuse(answer, 200, 'InternalError');
    }
    if (fault === 'answer cut short' && bytes.length === 0) return void asked.socket.destroy();
    answer.writeHead(status, headers);
    if (fault !== 'answer cut short') return void answer.end(bytes);
    answer.flushHeaders();
    answer.write(bytes.subarray(0, bytes.length / 2), () => asked.socket.destroy());
  }

  #forward(
    asked: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: Record<string, string | string[]>; bytes: Buffer }> {
    const { hostname, port } = this.#target;
    return new Promise((resolve, reject) => {
      const { method, url: path, headers } = asked;
      const options = { hostname, port, method, path, headers, agent: this.#agent } as const;
      const sent = request(options as never, async (got: IncomingMessage) => {
        try {
          const bytes = Buffer.concat(await got.toArray());
          const { connection: _connection, 'transfer-encoding': _encoding, ...rest } = got.headers;
          const kept = { ...(rest as Record<string, string>), 'content-length': String(bytes.length) };
          resolve({ status: got.statusCode!, headers: kept, bytes });
        } catch (error) {
          reject(error);
        }
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

function refuse(answer: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>spoilt</Message></Error>`;
  answer.writeHead(status, { 'Content-Type': 'application/xml', 'Content-Length': body.length });
  answer.end(body);
}
