import type { BodyOf, Declaration, JsonOf, ParameterName, QueryWritten } from '../contract/declaration.js';
import type { Contract } from '../contract/table.js';
import { BASE } from './base.js';

/** A route by its name, like `PATCH /api/admin/users/:email`. */
export type Call = keyof Contract;

/** What a route answers as JSON; `undefined` where it answers none. */
export type AnswerTo<Name extends Call> = JsonOf<Contract[Name]>;

/** The part of a wish that has this name; it can be left out where all in it can. */
type Part<Name extends string, T> = [T] extends [undefined]
  ? unknown
  : Partial<T> extends T
    ? { readonly [_ in Name]?: T }
    : { readonly [_ in Name]: T };

type Parameters<Path extends string> = [ParameterName<Path>] extends [never]
  ? unknown
  : { readonly parameters: Readonly<Record<ParameterName<Path>, string | number>> };

type Body<D extends Declaration> = [BodyOf<D>] extends [undefined] ? unknown : { readonly body: BodyOf<D> };

/** What a request of a route says, beside its name. */
export type Wish<Name extends Call> = Parameters<Name> &
  Part<'query', QueryWritten<Contract[Name]>> &
  Body<Contract[Name]> & { readonly signal?: AbortSignal };

/** A wish, which can be left out where it need not say anything. */
export type Wishes<Name extends Call> =
  Partial<Wish<Name>> extends Wish<Name> ? [wish?: Wish<Name>] : [wish: Wish<Name>];

/** A wish of any route. */
export interface AnyWish {
  readonly parameters?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** The address of a route in the browser, with its parameters and query. */
export function addressOf<Name extends Call>(name: Name, ...wishes: Wishes<Name>): string {
  const { parameters, query = {} }: AnyWish = wishes[0] ?? {};
  const path = name
    .slice(name.indexOf('/'))
    .replace(/:(\w+)/g, (_, parameter: string) => encodeURIComponent(parameters![parameter]!));
  const pairs = Object.entries(query).flatMap(([key, value = []]) => [value].flat().map((one) => [key, one]));
  return BASE + path + (pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : '');
}
