import type { DriveId, UserId } from './values.js';

/** A program that is being connected by its user's browser (Nextcloud's login flow). Keys are hashes of tokens. */
export interface LoginFlowRow {
  /** Of the token in the page's address. */
  readonly key: string;
  /** Of the token by which the program asks. */
  readonly pollKey: string;
  /** Name of the program. */
  readonly client: string;
  readonly remoteAddress: string;
  /** Block of addresses that shares a limit. */
  readonly network: string;
  /** Address of the server as the program will use it. */
  readonly address: string;
  /** The drive that the program is for; null where the user chooses. */
  readonly driveId: DriveId | null;
  /** The page of the app itself waits (version 1); else the program polls (version 2). */
  readonly isWebView: boolean;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** When the program or its user was last seen, to the minute. */
  readonly seenAt: number;
  /** Whose password was right, as their account was then. */
  readonly person: SignedInPerson | null;
  /** What the form with the code must bring. */
  readonly stepKey: string | null;
  /** What the form that grants must bring. */
  readonly grantKey: string | null;
  /** The drive that the user has chosen; the password is made when the program asks for it. */
  readonly grantedDriveId: DriveId | null;
}

export interface SignedInPerson {
  readonly userId: UserId;
  readonly email: string;
  readonly passwordVersion: number;
  readonly hasSecondFactor: boolean;
}

export type LoginFlowChange = Partial<
  Pick<LoginFlowRow, 'seenAt' | 'person' | 'stepKey' | 'grantKey' | 'grantedDriveId'>
>;

/** Login flows under way. They outlive the process, and every process of the server knows them. */
export interface LoginFlowStore {
  insert(flow: LoginFlowRow): Promise<void>;
  find(key: string): Promise<LoginFlowRow | null>;
  findByPollKey(pollKey: string): Promise<LoginFlowRow | null>;
  update(key: string, change: LoginFlowChange): Promise<void>;
  /** Returns false when it was gone. */
  remove(key: string): Promise<boolean>;
  /** Of one network, or of all (null). */
  count(network: string | null): Promise<number>;
  /** Removes the oldest one, of one network or of all, that was last seen before. Returns whether there was one. */
  removeAbandoned(network: string | null, seenBefore: number): Promise<boolean>;
  /** Removes those that started outside of the time from `after` to `before`. */
  removeOutside(after: number, before: number): Promise<void>;
}

/** What a snapshot knows of them. */
export type LoginFlowView = Pick<LoginFlowStore, 'find' | 'findByPollKey' | 'count'>;
