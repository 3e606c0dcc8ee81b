import { Readable } from 'node:stream';
import { checkMayChange } from '../../drive/rights.js';
import { RetryableError } from '../../jobs/back-off.js';
import { RefusedAddressError } from '../../jobs/import/address-guard.js';
import { ImportRequestError, TooManyImportsError } from '../../jobs/import/import-request.js';
import { type Imports, type ImportView, TESTS_A_MINUTE } from '../../jobs/import/imports.js';
import { reportCsv } from '../../jobs/import/report.js';
import { JobFailedError } from '../../jobs/job-runner.js';
import { readWhole, type UserId } from '../../stores/values.js';
import { ConsoleError } from '../console-error.js';
import type { ConsoleParts } from '../console-parts.js';
import { type ImportCounts, type ImportEntry, type ImportsAnswer, importContract } from '../contract/imports.js';
import { openUserDrive, readPath } from '../drive-access.js';
import { pageOf } from '../page-of.js';
import { bind, type ConsoleRequest, done, made, ok, type RawAnswer, type RequestTo } from '../route.js';
import { contentDisposition } from '../safe-content.js';
import { isoTime, isoTimeOrNull } from '../times.js';

const PAGE = 50;
/** Of one user at a time; one of them runs. */
const OPEN_MAX = 5;
/** How long a test of a connection may take before it is said that nobody answers, in milliseconds. */
const TEST_MS = 30_000;

type OfImport = ConsoleRequest<unknown, unknown, 'id'>;

export const importRoutes = bind(importContract, {
  'POST /api/imports/test': test,
  'POST /api/imports': start,
  'GET /api/imports': list,
  'GET /api/imports/:id': async (request, { imports }) =>
    ok(describe(await find(request, imports)) satisfies ImportEntry),
  'DELETE /api/imports/:id': async (request, { imports }) => {
    const { id } = await find(request, imports);
    if (!(await imports.cancel(id))) throw new ConsoleError(409, 'import-ended', 'This import has ended already.');
    return done();
  },
  'GET /api/imports/:id/report': report,
});

async function test({ body, signal, session }: RequestTo<'POST /api/imports/test'>, { imports }: ConsoleParts) {
  await countTest(imports, session!.user.id);
  const patience = AbortSignal.timeout(TEST_MS);
  try {
    return ok(await imports.test(body, AbortSignal.any([signal, patience])));
  } catch (error) {
    if (!patience.aborted) throw toRefusal(error);
    throw new ConsoleError(422, 'source-refused', 'Nobody answers at this address.', { cause: error, field: 'url' });
  }
}

/** Throws `ConsoleError` 429. */
async function countTest(imports: Imports, userId: UserId): Promise<void> {
  const wait = await imports.countTest(userId);
  if (wait === 0) return;
  const message = `A connection can be tested ${TESTS_A_MINUTE} times a minute. Try again in ${wait} seconds.`;
  throw new ConsoleError(429, 'too-many-tests', message, { headers: { 'Retry-After': String(wait) } });
}

async function start(request: RequestTo<'POST /api/imports'>, parts: ConsoleParts) {
  const { driveId, to, ...rest } = request.body;
  const drive = await openUserDrive(request, parts, driveId);
  checkMayChange(drive.membership);
  readPath(drive, to, 'to');
  const wish = { ...rest, to, driveId: drive.membership.driveId, userId: request.session!.user.id };
  const view = await parts.imports.start(wish, OPEN_MAX).catch((error: unknown) => {
    throw toRefusal(error);
  });
  return made(describe(view) satisfies ImportEntry);
}

async function list({ query, session }: RequestTo<'GET /api/imports'>, { imports }: ConsoleParts) {
  const { before = null } = query;
  const { rows, last } = await pageOf(PAGE, (limit) => imports.list(session!.user.id, before, limit));
  return ok({ imports: rows.map(describe), next: last && last.id } satisfies ImportsAnswer);
}

async function report(
  request: RequestTo<'GET /api/imports/:id/report'>,
  { imports }: ConsoleParts,
): Promise<RawAnswer> {
  const { id } = await find(request, imports);
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/csv; charset=utf-8',
      'Content-Disposition': contentDisposition(`import-${id}.csv`, 'attachment'),
    },
    body: Readable.from(reportLines(imports, id), { objectMode: false }),
  };
}

async function* reportLines(imports: Imports, id: number): AsyncGenerator<string> {
  // Spreadsheets take a file without the mark for one in their country's old coding.
  yield '\uFEFF';
  yield* reportCsv(imports.report(id));
}

/** One's own. Throws `ConsoleError` 404, also for another's. */
async function find({ parameters, session }: OfImport, imports: Imports): Promise<ImportView> {
  const id = readWhole(parameters.id);
  const view = id === null ? null : await imports.find(id);
  if (view && view.userId === session!.user.id) return view;
  throw new ConsoleError(404, 'no-such-import', 'There is no such import.');
}

/** What the source said, or why it is not asked. Gives other errors back as they are. */
function toRefusal(error: unknown): unknown {
  if (error instanceof ImportRequestError) {
    return new ConsoleError(400, 'invalid-input', error.message, { cause: error, field: error.field });
  }
  if (error instanceof TooManyImportsError) {
    return new ConsoleError(429, 'too-many-imports', error.message, { cause: error });
  }
  if ([RetryableError, JobFailedError, RefusedAddressError].some((kind) => error instanceof kind)) {
    return new ConsoleError(422, 'source-refused', (error as Error).message, { cause: error, field: 'url' });
  }
  return error;
}

function describe(view: ImportView): ImportEntry {
  const { id, state, driveId, url, user, to, conflict, error, nextAt, createdAt, startedAt, endedAt } = view;
  const times = {
    nextAt: isoTimeOrNull(nextAt),
    createdAt: isoTime(createdAt),
    startedAt: isoTimeOrNull(startedAt),
    endedAt: isoTimeOrNull(endedAt),
  };
  return { id, state, driveId, url, user, to, conflict, error, ...times, progress: countsOf(view) };
}

function countsOf(view: ImportView): ImportCounts | null {
  if (view.files === undefined) return null;
  const { folders = 0, foldersLeft = 0, files, bytes = 0, endedBytes = 0, bytesPerSecond = 0 } = view;
  const { done = 0, unchanged = 0, skipped = 0, failed = 0, gone = 0 } = view;
  return { folders, foldersLeft, files, bytes, done, unchanged, skipped, failed, gone, endedBytes, bytesPerSecond };
}
