import { randomBytes } from 'node:crypto';
import type { DrivePath } from '../../drive/names.js';
import type { Appended } from '../../drive/uploads/append.js';
import { HttpError } from '../../http-error.js';
import type { UploadRow } from '../../stores/uploads.js';
import { requiredByteCountIn } from '../headers/header-value.js';
import { parseOcMtime } from '../headers/mtime.js';
import {
  checkTusContentType,
  checkTusVersion,
  parseMetadataChecksum,
  parseMetadataMtime,
  parseUploadMetadata,
} from '../headers/tus.js';
import { type DavResponse, headerOf, respond } from '../request.js';
import { append, appendedHeaders } from './tus-resource.js';
import { conditionsOf, type TusRequest, type TusTarget, wishOf } from './tus-target.js';

export interface TusPost extends TusRequest {
  /** To which conditions are relative. */
  readonly url: string;
}

/** What a door makes of `Upload-Metadata`. */
export interface TusPlace {
  readonly path: DrivePath;
  /** Sent back as the upload's metadata; as it came, where it isn't said. */
  readonly metadata?: string;
  /** Further conditions, as headers. */
  readonly conditions?: Readonly<Record<string, string>>;
}

/**
 * Begins a resumable upload (TUS 1.0.0, extensions "creation" and "creation-with-upload") of a file whose place `choose`
 * reads off the metadata. `address`: where those of uploads begin, absolute.
 */
export async function beginUpload(
  request: TusPost,
  address: string,
  choose: (metadata: ReadonlyMap<string, string>) => Promise<TusPlace>,
): Promise<DavResponse> {
  const { headers, body, drive } = request;
  checkTusVersion(headers);
  if (headers['upload-defer-length'] !== undefined || headers['upload-concat'] !== undefined) {
    throw new HttpError(400, 'The length of an upload has to be known when it begins, and it comes in one piece.');
  }
  const size = requiredByteCountIn(headers, 'upload-length');
  if (body.size !== 0) checkTusContentType(headers);
  const target = await readTarget(request, choose);
  const { permit } = await wishOf(request, target);
  const announced = { name: randomBytes(16).toString('hex'), size, target: JSON.stringify(target) };
  const upload = await drive.uploads.begin(announced, target.path, permit);
  const begun = size === 0 || body.size !== 0 ? await takeBody(request, upload) : { upload, written: null };
  // Absolute: rclone 1.7x takes scheme and host from it.
  return respond(201, { Location: address + upload.name, ...appendedHeaders(drive, begun) });
}

async function readTarget(
  request: TusPost,
  choose: (metadata: ReadonlyMap<string, string>) => Promise<TusPlace>,
): Promise<TusTarget> {
  const text = headerOf(request, 'upload-metadata') ?? '';
  const metadata = parseUploadMetadata(text);
  if (!/[^/]/.test(metadata.get('filename') ?? '')) throw new HttpError(400, 'Upload-Metadata has no filename.');
  const { path, metadata: kept = text, conditions = {} } = await choose(metadata);
  return {
    path,
    // rclone's X-OC-Mtime and OC-Checksum are those of the file that is replaced; the metadata knows better.
    modified: parseMetadataMtime(metadata.get('mtime')) ?? parseOcMtime(headerOf(request, 'x-oc-mtime')),
    digests: parseMetadataChecksum(metadata.get('checksum')),
    metadata: kept,
    conditions: { ...conditionsOf(request.headers), ...conditions },
    url: request.url,
  };
}

/** An upload whose first bytes are refused is of no use to a client that doesn't know its address. */
async function takeBody(request: TusRequest, upload: UploadRow): Promise<Appended> {
  const { uploads } = request.drive;
  try {
    return await uploads.alone(upload, () => append(request, upload));
  } catch (error) {
    await uploads.giveUp(upload);
    throw error;
  }
}
