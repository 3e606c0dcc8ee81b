import { expect } from 'vitest';
import type { Answer } from './http-client.js';
import type { TestServer } from './make-server.js';
import { checkSameBytes } from './trees.js';

export const TUS = { 'Tus-Resumable': '1.0.0' };
export const BYTES = { ...TUS, 'Content-Type': 'application/offset+octet-stream' };

type Body = Uint8Array | Iterable<Uint8Array>;

export interface Begin {
  readonly folder?: string;
  readonly size?: number;
  readonly values?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array;
}

export const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');
export const metadata = (values: Record<string, string>) =>
  Object.entries(values)
    .map(([key, value]) => `${key} ${base64(value)}`)
    .join(',');

/** What alice's TUS client sends to her drive. */
export class TusClient {
  readonly #server: TestServer;
  readonly #size: number;

  /** `size`: the length of an upload that names none. */
  constructor(server: TestServer, size: number) {
    this.#server = server;
    this.#size = size;
  }

  create(name: string, { folder = '/dir', size = this.#size, values, headers, body }: Begin = {}): Promise<Answer> {
    return this.#server.as('alice')('POST', folder, {
      headers: {
        ...(body ? BYTES : TUS),
        'Upload-Length': String(size),
        'Upload-Metadata': metadata({ filename: name, ...values }),
        ...headers,
      },
      ...(body ? { body } : {}),
    });
  }

  /** Begins an upload and gives its address, as a path. */
  async begin(name: string, options: Begin = {}): Promise<string> {
    const { status, headers } = await this.create(name, options);
    expect(status).toBe(201);
    return new URL(headers.location!).pathname;
  }

  send(method: string, at: string, headers: Record<string, string> = {}, body?: Body): Promise<Answer> {
    const options = { user: 'alice', headers: { ...TUS, ...headers } };
    return this.#server.send(method, at, { ...options, ...(body ? { body } : {}) });
  }

  patch(at: string, offset: number, body: Body, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('PATCH', at, { ...BYTES, 'Upload-Offset': String(offset), ...headers }, body);
  }

  async offsetOf(at: string): Promise<number | null> {
    const { status, headers } = await this.send('HEAD', at);
    return status === 200 ? Number(headers['upload-offset']) : null;
  }

  async expectFile(target: string, content: Uint8Array | null): Promise<void> {
    const { status, bytes } = await this.#server.as('alice')('GET', target);
    if (content === null) expect(status).toBe(404);
    else checkSameBytes(bytes, content);
  }
}
