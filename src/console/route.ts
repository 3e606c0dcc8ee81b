import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { OpenSession } from '../accounts/sessions.js';
import type { DavResponse } from '../dav/request.js';
import type { Incoming } from '../drive/contents.js';
import type { ConsoleParts } from './console-parts.js';

/**
 * Who may use a route. `second-step`: whose password was right, whatever is still wanted. `set-up`: who is signed in, also
 * those who have to set up a second factor first. `user`: who is signed in and has nothing left to do.
 * `fresh-administrator`: one who has just proved who they are.
 */
export type AccessLevel = 'anyone' | 'second-step' | 'set-up' | 'user' | 'administrator' | 'fresh-administrator';

export interface ConsoleRequest<Body = undefined> {
  /** By the names in the route's path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Body;
  /** The body of a route without a schema, as it comes. */
  readonly incoming: Incoming;
  readonly signal: AbortSignal;
  /** Never null but for routes for anyone. */
  readonly session: OpenSession | null;
  readonly remoteAddress: string;
  readonly client: string;
  /** Scheme and host as the browser sees them. */
  readonly origin: string;
  /** What the browser's addresses have before `/api`; empty but below a path of a proxy. */
  readonly prefix: string;
}

export interface ConsoleAnswer {
  readonly status: number;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** In the place of `json`. */
  readonly body?: DavResponse['body'];
  /** The token that the browser keeps from now on; null: none. */
  readonly sessionToken?: string | null;
}

export interface Route<Body = unknown> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  /** Like `/api/drives/:id/files`. */
  readonly path: string;
  readonly access: AccessLevel;
  /** One line for the reference. */
  readonly summary: string;
  /** What each parameter of the query means, for the reference. */
  readonly query?: Readonly<Record<string, string>>;
  /** What the body must be; null: it has none, or is read as it comes. */
  readonly body: z.ZodType<Body> | null;
  readonly run: (request: ConsoleRequest<Body>, parts: ConsoleParts) => Promise<ConsoleAnswer>;
}

/** Ties a route's body to what `run` is given. */
export function route<Body = undefined>(
  definition: Omit<Route<Body>, 'body'> & { readonly body?: z.ZodType<Body> },
): Route {
  return { ...definition, body: definition.body ?? null } as unknown as Route;
}

export function ok(json: unknown, more: Omit<ConsoleAnswer, 'status' | 'json'> = {}): ConsoleAnswer {
  return { status: 200, json, ...more };
}

export function made(json: unknown, more: Omit<ConsoleAnswer, 'status' | 'json'> = {}): ConsoleAnswer {
  return { status: 201, json, ...more };
}

export function done(more: Omit<ConsoleAnswer, 'status' | 'json'> = {}): ConsoleAnswer {
  return { status: 204, ...more };
}

export interface FoundRoute {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Finds routes by method and path. */
export class Routes {
  readonly #routes: readonly { readonly route: Route; readonly pattern: RegExp }[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((one) => ({ route: one, pattern: patternOf(one.path) }));
  }

  /** `path` is still encoded. Where another method is meant, those that there are; empty: there is no such path. */
  find(method: string, path: string): FoundRoute | { readonly methods: readonly string[] } {
    const methods: string[] = [];
    for (const { route: one, pattern } of this.#routes) {
      const match = pattern.exec(path);
      if (!match) continue;
      if (one.method === method) return { route: one, parameters: decodeAll(match.groups ?? {}) };
      methods.push(one.method);
    }
    return { methods };
  }
}

function patternOf(path: string): RegExp {
  const source = path.replace(/[.+*?^$()[\]{}|\\]/g, '\\$&').replace(/:(\w+)/g, '(?<$1>[^/]+)');
  return new RegExp(`^${source}$`);
}

/** What doesn't decode names nothing. */
function decodeAll(groups: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(groups).map(([name, value]) => {
      try {
        return [name, decodeURIComponent(value)];
      } catch {
        return [name, ''];
      }
    }),
  );
}
