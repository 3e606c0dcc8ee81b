import type { z } from 'zod';

/**
 * Who may use a route. `second-step`: whose password was right, whatever is still wanted. `set-up`: who is signed in, also
 * those who have to set up a second factor first. `user`: who is signed in and has nothing left to do.
 * `fresh-administrator`: one who has just proved who they are.
 */
export type AccessLevel = 'anyone' | 'second-step' | 'set-up' | 'user' | 'administrator' | 'fresh-administrator';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';

/** Method and path of a route, like `GET /api/drives/:id/files`: its key in the table, and how pages call it. */
export type RouteName = `${Method} /api/${string}`;

/** All that is said of a route, but for its name and the function that answers it. */
export interface Declaration {
  readonly access: AccessLevel;
  /** One line for the reference. */
  readonly summary: string;
  /** Parameters of the query; others are ignored. A parameter that may come several times is an array. */
  readonly query?: z.ZodObject;
  /** What a JSON body must be. Without it there is none, or it is read as it comes. */
  readonly body?: z.ZodType;
  /** A body that isn't JSON, for the reference. */
  readonly bytes?: string;
  /** Headers of the request that the route reads, each with its meaning, for the reference. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly answer: AnswerForm;
  /** By status: refusals that are the route's own, for the reference. */
  readonly refusals?: Readonly<Record<number, string>>;
}

export type Declarations = Readonly<Record<RouteName, Declaration>>;

export interface JsonForm<Status extends number = number, Schema extends z.ZodType = z.ZodType> {
  readonly kind: 'json';
  readonly status: Status;
  readonly schema: Schema;
  readonly description: string;
}

export interface EmptyForm {
  readonly kind: 'empty';
  readonly description: string;
}

/** Bytes, or nothing but headers. */
export interface RawForm {
  readonly kind: 'raw';
  readonly statuses: Readonly<Record<number, RawDescription>>;
}

export interface RawDescription {
  readonly description: string;
  /** Null: there is no body. */
  readonly mediaType: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export type AnswerForm = JsonForm | EmptyForm | RawForm;

export function json<Schema extends z.ZodType>(schema: Schema, description: string): JsonForm<200, Schema> {
  return { kind: 'json', status: 200, schema, description };
}

export function created<Schema extends z.ZodType>(schema: Schema, description: string): JsonForm<201, Schema> {
  return { kind: 'json', status: 201, schema, description };
}

export function empty(description: string): EmptyForm {
  return { kind: 'empty', description };
}

export function raw(statuses: RawForm['statuses']): RawForm {
  return { kind: 'raw', statuses };
}

/** The type of a message: nobody changes what was sent. */
export type Message<T> = T extends readonly (infer Element)[]
  ? readonly Message<Element>[]
  : T extends object
    ? { readonly [Name in keyof T]: Message<T[Name]> }
    : T;

/** The type of what a schema lets through. */
export type MessageOf<Schema extends z.ZodType> = Message<z.output<Schema>>;

/** The names of a path's parameters: `'id' | 'email'` for `/drives/:id/members/:email`. */
export type ParameterName<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParameterName<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** `undefined` for a route without a JSON body. */
export type BodyOf<D extends Declaration> = D extends { readonly body: infer Schema extends z.ZodType }
  ? MessageOf<Schema>
  : undefined;

/** The query as `run` is given it. `undefined` for a route that reads none. */
export type QueryOf<D extends Declaration> = D extends { readonly query: infer Schema extends z.ZodType }
  ? MessageOf<Schema>
  : undefined;

/** The query as a page writes it. */
export type QueryWritten<D extends Declaration> = D extends { readonly query: infer Schema extends z.ZodType }
  ? Message<z.input<Schema>>
  : undefined;

/** `undefined` where the answer isn't JSON. */
export type JsonOf<D extends Declaration> =
  D['answer'] extends JsonForm<number, infer Schema> ? z.output<Schema> : undefined;
