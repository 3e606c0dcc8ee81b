import type { SecretBox } from '../../accounts/secret-box.js';
import { normalizePath } from '../../drive/names.js';
import type { JobId, JobRow, JobView } from '../../stores/job-store.js';
import type { MetadataStore } from '../../stores/metadata-store.js';
import type { DriveId, UserId } from '../../stores/values.js';
import { AddressGuard, type AllowedPlaces, RefusedAddressError } from './address-guard.js';
import {
  type ConflictRule,
  checkLogin,
  IMPORT,
  type ImportProgress,
  type ImportRequest,
  ImportRequestError,
  passwordPurpose,
  sourceKey,
  sourceUrl,
  TooManyImportsError,
} from './import-request.js';
import { isDriveRoot, type ListedMembers, listFolder, withoutTrash } from './list-folder.js';
import { type ReportLine, reportOf } from './report.js';
import { SourceClient } from './source-client.js';
import { findRoot } from './source-root.js';

/** Names of the source's first folder that a test of the connection gives. */
const SHOWN_MAX = 20;
/** Members that it counts at most: enough to see whether it is the right place. */
const COUNTED_MAX = 10_000;
/** Of a connection, by one user: each may keep a connection open for half a minute. */
export const TESTS_A_MINUTE = 10;
const TEST_LIMITS = [{ points: TESTS_A_MINUTE, seconds: 60 }];
/** Open imports that are looked through for one of the same folders. */
const OPEN_PAGE = 200;

export interface ImportsParts {
  readonly metadata: MetadataStore;
  readonly box: SecretBox;
  readonly allowed: AllowedPlaces;
  /** Silence after which a source is given up, in seconds. */
  readonly idleSeconds: number;
  readonly now: () => number;
}

export interface SourceLoginRequest {
  readonly url: string;
  /** A folder below it; empty: all. */
  readonly from: string;
  readonly user: string;
  readonly password: string;
}

export interface NewImport extends SourceLoginRequest {
  readonly driveId: DriveId;
  /** Whose rights it has, and whose files they become. */
  readonly userId: UserId;
  /** A path as the drive's user sees it; empty: the drive's own folder. */
  readonly to: string;
  readonly conflict: ConflictRule;
}

/** An import as people see it: never its password. */
export interface ImportView extends Partial<ImportProgress> {
  readonly id: JobId;
  readonly state: JobRow['state'];
  readonly driveId: number | null;
  readonly userId: number | null;
  readonly url: string;
  readonly user: string;
  readonly to: string;
  readonly conflict: ConflictRule;
  readonly error: string | null;
  /** When it is tried again, while it waits after a failure; milliseconds since 1970, as all times here. */
  readonly nextAt: number | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** What the command line and the console do with imports. Who may do it is the caller's to check. */
export class Imports {
  readonly #parts: ImportsParts;

  constructor(parts: ImportsParts) {
    this.#parts = parts;
  }

  /** Counts a test that a user asks for. Returns 0, or the seconds to wait for the next. */
  async countTest(userId: UserId): Promise<number> {
    const { metadata, now } = this.#parts;
    const waitMs = await metadata.write([], ({ throttle }) =>
      throttle.take(`import-test ${userId}`, TEST_LIMITS, now()),
    );
    return Math.ceil(waitMs / 1000);
  }

