import type { OutgoingHttpHeaders } from 'node:http';
import { expect } from 'vitest';
import { type Answer, type Endpoint, sendRequest } from '../../support/http-client.js';
import { basic } from '../../support/make-server.js';
import { parseMultistatus, textIn } from '../../support/multistatus.js';
import { jsonAt } from './checks.js';
import { checkChallenge, checkConventions } from './conventions.js';
import type { Capture, Headers, Row, Step, Transcript } from './transcript.js';

interface Login {
  readonly user: string;
  readonly password: string;
}

/** One address of a drive, as clients see it. */
export interface Place {
  readonly endpoint: Endpoint;
  /** Scheme, host and port. */
  readonly origin: string;
  /** The path of the drive, without a slash at the end; empty on its own host. */
  readonly drive: string;
  /** From the root of the host to the drive, without slashes at the end. */
  readonly parents: readonly string[];
  /** Folders above the drive that answer to everybody (PRODUCT A4). */
  readonly open: ReadonlySet<string>;
  readonly alice: Login;
  readonly bob: Login;
  readonly hidesQuota: boolean;
  /** What tells the base folders of places on the same drive apart. */
  readonly mark: string;
}

interface ReadyRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Step['body'];
}

/** A transcript sent to a place: the base folder, and what was captured on the way. */
export class Replay {
  readonly #place: Place;
  readonly #transcript: Transcript;
  readonly #values: Map<string, string>;

  constructor(place: Place, transcript: Transcript) {
    this.#place = place;
    this.#transcript = transcript;
    const folder = `${transcript.client.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-${place.mark}`;
    this.#values = new Map([
      ['B', `${place.drive}/${transcript.isShared ? 'Common%20documents/' : ''}${folder}`],
      ['D', place.drive],
      ['H', place.origin],
      ['host', new URL(place.origin).host],
      ['user', place.alice.user],
      ['password', place.alice.password],
    ]);
  }

  /** Makes the base folder and what the client finds in it. */
  async setUp(): Promise<void> {
    const put = async (method: string, path: string, content?: string | Uint8Array) => {
      const headers = { Host: this.#fill('{host}'), Authorization: this.#authorizationOf({}) };
      const answer = await this.#exchange({ method, path: this.#fill(path), headers, body: content });
      if (answer.status !== 201) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
    };
    await put('MKCOL', '{B}/');
    for (const [path, content] of Object.entries(this.#transcript.files ?? {})) {
      if (path.endsWith('/')) await put('MKCOL', `{B}/${path}`);
      else await put('PUT', `{B}/${path}`, content);
    }
  }

  async send(row: Row): Promise<void> {
    const work = row.steps.flatMap((step) => this.#pathsOf(step).map((path) => () => this.#send(step, path)));
    if (row.isParallel) await Promise.all(work.map((send) => send()));
    else for (const send of work) await send();
  }

  #pathsOf({ path }: Step): readonly string[] {
    return path === '{parents}' ? this.#place.parents : [this.#fill(path)];
  }

  /** As the client does: without credentials first, where it waits for the challenge. */
  async #send(step: Step, path: string): Promise<void> {
    const { method } = step;
    const request = { method, path, headers: this.#headersOf(step), body: this.#bodyOf(step) };
    const isOpen = step.as === 'nobody' || method === 'OPTIONS' || this.#place.open.has(path);
    const isChallenged = this.#transcript.signsIn === 'challenged';
    if (isChallenged && !isOpen) {
      const headers = step.firstAuthorization === undefined ? {} : { Authorization: step.firstAuthorization };
      checkChallenge(await this.#exchange({ ...request, headers: { ...request.headers, ...headers } }, step));
    }
    const isAnonymous = step.as === 'nobody' || (isChallenged && isOpen);
    const headers = isAnonymous ? {} : { Authorization: this.#authorizationOf(step) };
    const startedAt = performance.now();
    const answer = await this.#exchange({ ...request, headers: { ...request.headers, ...headers } }, step);
    const ms = performance.now() - startedAt;
    this.#check(step, path, answer, ms);
  }

  #check(step: Step, path: string, answer: Answer, ms: number): void {
    const what = `${step.method} ${path} answered ${answer.status}: ${answer.text.slice(0, 300)}`;
    expect(step.accept, what).toContain(answer.status);
    checkConventions({ method: step.method, path, body: step.body }, answer);
    const seen = { answer, ms, fill: (text: string) => this.#fill(text), hidesQuota: this.#place.hidesQuota };
    for (const check of step.checks ?? []) check(seen);
    for (const [name, capture] of Object.entries(step.captures ?? {}))
      this.#values.set(name, captured(answer, capture));
  }

  #exchange(request: ReadyRequest, { prefersHttp2 }: Partial<Step> = {}): Promise<Answer> {
    const { endpoint } = this.#place;
    const { method, path, headers, body } = request;
    const to =
      prefersHttp2 && endpoint.tls
        ? { port: endpoint.port, tls: { ...endpoint.tls, protocols: ['h2', 'http/1.1'] } }
        : endpoint;
    return sendRequest(to, method, path, { headers, ...(body === undefined ? {} : { body }) });
  }

  #headersOf(step: Step): OutgoingHttpHeaders {
    const all: Headers = { Host: '{host}', ...this.#transcript.headers, ...step.headers };
    const sent = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== null);
    return Object.fromEntries(sent.map(([name, value]) => [name, this.#fill(value)]));
  }

  #bodyOf({ body }: Step): Step['body'] {
    return typeof body === 'string' ? this.#fill(body) : body;
  }

  #authorizationOf({ as, userName }: Pick<Step, 'as' | 'userName'>): string {
    const { user, password } = as === 'bob' ? this.#place.bob : this.#place.alice;
    return basic(userName === undefined ? user : this.#fill(userName), password);
  }

  #fill(text: string): string {
    return text.replace(/\{(\w+)\}/g, (_whole, name: string) => {
      const value = this.#values.get(name);
      if (value === undefined) throw new Error(`${name} was never captured`);
      return value;
    });
  }
}

function captured(answer: Answer, capture: Capture): string {
  const value = readCapture(answer, capture);
  if (value === undefined)
    throw new Error(`the answer has no ${JSON.stringify(capture)}: ${answer.text.slice(0, 300)}`);
  return value;
}

function readCapture(answer: Answer, capture: Capture): string | undefined {
  if ('json' in capture) return jsonAt(answer, capture.json);
  if ('property' in capture) {
    const element = parseMultistatus(answer.text)[0]?.props.get(`{DAV:}${capture.property}`);
    return element && textIn(element);
  }
  const text = answer.headers[capture.header]?.toString();
  return capture.match === undefined ? text : capture.match.exec(text ?? '')?.[1];
}
