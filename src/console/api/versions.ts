import { formatHttpDate } from '../../dav/headers/http-date.js';
import type { Version } from '../../drive/past/versions.js';
import { NO_TOKENS } from '../../drive/permit.js';
import type { ConsoleParts } from '../console-parts.js';
import { type VersionEntry, type VersionsAnswer, versionContract } from '../contract/versions.js';
import { openDrive, readPath } from '../drive-access.js';
import { describeFile, namesFor } from '../file-facts.js';
import { bind, ok, type RawAnswer, type RequestTo } from '../route.js';
import { safeHeaders } from '../safe-content.js';
import { isoTime, isoTimeOrNull } from '../times.js';

export const versionRoutes = bind(versionContract, {
  'GET /api/drives/:id/files/versions': list,
  'GET /api/drives/:id/files/versions/content': content,
  'POST /api/drives/:id/restore-version': restore,
});

async function list(request: RequestTo<'GET /api/drives/:id/files/versions'>, parts: ConsoleParts) {
  const { path, before = null } = request.query;
  const drive = await openDrive(request, parts);
  const { versions, next } = await drive.versions(readPath(drive, path), before);
  return ok({ versions: versions.map(describe), next } satisfies VersionsAnswer);
}

function describe({ id, modified, from, until, ...facts }: Version): VersionEntry {
  return {
    ...{ version: id, name: facts.name, size: facts.size, modifiedAt: isoTime(modified) },
    ...{ from: from === 0 ? null : isoTime(from), until: isoTimeOrNull(until) },
    ...{ by: facts.by, appPassword: facts.appPassword, etag: facts.etag },
  };
}

async function content(
  request: RequestTo<'GET /api/drives/:id/files/versions/content'>,
  parts: ConsoleParts,
): Promise<RawAnswer> {
  const { path, version } = request.query;
  const drive = await openDrive(request, parts);
  const { resource, content } = await drive.openVersion(readPath(drive, path), version);
  return {
    status: 200,
    headers: {
      ETag: resource.etag,
      'Last-Modified': formatHttpDate(resource.modified),
      'Cache-Control': 'private, no-cache',
      'Content-Length': String(content.size),
      ...safeHeaders(resource.name, true),
    },
    body: content.size === 0 ? null : await drive.open(content),
  };
}

async function restore(request: RequestTo<'POST /api/drives/:id/restore-version'>, parts: ConsoleParts) {
  const { path, version } = request.body;
  const drive = await openDrive(request, parts);
  const file = await drive.restoreVersion(readPath(drive, path), version, NO_TOKENS);
  return ok(describeFile(drive, file, await namesFor([file], drive, parts)));
}