  /**
   * Tries the connection. Returns what the source's folder holds itself, without what lies deeper, and where its redirects
   * lead. Throws `ImportRequestError` for a wrong address, `RefusedAddressError`,
   * `JobFailedError` where there is nothing to import, and `RetryableError` where the source can't be reached; all of them
   * have a sentence for people.
   */
  async test({ url, from, user, password }: SourceLoginRequest, signal: AbortSignal) {
    checkLogin(user, password);
    const root = new URL(sourceUrl(url, from));
    const guard = new AddressGuard(this.#parts.allowed);
    const client = new SourceClient(root, { user, password }, { guard, idleMs: this.#parts.idleSeconds * 1000 });
    try {
      const found = await findRoot(client, root, signal);
      return await lookInto(client, found, signal);
    } catch (error) {
      throw error instanceof Error && error.cause instanceof RefusedAddressError ? error.cause : error;
    } finally {
      client.close();
    }
  }

  /**
   * Queues an import. Throws `ImportRequestError`, also where one of the same folders has not ended, and
   * `TooManyImportsError` where the user has `openMax` that have not.
   */
  async start(
    { password, from, driveId, userId, ...wanted }: NewImport,
    openMax: number | null = null,
  ): Promise<ImportView> {
    const { metadata, box, now } = this.#parts;
    checkLogin(wanted.user, password);
    const to = normalizePath(wanted.to.split('/').filter((name) => name !== '')).join('/');
    const { user, conflict } = wanted;
    const request: ImportRequest = { url: sourceUrl(wanted.url, from), user, to, conflict };
    const key = sourceKey(request, driveId, userId);
    const secret = box.seal(password, passwordPurpose(request, driveId, userId));
    const job = await metadata.write([], async ({ jobs }) => {
      const open = await findOpen(jobs, userId, key);
      if (open !== null) {
        throw new ImportRequestError(`Import ${open} takes the same folder already; wait, or cancel it.`);
      }
      return jobs.add({ kind: IMPORT, userId, driveId, parameters: request, secret }, now(), openMax);
    });
    if (job) return toView(job);
    throw new TooManyImportsError(
      `You have ${openMax} imports that have not ended. Wait for one of them, or cancel one.`,
    );
  }

  /** The newest first, of one user or of all, before the import `before`. */
  async list(userId: UserId | null, before: JobId | null, limit: number): Promise<ImportView[]> {
    const filter = userId === null ? { kind: IMPORT } : { kind: IMPORT, userId };
    const jobs = await this.#parts.metadata.readOne([], (view) => view.jobs.list(filter, before, limit));
    return jobs.map(toView);
  }

  async find(id: JobId): Promise<ImportView | null> {
    const job = await this.#findJob(id);
    return job?.kind === IMPORT ? toView(job) : null;
  }

  /** What has come stays. False where it had ended. */
  async cancel(id: JobId): Promise<boolean> {
    return this.#parts.metadata.write([], async ({ jobs }) => {
      if ((await jobs.find(id))?.kind !== IMPORT) return false;
      return jobs.cancel(id, this.#parts.now());
    });
  }

  /** What was not taken, why, and what to do. */
  async *report(id: JobId): AsyncGenerator<ReportLine> {
    const { metadata } = this.#parts;
    const job = await this.#findJob(id);
    if (job?.kind !== IMPORT || job.driveId === null || job.userId === null) return;
    const key = sourceKey(job.parameters as ImportRequest, job.driveId, job.userId);
    const { driveId } = job;
    const sourceId = await metadata.write([], ({ imports }) => imports.openSource(key, driveId));
    yield* reportOf(metadata, id, sourceId);
  }

  #findJob(id: JobId): Promise<JobRow | null> {
    return this.#parts.metadata.readOne([], ({ jobs }) => jobs.find(id));
  }
}

async function findOpen(jobs: JobView, user: UserId, key: string): Promise<JobId | null> {
  for (let before: JobId | null = null; ; ) {
    const page: JobRow[] = await jobs.list({ kind: IMPORT, userId: user, isOpen: true }, before, OPEN_PAGE);
    const same = page.find(
      ({ parameters, driveId, userId }) => sourceKey(parameters as ImportRequest, driveId!, userId!) === key,
    );
    if (same) return same.id;
    if (page.length < OPEN_PAGE) return null;
    before = page.at(-1)!.id;
  }
}

async function lookInto(client: SourceClient, root: URL, signal: AbortSignal) {
  const found = { folders: 0, files: 0, bytes: 0, names: [] as string[], isMore: false };
  let first: ListedMembers | null = null;
  for await (const page of listFolder(client, root, { id: 0, href: '', target: '', reason: null }, signal)) {
    first ??= page;
    found.folders += page.folders.length;
    found.files += page.files.length;
    found.bytes += page.files.reduce((sum, { size }) => sum + (size ?? 0), 0);
    const names = [...page.folders.map(({ target }) => `${target}/`), ...page.files.map(({ target }) => target)];
    found.names.push(...names.slice(0, SHOWN_MAX - found.names.length));
    if (found.folders + found.files >= COUNTED_MAX) {
      found.isMore = true;
      break;
    }
  }
  const isRoot = isDriveRoot(root) && first !== null && withoutTrash(first) !== first;
  return { url: root.href, ...found, isDriveRoot: isRoot };
}

function toView(job: JobRow): ImportView {
  const { url, user, to, conflict } = job.parameters as ImportRequest;
  const { id, state, driveId, userId, error, createdAt, startedAt, endedAt } = job;
  const nextAt = state === 'waiting' && job.attempts > 0 ? job.runAt : null;
  const progress = job.progress as ImportProgress | null;
  const view = { id, state, driveId, userId, url, user, to: `/${to}`, conflict, error, nextAt };
  return { ...view, createdAt, startedAt, endedAt, ...progress };
}
