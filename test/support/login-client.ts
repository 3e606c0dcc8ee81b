import type { Sending } from './console-client.js';
import type { Answer } from './http-client.js';
import { emailOf, PASSWORD } from './make-server.js';

/** How a program and its user's browser reach the server, in all requests of a flow. */
export interface Way {
  /** Before `/index.php`. */
  readonly prefix?: string;
  readonly headers?: Record<string, string>;
}

export interface StartedFlow {
  readonly login: string;
  readonly poll: { readonly token: string; readonly endpoint: string };
}

/** Nextcloud's login flow from both sides: the program's, and that of a browser on the page. */
export class LoginClient {
  readonly #server: Sending;
  readonly #way: Way;

  constructor(server: Sending, way: Way = {}) {
    this.#server = server;
    this.#way = way;
  }

  async start(userAgent = 'Mozilla/5.0 (Android) Nextcloud-android/3.29.1'): Promise<StartedFlow> {
    const headers = { 'User-Agent': userAgent };
    const { status, text } = await this.#send('POST', `${this.#way.prefix ?? ''}/index.php/login/v2`, headers);
    if (status !== 200) throw new Error(`the flow didn't start: ${status} ${text}`);
    return JSON.parse(text);
  }

  /** As the desktop program and Android poll: a form. */
  poll({ poll }: StartedFlow): Promise<Answer> {
    return this.#send('POST', pathOf(poll.endpoint), {}, new URLSearchParams({ token: poll.token }));
  }

  /** As the iOS app polls: a query and no body. */
  pollByQuery({ poll }: StartedFlow): Promise<Answer> {
    return this.#send('POST', `${pathOf(poll.endpoint)}?token=${poll.token}`);
  }

  open(page: string): Promise<Answer> {
    return this.#send('GET', pathOf(page));
  }

  /** The form of the page as a browser sends it; `Origin` is the page's own. */
  post(page: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    const origin = { Origin: new URL(page).origin };
    return this.#send('POST', pathOf(page), { ...origin, ...headers }, new URLSearchParams(form));
  }

  signIn(page: string, name = 'alice', password = PASSWORD): Promise<Answer> {
    return this.post(page, { email: emailOf(name), password });
  }

  /** As `connect`, by any address and password. */
  async connectAs(page: string, email: string, password: string): Promise<Answer> {
    const { text } = await this.post(page, { email, password });
    return this.post(page, { grant: grantOf(text), drive: String(drivesOf(text)[0]) });
  }

  /** Signs in and grants with what the page offers first, unless another drive is named. */
  async connect(page: string, name = 'alice', drive?: number): Promise<Answer> {
    const choice = await this.signIn(page, name);
    if (choice.status !== 200) throw new Error(`nobody was let in: ${choice.status} ${choice.text}`);
    const grant = grantOf(choice.text);
    return this.post(page, { grant, drive: String(drive ?? drivesOf(choice.text)[0]) });
  }

  #send(method: string, target: string, headers: Record<string, string> = {}, form?: URLSearchParams): Promise<Answer> {
    const type = form ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {};
    return this.#server.send(method, target, {
      headers: { ...this.#way.headers, ...type, ...headers },
      ...(form ? { body: form.toString() } : {}),
    });
  }
}

/** What the page's form carries for the grant. */
export function grantOf(html: string): string {
  return /name="grant" value="([^"]+)"/.exec(html)?.[1] ?? '';
}

/** The numbers of the drives that a page offers, in its order. */
export function drivesOf(html: string): number[] {
  return [...html.matchAll(/name="drive" value="(\d+)"/g)].map((match) => Number(match[1]));
}

function pathOf(url: string): string {
  return new URL(url).pathname;
}
