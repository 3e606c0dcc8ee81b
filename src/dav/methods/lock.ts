import type { DriveTransaction } from '../../drive/drive-transaction.js';
import { checkLocks, locksCovering } from '../../drive/locks/locks.js';
import type { DrivePath } from '../../drive/names.js';
import { checkMayAdd, checkMayChange } from '../../drive/rights.js';
import { HttpError } from '../../http-error.js';
import type { LockRow } from '../../stores/metadata-store.js';
import type { LockToken } from '../../stores/values.js';
import { type Conditions, checkConditions, readConditions } from '../conditions.js';
import { parseDepth } from '../headers/depth.js';
import { parseLockToken } from '../headers/lock-token.js';
import { parseTimeout } from '../headers/timeout.js';
import { renderActiveLock } from '../properties/active-lock.js';
import { type DavRequest, type DavResponse, headerOf, hrefOf, respond } from '../request.js';
import { LOCK_BODY_BYTES_MAX, parseLockInfo } from '../xml/lockinfo.js';
import { PROP_CLOSE, PROP_OPEN } from '../xml/multistatus.js';
import { isBlankBody } from '../xml/parse-xml.js';

/** For a client that names no time: long enough for a refresh to be missed, short enough to be forgotten soon. */
const TIMEOUT_DEFAULT_SECONDS = 1800;

/** LOCK, RFC 4918 §9.10. Without a body it refreshes (§9.10.2). */
export async function lock(request: DavRequest): Promise<DavResponse> {
  checkMayAdd(request.drive.membership);
  const depth = parseDepth(headerOf(request, 'depth'), 'infinity');
  if (depth === '1') throw new HttpError(400, 'A LOCK takes Depth 0 or infinity.');
  const timeoutSeconds = parseTimeout(headerOf(request, 'timeout'), {
    maxSeconds: request.options.lockTimeoutMaxSeconds,
    defaultSeconds: Math.min(TIMEOUT_DEFAULT_SECONDS, request.options.lockTimeoutMaxSeconds),
  });
  const body = await request.body.readAtMost(LOCK_BODY_BYTES_MAX);
  const conditions = await readConditions(request);
  if (body === null || isBlankBody(body)) return refresh(request, conditions, timeoutSeconds);
  const { scope, ownerXml } = parseLockInfo(body, headerOf(request, 'content-type'));
  const made = await request.drive.write(async (changes) => {
    const found = await changes.find(request.path);
    await checkConditions(request, conditions, changes, found);
    if (!found.resource) await checkLocks(changes, found, { tokens: conditions.tokens, changesParent: true });
    return changes.lock(found, { scope, ownerXml, timeoutSeconds, isDeep: depth === 'infinity' });
  });
  const text = renderLock(request, { ...made, ...made.resource });
  return respond(
    made.isNew ? 201 : 200,
    { 'Lock-Token': `<${made.lock.token}>`, 'Content-Type': 'application/xml; charset=utf-8' },
    text,
  );
}

async function refresh(request: DavRequest, conditions: Conditions, timeoutSeconds: number): Promise<DavResponse> {
  if (conditions.tokens.size === 0) {
    throw new HttpError(400, 'A LOCK needs a body, or an If header that names the lock to refresh.');
  }
  const refreshed = await request.drive.write(async (changes) => {
    checkMayAdd(changes.membership);
    const found = await changes.find(request.path);
    await checkConditions(request, conditions, changes, found);
    const covering = await locksCovering(changes, found);
    const own = covering.find(
      (placed) => conditions.tokens.has(placed.lock.token) && placed.lock.userId === changes.membership.userId,
    );
    if (!own) {
      throw new HttpError(412, 'There is no such lock of yours here: it has ended. Lock it again.', {
        condition: 'lock-token-matches-request-uri',
      });
    }
    const expiresAt = changes.now + timeoutSeconds * 1000;
    await changes.transaction.refreshLock(own.lock.token, timeoutSeconds, expiresAt);
    return { ...own, lock: { ...own.lock, timeoutSeconds, expiresAt } };
  });
  const text = renderLock(request, refreshed);
  return respond(200, { 'Content-Type': 'application/xml; charset=utf-8' }, text);
}

function renderLock(
  request: DavRequest,
  { lock, path, isCollection }: { lock: LockRow; path: DrivePath; isCollection: boolean },
): string {
  const active = renderActiveLock(lock, hrefOf(request, path, isCollection), request.drive.parts.now());
  return `${PROP_OPEN}<D:lockdiscovery>${active}</D:lockdiscovery>${PROP_CLOSE}`;
}

/** UNLOCK, RFC 4918 §9.11. A manager of the drive may take away anybody's lock. */
export async function unlock(request: DavRequest): Promise<DavResponse> {
  const token = parseLockToken(headerOf(request, 'lock-token')) as LockToken;
  const conditions = await readConditions(request);
  await request.drive.write(async (changes: DriveTransaction) => {
    checkMayAdd(changes.membership);
    const found = await changes.find(request.path);
    await checkConditions(request, conditions, changes, found);
    const covering = await locksCovering(changes, found);
    const placed = covering.find(({ lock }) => lock.token === token);
    if (!placed) {
      throw new HttpError(409, 'There is no such lock here: it has ended, or is on something else.', {
        condition: 'lock-token-matches-request-uri',
      });
    }
    const { userId, role } = changes.membership;
    if (placed.lock.userId !== userId) {
      checkMayChange(changes.membership);
      if (role !== 'manager') {
        throw new HttpError(403, 'Only who locked this, or a manager of the drive, can unlock it.');
      }
    }
    await changes.transaction.removeLock(token);
  });
  return respond(204);
}
