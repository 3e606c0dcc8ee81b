import { Readable } from 'node:stream';
import { getFile } from '../../dav/methods/get.js';
import { readResource } from '../../drive/resource.js';
import { ConsoleError } from '../console-error.js';
import type { ConsoleParts } from '../console-parts.js';
import { asDavRequest } from '../dav-request.js';
import { openDrive, readPath } from '../drive-access.js';
import { type ConsoleAnswer, type ConsoleRequest, type Route, route } from '../route.js';
import { contentDisposition, safeHeaders } from '../safe-content.js';
import { filesIn } from '../zip/drive-files.js';
import { writeZip } from '../zip/write-zip.js';

/** Paths that one ZIP file is made of; they are in the address, which has a length. */
const PATHS_MAX = 1000;

export const downloadRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/drives/:id/content',
    access: 'user',
    summary: "A file's bytes, or some of them: path; download=1 to save it.",
    run: (request, parts) => content(request, parts, 'GET'),
  }),
  route({
    method: 'HEAD',
    path: '/api/drives/:id/content',
    access: 'user',
    summary: "What GET says of a file's bytes, without them.",
    run: (request, parts) => content(request, parts, 'HEAD'),
  }),
  route({
    method: 'GET',
    path: '/api/drives/:id/zip',
    access: 'user',
    summary: 'Files and folders as one ZIP file: path, several times.',
    run: zip,
  }),
];

async function content(request: ConsoleRequest, parts: ConsoleParts, method: string): Promise<ConsoleAnswer> {
  const drive = await openDrive(request, parts);
  const path = readPath(drive, request.query.get('path') ?? '');
  const { status, headers, body } = await getFile(asDavRequest(request, method, drive, path));
  const safe = safeHeaders(path.at(-1) ?? '', request.query.get('download') === '1');
  // Of several parts the type says how they are told apart.
  const isMultipart = headers['Content-Type']?.startsWith('multipart/byteranges') === true;
  if (isMultipart || status === 304) delete safe['Content-Type'];
  return { status, headers: { ...headers, ...safe }, body };
}

async function zip(request: ConsoleRequest, parts: ConsoleParts): Promise<ConsoleAnswer> {
  const drive = await openDrive(request, parts);
  const paths = request.query.getAll('path').map((text) => readPath(drive, text));
  if (paths.length === 0 || paths.length > PATHS_MAX) {
    throw new ConsoleError(400, 'invalid-input', `Choose 1 to ${PATHS_MAX} files and folders.`, { field: 'path' });
  }
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
