import type { Access, CredentialRef } from '../stores/account-store.js';
import type { CommitMark } from '../stores/commit-watch.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import type { DriveId } from '../stores/values.js';

/** Drives of which one credential's access is remembered. */
const DRIVES_MAX = 16;

/** What a credential leads to, and as of when. */
export interface AccessThen extends Access {
  /** It was so after this look; null where the store doesn't tell. */
  readonly asOf: CommitMark | null;
}

interface Known {
  readonly access: Access;
  readonly asOf: CommitMark;
}

/** What credentials lead to, remembered while no right of anybody was changed and the credential has not ended by time. */
export class KnownAccess {
  readonly #metadata: MetadataStore;
  readonly #known = new WeakMap<CredentialRef, Map<DriveId | null, Known>>();

  constructor(metadata: MetadataStore) {
    this.#metadata = metadata;
  }

  /** As `AccountStore.access`: one statement, or none. */
  async find(credential: CredentialRef, driveId: DriveId | null, now: number): Promise<AccessThen> {
    const { commits } = this.#metadata;
    const asOf = commits.look();
    const known = asOf && this.#known.get(credential)?.get(driveId);
    if (known && commits.areRightsSame(known.asOf, asOf) && !hasEnded(known.access, now)) {
      return { ...known.access, asOf };
    }
    const access = await this.#metadata.readOne([], ({ accounts }) => accounts.access(credential, driveId, now));
    if (asOf && access.stands) this.#keep(credential, driveId, { access, asOf });
    return { ...access, asOf };
  }

  #keep(credential: CredentialRef, driveId: DriveId | null, known: Known): void {
    const drives = this.#known.get(credential) ?? new Map<DriveId | null, Known>();
    if (drives.size >= DRIVES_MAX) drives.clear();
    drives.set(driveId, known);
    this.#known.set(credential, drives);
  }
}

function hasEnded({ endsAt }: Access, now: number): boolean {
  return endsAt !== null && endsAt <= now;
}
