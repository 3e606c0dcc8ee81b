import type { Accounts } from '../accounts/accounts.js';
import type { Alerts } from '../accounts/alerts.js';
import type { Actor, Audit } from '../accounts/audit.js';
import type { Authenticator } from '../accounts/authenticator.js';
import type { Passkeys } from '../accounts/passkeys.js';
import type { SecondFactors } from '../accounts/second-factors.js';
import type { Sessions } from '../accounts/sessions.js';
import type { Cluster } from '../cluster/cluster.js';
import type { DriveDependencies } from '../drive/drive.js';
import type { Imports } from '../jobs/import/imports.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import type { ScrubStore } from '../stores/scrub-store.js';
import type { StorageHistory } from '../stores/storage-history.js';
import type { DriveId } from '../stores/values.js';
import type { ConsoleRequest } from './route.js';

/** What the routes of the JSON API work with. */
export interface ConsoleParts {
  readonly accounts: Accounts;
  readonly metadata: MetadataStore;
  /** The time that all processes on the storage go by, in milliseconds since 1970. */
  readonly now: () => number;
  readonly authenticator: Authenticator;
  readonly sessions: Sessions;
  readonly secondFactors: SecondFactors;
  readonly passkeys: Passkeys;
  readonly audit: Audit;
  readonly alerts: Alerts;
  readonly drives: DriveDependencies;
  readonly history: StorageHistory;
  readonly imports: Imports;
  /** Bytes free on the disk of the storage; null where nobody can say. */
  readonly freeBytes: () => Promise<number | null>;
  /** Where the server's own backups go, for people; null: it makes none. */
  readonly backupsTo: string | null;
  /** What the server's own reading of all contents has found. */
  readonly scrub: ScrubStore;
  /** This server among others on one database; null where it is alone. */
  readonly cluster: Cluster | null;
  /** Where people reach this server, without a slash at the end; null: as the request says. */
  readonly publicUrl: string | null;
  /** The addresses of a drive for WebDAV programs, the one to show first. `address`: as the browser sees this server, without a slash at the end. */
  readonly addressesOf: (driveId: DriveId, address: string) => readonly string[];
}

/** Who does what a request asks for; `name` where nobody is signed in. */
export function actorOf(request: ConsoleRequest, name = ''): Actor {
  const { remoteAddress, client, session } = request;
  return { name: session?.user.email ?? name, remoteAddress, client };
}
