import { parseAnnouncedDigests } from '../dav/headers/digests.js';
import { parseOverwrite } from '../dav/headers/overwrite.js';
import { destinationOf } from '../dav/methods/transfer.js';
import { type DavRequest, type DavResponse, headerOf } from '../dav/request.js';
import { answerWritten, readFileWish } from '../dav/written-file.js';
import type { DrivePath } from '../drive/names.js';
import type { Permit } from '../drive/permit.js';
import type { Finish } from '../drive/uploads/finish-upload.js';
import type { FileWish } from '../drive/write-file.js';
import { HttpError } from '../http-error.js';
import type { UploadRow } from '../stores/uploads.js';
import { announcedWhole } from './upload-folder.js';

/** What stands for the whole file in the folder of its parts. */
const WHOLE = '.file';

/**
 * MOVE of `.file` out of the folder of an upload: the file is made of its parts, the folder is gone. Conditions speak of the
 * destination (Nextcloud and ownCloud desktop: `If: <destination> (["etag"])`). Whatever is refused, the parts stay; a
 * second MOVE meanwhile gets 423, for which rclone waits, and 404 afterwards, which it takes for success.
 */
export async function finishByMove(request: DavRequest, name: string, source: string): Promise<DavResponse> {
  if (source !== WHOLE) throw new HttpError(404, `What is moved out of an upload is ${WHOLE}, the whole file.`);
  await awaitEnd(request);
  const mayOverwrite = parseOverwrite(headerOf(request, 'overwrite'));
  const digests = parseAnnouncedDigests(request.headers);
  const whole = announcedWhole(request);
  const path = await destination(request);
  const wish = await readFileWish(request);
  const upload = await request.drive.read((snapshot) => request.drive.uploads.find(snapshot, name, 'in-parts'));
  const expected = { size: whole, digests };
  return finishUpload(request, upload, path, { ...(mayOverwrite ? wish : onlyNew(wish)), expected });
}

/** Makes the file of the parts. Whatever is refused, the parts stay. */
export async function finishUpload(
  request: DavRequest,
  upload: UploadRow,
  path: DrivePath,
  wish: Finish,
): Promise<DavResponse> {
  const { uploads } = request.drive;
  const written = await uploads.alone(upload, () => uploads.finish(upload, path, wish));
  return answerWritten(request, written, wish);
}

/** The silence while a file is put together is ours: the connection must not end over it. */
async function awaitEnd({ body }: DavRequest): Promise<void> {
  for await (const _ of body.chunks()) throw new HttpError(415, 'The MOVE of an upload takes no body.');
}

async function destination(request: DavRequest): Promise<DrivePath> {
  const { drive, path } = await destinationOf(request);
  if (drive.membership.driveId === request.drive.membership.driveId) return path;
  throw new HttpError(409, 'An upload ends on the drive on which it has begun.');
}

function onlyNew(wish: FileWish): FileWish {
  const check: Permit['check'] = async (snapshot, found) => {
    if (found.resource) throw new HttpError(412, 'There is a file of that name already.');
    await wish.permit.check?.(snapshot, found);
  };
  return { ...wish, permit: { ...wish.permit, check } };
}
