import type { Membership } from '../stores/account-store.js';
import type { Usage } from '../stores/metadata-store.js';
import type { DrivePath } from './names.js';
import type { Found } from './resource.js';
import type { Snapshot } from './snapshot.js';

/** What the work of a write looks at before it changes anything, if it comes so far. */
export interface FirstLooks {
  readonly paths: readonly DrivePath[];
  readonly withContent?: boolean;
  /** How full the drive is, where there are quotas. */
  readonly room?: boolean;
}

/** Looks that are asked for together with the rights, where each answer takes a trip (`StoreView.ahead`). Each is there once. */
export class Foreseen {
  readonly #membership: Membership;
  readonly #withContent: boolean;
  readonly #found = new Map<string, Promise<Found>>();
  #usage: Promise<Usage> | null = null;

  /** `snapshot`: as the principal saw the drive when the request came in. */
  constructor(snapshot: Snapshot, { paths, withContent = false, room = false }: FirstLooks) {
    const { view, membership } = snapshot;
    this.#membership = membership;
    this.#withContent = withContent;
    for (const path of paths) {
      const found = view.ahead(() => snapshot.find(path, { withContent }));
      if (found) this.#found.set(keyOf(path), found);
    }
    const { driveQuotaBytes, memberQuotaBytes } = membership;
    if (room && (driveQuotaBytes !== null || memberQuotaBytes !== null)) {
      this.#usage = view.ahead(() => view.usage(membership));
    }
  }

  /** Whether somebody of that membership sees the same in the same places; what they may do there is another matter. */
  isSeenBy(membership: Membership): boolean {
    return PLACES.every((place) => this.#membership[place] === membership[place]);
  }

  /** Null where it wasn't foreseen. */
  takeFound(path: DrivePath, withContent: boolean): Promise<Found> | null {
    if (withContent !== this.#withContent) return null;
    const key = keyOf(path);
    const found = this.#found.get(key) ?? null;
    this.#found.delete(key);
    return found;
  }

  /** Null where it wasn't foreseen. */
  takeUsage(): Promise<Usage> | null {
    const usage = this.#usage;
    this.#usage = null;
    return usage;
  }
}

/** What `locate`, and the way from there, depend on. */
const PLACES = ['driveId', 'driveName', 'scopeId', 'rootId', 'homeId', 'commonId', 'binId', 'commonBinId'] as const;

function keyOf(path: DrivePath): string {
  return path.join('/');
}
