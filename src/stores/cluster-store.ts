/** Of one start of one server. */
export type ServerId = string & { readonly __brand: 'ServerId' };

/**
 * The servers that work on one database. Times are milliseconds since 1970, by the database's clock alone: those of the servers'
 * machines may differ.
 */
export interface ClusterStore {
  /** What the database's clock says. */
  time(): Promise<number>;
  /**
   * Notes a server, and forgets those that ended a day ago. Where another server of that name has not left, that one is returned and nothing
   * is noted, unless it was last seen before `goneBefore`: then it counts as gone.
   */
  join(server: NewServer, goneBefore: number): Promise<ServerRow | null>;
  /** Says that a server lives, and what fails for it. False where another has taken its name. */
  renew(id: ServerId, trouble: string | null): Promise<boolean>;
  leave(id: ServerId): Promise<void>;
  /** Also those that ended, in the order of their starts. */
  servers(): Promise<ServerRow[]>;
  /** Keeps the mark of the storage's key where there is none. False where there is another. */
  claimKey(mac: string): Promise<boolean>;
}

export interface NewServer {
  readonly id: ServerId;
  readonly name: string;
  readonly version: string;
}

export interface ServerRow extends NewServer {
  readonly startedAt: number;
  readonly seenAt: number;
  readonly leftAt: number | null;
  readonly trouble: string | null;
}

/** What stands behind several servers on one database. */
export interface ClusterEngine {
  readonly store: ClusterStore;
  /** How far this machine's clock is ahead of the database's, in milliseconds, by the last measurement. */
  aheadMs(): number;
  /** What the database's server says of itself now. Rejects where it doesn't answer. */
  look(): Promise<DatabaseReport>;
}

export interface DatabaseReport {
  readonly version: string;
  /** Its `synchronous_standby_names`: what has acknowledged changes, too. */
  readonly standbys: string;
  /** Why it must not be used, in a sentence; null where it may be. */
  readonly refusal: string | null;
  /** What an operator should know, in sentences. */
  readonly warnings: readonly string[];
}
