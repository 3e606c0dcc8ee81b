import { Readable } from 'node:stream';
import { getFile } from '../../dav/methods/get.js';
import { readResource } from '../../drive/resource.js';
import type { ConsoleParts } from '../console-parts.js';
import { downloadContract } from '../contract/files.js';
import { openDrive, readPath } from '../drive-access.js';
import { bind, type RawAnswer, type RequestTo } from '../route.js';
import { contentDisposition, safeHeaders } from '../safe-content.js';
import { filesIn } from '../zip/drive-files.js';
import { writeZip } from '../zip/write-zip.js';

export const downloadRoutes = bind(downloadContract, {
  'GET /api/drives/:id/content': (request, parts) => content(request, parts, 'GET'),
  'HEAD /api/drives/:id/content': (request, parts) => content(request, parts, 'HEAD'),
  'GET /api/drives/:id/zip': zip,
});

async function content(
  request: RequestTo<'GET /api/drives/:id/content'>,
  parts: ConsoleParts,
  method: string,
): Promise<RawAnswer> {
  const drive = await openDrive(request, parts);
  const path = readPath(drive, request.query.path);
  const url = `${request.prefix}/api/drives/${drive.membership.driveId}/content`;
  // The pages name no other resources in their conditions.
  const file = { method, url, drive, path, isFolderUrl: false, locate: async () => null };
  const { status, headers, body } = await getFile({ ...file, headers: request.headers });
  const safe = safeHeaders(path.at(-1) ?? '', request.query.download === '1');
  // Of several parts the type says how they are told apart.
  const isMultipart = headers['Content-Type']?.startsWith('multipart/byteranges') === true;
  if (isMultipart || status === 304) delete safe['Content-Type'];
  return { status, headers: { ...headers, ...safe }, body };
}

async function zip(request: RequestTo<'GET /api/drives/:id/zip'>, parts: ConsoleParts): Promise<RawAnswer> {
  const drive = await openDrive(request, parts);
  const paths = request.query.path.map((text) => readPath(drive, text));
  const tops = await drive.read(async (snapshot) => {
    const resources = [];
    for (const path of paths) resources.push(readResource(await snapshot.find(path)));
    return resources;
  });
  const name = tops.length === 1 ? tops[0]!.name : drive.membership.driveName;
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/zip',
      'Content-Disposition': contentDisposition(`${name}.zip`, 'attachment'),
      'Content-Security-Policy': "sandbox; default-src 'none'",
    },
    body: Readable.from(writeZip(filesIn(drive, tops)), { objectMode: false }),
  };
}
