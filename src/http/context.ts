import type Koa from 'koa';
import type { Logger } from 'pino';
import type { RequestNote } from '../metrics/request-counts.js';
import type { Mount, MountKind, MountOf } from './mounts.js';

export type Context = Koa.ParameterizedContext<FirnState>;

/** Answers the requests of one kind of mount. Rejects with `HttpError`, or with a defect. */
export type Answer<Kind extends MountKind> = (context: Context, mount: MountOf<Kind>) => Promise<void>;

/** What is known of a request wherever it is answered. `begin` fills it, and `findMount` the rest. */
export interface FirnState {
  requestId: string;
  /** What metrics want to know of the request. */
  note: RequestNote;
  log: Logger;
  remoteAddress: string;
  /** Path without query, as sent; empty until the head is found to be in order. */
  url: string;
  /** The query with its `?`, as sent; empty: there is none. */
  search: string;
  /** What a proxy has taken off the front of the path; empty: nothing. Addresses in answers begin with it. */
  prefix: string;
  /** Null until the head is found to be in order. */
  mount: Mount | null;
  /** The header of a 401 where people sign in by Basic; null elsewhere. */
  challenge: Readonly<Record<string, string>> | null;
}
