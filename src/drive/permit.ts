import type { Found } from './resource.js';
import type { Snapshot } from './snapshot.js';

/** What a caller of a drive's verb brings beside the wish itself. Rights, place, quota and locks are the verb's to check. */
export interface Permit {
  /** Lock tokens submitted (RFC 4918 §10.4.1). Empty: every lock is in the way. */
  readonly tokens: ReadonlySet<string>;
  /**
   * Conditions of the caller. Runs before a body is taken and again inside the transaction. `to` is the destination of a
   * copy or move. Throws to refuse.
   */
  readonly check?: (snapshot: Snapshot, found: Found, to?: Found) => Promise<unknown>;
}

/** Of a caller without lock tokens and without conditions. */
export const NO_TOKENS: Permit = { tokens: new Set() };
