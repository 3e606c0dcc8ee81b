import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { OpenSession } from '../accounts/sessions.js';
import type { DavResponse } from '../dav/request.js';
import type { Incoming } from '../drive/contents.js';
import { ConsoleError } from './console-error.js';
import type { ConsoleParts } from './console-parts.js';
import type {
  AnswerForm,
  BodyOf,
  Declaration,
  Declarations,
  EmptyForm,
  JsonForm,
  Message,
  Method,
  ParameterName,
  QueryOf,
  RouteName,
} from './contract/declaration.js';
import type { Contract } from './contract/table.js';

export interface ConsoleRequest<Body = unknown, Query = unknown, Name extends string = never> {
  /** By the names in the route's path, decoded; empty what doesn't decode. */
  readonly parameters: Readonly<Record<Name, string>>;
  readonly query: Query;
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

/** The request of a route of the table, by its name there. */
export type RequestTo<Name extends keyof Contract> = RequestOf<Name, Contract[Name]>;

type RequestOf<Name, D extends Declaration> = ConsoleRequest<
  BodyOf<D>,
  QueryOf<D>,
  Name extends string ? ParameterName<Name> : never
>;

interface AnswerExtras {
  readonly headers?: Readonly<Record<string, string>>;
  /** The token that the browser keeps from now on; null: none. */
  readonly sessionToken?: string | null;
}

export interface JsonAnswer<Status extends number, Json> extends AnswerExtras {
  readonly status: Status;
  readonly json: Json;
}

export interface EmptyAnswer extends AnswerExtras {
  readonly status: 204;
}

export interface RawAnswer extends AnswerExtras {
  readonly status: number;
  readonly body?: DavResponse['body'];
}

export type ConsoleAnswer = JsonAnswer<number, unknown> | EmptyAnswer | RawAnswer;

type AnswerOf<Form extends AnswerForm> =
  Form extends JsonForm<infer Status, infer Schema>
    ? JsonAnswer<Status, Message<z.output<Schema>>>
    : Form extends EmptyForm
      ? EmptyAnswer
      : RawAnswer;

export interface Route extends Declaration {
  readonly method: Method;
  /** Like `/api/drives/:id/files`. */
  readonly path: string;
  readonly run: (request: ConsoleRequest, parts: ConsoleParts) => Promise<ConsoleAnswer>;
}

/** Ties the routes of a part of the table to what answers them: each of them, with what it says of requests and answers. */
export function bind<D extends Declarations>(
  declarations: D,
  runs: {
    readonly [Name in keyof D & RouteName]: (
      request: RequestOf<Name, D[Name]>,
      parts: ConsoleParts,
    ) => Promise<AnswerOf<D[Name]['answer']>>;
  },
): readonly Route[] {
  return Object.entries<Declaration>(declarations).map(([name, declaration]) => {
    const [method, path] = name.split(' ') as [Method, string];
    return { ...declaration, method, path, run: runs[name as keyof D & RouteName] as unknown as Route['run'] };
  });
}

export function ok<const Json>(json: Json, more: AnswerExtras = {}): JsonAnswer<200, Json> {
  return { status: 200, json, ...more };
}

export function made<const Json>(json: Json, more: AnswerExtras = {}): JsonAnswer<201, Json> {
  return { status: 201, json, ...more };
}

export function done(more: AnswerExtras = {}): EmptyAnswer {
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

/** The query as a route declares it. Throws `ConsoleError` 400, which names the parameter. */
export function readQuery({ query: schema }: Declaration, search: URLSearchParams): unknown {
  if (!schema) return undefined;
  const given = Object.entries(schema.shape).map(([name, one]) => [
    name,
    one instanceof z.ZodArray ? search.getAll(name) : (search.get(name) ?? undefined),
  ]);
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ConsoleError(400, 'invalid-input', issue!.message, { field: String(issue!.path[0]) });
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
