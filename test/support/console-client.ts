import type { ErrorAnswer } from '../../src/console/contract/refusal.js';
import type { Answer, RequestOptions } from './http-client.js';
import { emailOf } from './make-server.js';

/** A server, or the nodes of a cluster by turns. */
export interface Sending {
  send(method: string, path: string, options: RequestOptions): Promise<Answer>;
}

/** What the console's pages do with the JSON API: keeps the cookie, sends the token against forgery. */
export class ConsoleClient {
  readonly #server: Sending;
  cookie: string | null = null;
  csrfToken: string | null = null;

  constructor(server: Sending) {
    this.#server = server;
  }

  /** Signed in as a user of the test server. */
  static async signedIn(server: Sending, name: string, password: string): Promise<ConsoleClient> {
    const client = new ConsoleClient(server);
    const { status, text } = await client.send('POST', '/api/session', { email: emailOf(name), password });
    if (status !== 201) throw new Error(`signing in as ${name} was answered ${status}: ${text}`);
    return client;
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.#server.send(method, path, {
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...this.#own(),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const [cookie] = answer.headers['set-cookie'] ?? [];
    if (cookie !== undefined) {
      this.cookie = /Max-Age=0/.test(cookie) ? null : cookie.split(';')[0]!;
      const json = answer.text === '' ? null : (JSON.parse(answer.text) as { csrfToken?: string });
      this.csrfToken = this.cookie === null ? null : (json?.csrfToken ?? this.csrfToken);
    }
    return answer;
  }

  /** With a body that isn't JSON. */
  sendBytes(method: string, path: string, options: RequestOptions): Promise<Answer> {
    return this.#server.send(method, path, { ...options, headers: { ...this.#own(), ...options.headers } });
  }

  /** The JSON of an answer that must be a success. */
  async get<T>(path: string): Promise<T> {
    return this.#json<T>(await this.send('GET', path));
  }

  async post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.#json<T>(await this.send('POST', path, body));
  }

  /** The status and what a refusal says: one word, and a sentence. */
  async refusal(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; kind: string; message: string }> {
    const { status, text } = await this.send(method, path, body);
    return { status, ...(JSON.parse(text) as ErrorAnswer).error };
  }

  #own(): Record<string, string> {
    return {
      ...(this.cookie === null ? {} : { Cookie: this.cookie }),
      ...(this.csrfToken === null ? {} : { 'X-CSRF-Token': this.csrfToken }),
    };
  }

  #json<T>({ status, text }: Answer): T {
    if (status >= 300) throw new Error(`${status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}
