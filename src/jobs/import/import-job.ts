import type { SecretBox } from '../../accounts/secret-box.js';
import { Drive, type DriveDependencies } from '../../drive/drive.js';
import { mayAdd } from '../../drive/rights.js';
import type { MetadataStore } from '../../stores/metadata-store.js';
import type { DriveId, UserId } from '../../stores/values.js';
import { JobFailedError, type JobKind, type JobLane, type JobWork } from '../job-runner.js';
import { AddressGuard, type AllowedPlaces, RefusedAddressError } from './address-guard.js';
import { NO_MEMBER, NO_WRITER } from './failure-reasons.js';
import { IMPORT, type ImportRequest, passwordPurpose, sourceKey } from './import-request.js';
import { ImportRun } from './import-run.js';
import { SourceClient } from './source-client.js';

/** Imports at once, in one process. */
const IMPORTS_MAX = 2;
/** A source that is away for some hours is waited for. */
const BACK_OFF = { firstMs: 15_000, longestMs: 15 * 60_000, triesMax: 30 };

export interface ImportParts {
  readonly metadata: MetadataStore;
  readonly drives: DriveDependencies;
  readonly box: SecretBox;
  readonly allowed: AllowedPlaces;
  /** Silence after which a transfer has stalled, in seconds. */
  readonly idleSeconds: number;
}

/** Imports from other servers (PRODUCT I1–I4). */
export function importLane(parts: ImportParts): JobLane {
  const guard = new AddressGuard(parts.allowed);
  const kind: JobKind = {
    kind: IMPORT,
    everyMinutes: null,
    backOff: BACK_OFF,
    run: (work) => runImport(parts, guard, work),
  };
  return { kinds: [kind], limit: IMPORTS_MAX };
}

async function runImport(
  parts: ImportParts,
  guard: AddressGuard,
  { job, signal, report, renew }: JobWork,
): Promise<void> {
  const request = job.parameters as ImportRequest;
  const { driveId, userId, secret } = job;
  if (driveId === null || userId === null || secret === null) throw new JobFailedError('The import lost its password.');
  const drive = await openDrive(parts, driveId, userId);
  const password = openPassword(parts.box, secret, passwordPurpose(request, driveId, userId));
  const root = new URL(request.url);
  const idleMs = parts.idleSeconds * 1000;
  const client = new SourceClient(root, { user: request.user, password }, { guard, idleMs });
  try {
    const sourceId = await parts.metadata.write([], ({ imports }) =>
      imports.openSource(sourceKey(request, driveId, userId), driveId),
    );
    const run = new ImportRun({
      metadata: parts.metadata,
      drive,
      client,
      request,
      jobId: job.id,
      sourceId,
      signal,
      renew,
    });
    await run.all(report);
  } catch (error) {
    throw error instanceof RefusedAddressError ? new JobFailedError(error.message, { cause: error }) : error;
  } finally {
    client.close();
  }
}

function openPassword(box: SecretBox, secret: string, purpose: string): string {
  try {
    return box.open(secret, purpose);
  } catch (cause) {
    throw new JobFailedError("The password can't be read with this server's key; start the import again.", { cause });
  }
}

/** With the rights that the user has at each moment. Throws `JobFailedError`. */
async function openDrive({ metadata, drives }: ImportParts, driveId: DriveId, userId: UserId): Promise<Drive> {
  const authority = { kind: 'user', userId } as const;
  const { membership } = await metadata.readOne([], ({ accounts }) =>
    accounts.access(authority, driveId, drives.now()),
  );
  if (!membership) throw new JobFailedError(NO_MEMBER);
  if (!mayAdd(membership)) throw new JobFailedError(NO_WRITER);
  return new Drive(membership, authority, drives);
}
