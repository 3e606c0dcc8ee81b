import type { Logger } from 'pino';
import type { RequestNote } from '../metrics/request-counts.js';
import type { CredentialRef, Membership } from '../stores/account-store.js';
import type { Mount } from './mounts.js';

/** What the middlewares of one request hand on to each other. */
export interface FirnState {
  requestId: string;
  /** What metrics want to know of the request. */
  note: RequestNote;
  log: Logger;
  /** Path without query, as sent. */
  url: string;
  /** The query with its `?`, as sent; empty: there is none. */
  search: string;
  remoteAddress: string;
  /** What a proxy has taken off the front of the path; empty: nothing. Addresses in answers begin with it. */
  prefix: string;
  mount: Mount;
  /** The header of a 401 where people sign in by Basic. */
  challenge?: Readonly<Record<string, string>>;
  credential: CredentialRef;
  membership: Membership;
}
