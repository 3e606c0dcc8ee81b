import type { MetadataStore, StoreTransaction } from '../stores/metadata-store.js';
import type { AuditFilter, AuditRow, NewAuditRecord } from '../stores/security-store.js';
import type { UserId } from '../stores/values.js';
import { addressBlock } from './address-block.js';
import { clientName } from './client-name.js';
import { RecentMap } from './recent-map.js';

/** What is worth to be remembered of accounts. */
export const AUDIT_KINDS = [
  'sign-in',
  'sign-in-refused',
  'sign-out',
  'access-refused',
  'password-changed',
  'session-ended',
  'app-password-made',
  'app-password-first-used',
  'app-password-revoked',
  'second-factor-on',
  'second-factor-off',
  'second-factor-reset',
  'recovery-code-used',
  'recovery-codes-renewed',
  'passkey-added',
  'passkey-removed',
  'second-factor-alert',
  'second-factor-rule',
  'user-made',
  'user-changed',
  'drive-made',
  'drive-changed',
  'member-changed',
  'past-ended',
  'put-back',
  'changes-undone',
  'trash-emptied',
  'storage-restored',
  'content-damaged',
  'content-repaired',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** Who did something, and from where. */
export interface Actor {
  /** An e-mail address, or `operator` for the command line. */
  readonly name: string;
  readonly remoteAddress: string;
  readonly client: string;
}

/** What the server does by itself. */
export const SERVER: Actor = { name: 'server', remoteAddress: '', client: 'firn' };

export const OPERATOR: Actor = { name: 'operator', remoteAddress: '', client: 'firn' };

/** What is undefined is left out. */
export type AuditDetails = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Refusals of the same kind are told once in this time: an old device tries for ever. */
const REPEAT_MS = 60 * 60_000;
const REPEATS_KNOWN_MAX = 10_000;
/**
 * Refusals from one network that are told in that time. A wrong password that was looked at before is refused without
 * slowing down, and its sender may call itself another program each time: the log must not grow by that.
 */
const REFUSALS_MAX = 100;
const NETWORKS_KNOWN_MAX = 10_000;
/** Records that one transaction forgets. */
const PRUNE_TOGETHER = 1000;

/** The log of what happened to accounts: who, when, from where, by which program; never a secret. */
export class Audit {
  readonly #metadata: MetadataStore;
  readonly #now: () => number;
  readonly #repeats = new RecentMap<true>(REPEATS_KNOWN_MAX, REPEAT_MS);
  readonly #refusals = new RecentMap<{ left: number }>(NETWORKS_KNOWN_MAX, REPEAT_MS);

  constructor(metadata: MetadataStore, now: () => number = Date.now) {
    this.#metadata = metadata;
    this.#now = now;
  }

  /** `userId`: whose account it is about. */
  note(kind: AuditKind, userId: UserId | null, actor: Actor, details: AuditDetails = {}): Promise<void> {
    return this.#metadata.write([], (transaction) => this.noteIn(transaction, kind, userId, actor, details));
  }

  /** As `note`, in the transaction that makes the change: none is without its record. */
  noteIn(
    { security }: Pick<StoreTransaction, 'security'>,
    kind: AuditKind,
    userId: UserId | null,
    actor: Actor,
    details: AuditDetails = {},
  ): Promise<void> {
    return security.writeAudit(this.recordOf(kind, userId, actor, details));
  }

  /** For a store that writes the record together with its own change. */
  recordOf(kind: AuditKind, userId: UserId | null, actor: Actor, details: AuditDetails = {}): NewAuditRecord {
    return {
      at: this.#now(),
      kind,
      userId,
      actor: actor.name,
      address: actor.remoteAddress,
      client: clientName(actor.client),
      details: known(details),
    };
  }

  /** As `note`, but only once an hour for the same, and of refusals no more than are worth telling. */
  async noteOnce(kind: AuditKind, userId: UserId | null, actor: Actor, details: AuditDetails = {}): Promise<void> {
    const key = JSON.stringify([kind, userId, actor.name, actor.remoteAddress, actor.client, details]);
    const now = this.#now();
    if (this.#repeats.get(key, now, false)) return;
    if (kind.endsWith('-refused') && !this.#mayTellRefusal(actor.remoteAddress, now)) return;
    this.#repeats.set(key, true, now);
    await this.note(kind, userId, actor, details);
  }

  #mayTellRefusal(remoteAddress: string, now: number): boolean {
    const network = addressBlock(remoteAddress);
    const known = this.#refusals.get(network, now, false);
    if (!known) this.#refusals.set(network, { left: REFUSALS_MAX - 1 }, now);
    else if (known.left === 0) return false;
    else known.left--;
    return true;
  }

  list(filter: AuditFilter, before: number | null, limit: number): Promise<AuditRow[]> {
    return this.#metadata.readOne([], ({ security }) => security.audit(filter, before, limit));
  }

  /** Forgets what is older than a time, in short transactions. */
  async forget(before: number, signal?: AbortSignal): Promise<void> {
    const prune = () => this.#metadata.write([], ({ security }) => security.pruneAudit(before, PRUNE_TOGETHER));
    while ((await prune()) === PRUNE_TOGETHER) signal?.throwIfAborted();
  }
}

function known(details: AuditDetails): NewAuditRecord['details'] {
  return Object.fromEntries(
    Object.entries(details).filter((pair): pair is [string, NonNullable<(typeof pair)[1]>] => pair[1] !== undefined),
  );
}
