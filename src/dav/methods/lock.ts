import type { DrivePath } from '../../drive/names.js';
import type { Permit } from '../../drive/permit.js';
import { checkMayAdd } from '../../drive/rights.js';
import { HttpError } from '../../http-error.js';
import type { LockRow } from '../../stores/metadata-store.js';
import type { LockToken } from '../../stores/values.js';
import { readPermit } from '../conditions.js';
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
  const permit = await readPermit(request);
  if (body === null || isBlankBody(body)) return refresh(request, permit, timeoutSeconds);
  const { scope, ownerXml } = parseLockInfo(body, headerOf(request, 'content-type'));
  const wanted = { scope, ownerXml, timeoutSeconds, isDeep: depth === 'infinity' };
  const made = await request.drive.lock(request.path, wanted, permit);
  const text = renderLock(request, { ...made, ...made.resource });
  return respond(
    made.isNew ? 201 : 200,
    { 'Lock-Token': `<${made.lock.token}>`, 'Content-Type': 'application/xml; charset=utf-8' },
    text,
  );
}

async function refresh(request: DavRequest, permit: Permit, timeoutSeconds: number): Promise<DavResponse> {
  if (permit.tokens.size === 0) {
    throw new HttpError(400, 'A LOCK needs a body, or an If header that names the lock to refresh.');
  }
  const refreshed = await request.drive.refreshLock(request.path, timeoutSeconds, permit);
  if (!refreshed) {
    throw new HttpError(412, 'There is no such lock of yours here: it has ended. Lock it again.', {
      condition: 'lock-token-matches-request-uri',
    });
  }
  const text = renderLock(request, refreshed);
  return respond(200, { 'Content-Type': 'application/xml; charset=utf-8' }, text);
}

function renderLock(
  request: DavRequest,
  { lock, path, isCollection }: { lock: LockRow; path: DrivePath; isCollection: boolean },
): string {
  const active = renderActiveLock(lock, hrefOf(request, path, isCollection), request.drive.now());
  return `${PROP_OPEN}<D:lockdiscovery>${active}</D:lockdiscovery>${PROP_CLOSE}`;
}

/** UNLOCK, RFC 4918 §9.11. A manager of the drive may take away anybody's lock. */
export async function unlock(request: DavRequest): Promise<DavResponse> {
  const token = parseLockToken(headerOf(request, 'lock-token')) as LockToken;
  const wasThere = await request.drive.unlock(request.path, token, await readPermit(request));
  if (!wasThere) {
    throw new HttpError(409, 'There is no such lock here: it has ended, or is on something else.', {
      condition: 'lock-token-matches-request-uri',
    });
  }
  return respond(204);
}
