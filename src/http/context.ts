import type { Logger } from 'pino';
import type { CredentialRef, Membership } from '../stores/account-store.js';
import type { Mount } from './mounts.js';

/** What the middlewares of one request hand on to each other. */
export interface FirnState {
  requestId: string;
  log: Logger;
  /** Path without query, as sent. */
  url: string;
  remoteAddress: string;
  mount: Mount;
  credential: CredentialRef;
  membership: Membership;
}
