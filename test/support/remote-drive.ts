import type { BootedServer } from './boot-server.js';
import { askFor, parseMultistatus, textIn } from './multistatus.js';
import { type Fetch, fetchFrom } from './server-fetch.js';
import { nextTime } from './sync-device.js';
import { readTreeOverHttp, type Tree } from './trees.js';

/** The data of a booted server's drive as other WebDAV programs see and change it. Names are not encoded. */
export class RemoteDrive {
  readonly #server: BootedServer;
  readonly #fetch: Fetch;

  constructor(server: BootedServer) {
    this.#server = server;
    this.#fetch = fetchFrom(server);
  }

  #urlOf(name: string): string {
    const { pathMount, driveName } = this.#server;
    return pathMount + [driveName, ...name.split('/')].map(encodeURIComponent).join('/');
  }

  async #send(
    method: string,
    name: string,
    headers: Record<string, string> = {},
    body?: string | Uint8Array<ArrayBuffer>,
  ): Promise<Response> {
    const all = { authorization: this.#server.authorization, ...headers };
    const answer = await this.#fetch(this.#urlOf(name), {
      method,
      headers: all,
      ...(body === undefined ? {} : { body }),
    });
    if (!answer.ok) throw new Error(`${method} ${name} answered ${answer.status}: ${await answer.text()}`);
    return answer;
  }

  /** With a modification time that no other file has. */
  async put(name: string, content: string | Buffer): Promise<void> {
    const body = typeof content === 'string' ? content : new Uint8Array(content);
    await this.#send('PUT', name, { 'X-OC-Mtime': String(nextTime()) }, body);
  }

  async mkcol(...names: string[]): Promise<void> {
    for (const name of names) await this.#send('MKCOL', name);
  }

  async move(from: string, to: string): Promise<void> {
    await this.#send('MOVE', from, { Destination: this.#urlOf(to) });
  }

  async remove(name: string): Promise<void> {
    await this.#send('DELETE', name);
  }

  readTree(): Promise<Tree> {
    return readTreeOverHttp(this.#urlOf(''), this.#server.authorization, this.#fetch);
  }

  /** The modification time of each file, in seconds. */
  async readTimes(): Promise<Map<string, number>> {
    const body = askFor('getlastmodified', 'resourcetype');
    const answer = await this.#send('PROPFIND', '', { Depth: 'infinity' }, body);
    const base = new URL(this.#urlOf('')).pathname;
    const files = parseMultistatus(await answer.text()).filter(({ href }) => !href.endsWith('/'));
    return new Map(
      files.map(({ href, props }) => {
        const modified = Date.parse(textIn(props.get('{DAV:}getlastmodified')));
        return [decodeURIComponent(href.slice(base.length)), modified / 1000];
      }),
    );
  }
}
