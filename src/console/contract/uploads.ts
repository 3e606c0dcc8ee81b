import { type Declarations, raw } from './declaration.js';

const RESUMABLE = { 'Tus-Resumable': '`1.0.0`.' } as const;
const OFFSET = { 'Upload-Offset': 'How many bytes have come.' } as const;
const NOT_FOUND = { 404: '`no-such-drive`, `not-found`.' } as const;

/** Uploads that go on where they broke off: TUS 1.0.0. */
export const uploadContract = {
  'POST /api/drives/:id/uploads': {
    access: 'user',
    summary: 'Begins a resumable upload (TUS 1.0.0). A taken name is overwritten.',
    headers: {
      ...RESUMABLE,
      'Upload-Length': 'The size of the file.',
      'Upload-Metadata':
        'Values in base64 of UTF-8. path: the folder; filename, with folders before it that are made; mtime, in Unix ' +
        'seconds; mayRename: a taken name becomes `name (2)`.',
      'If-None-Match': '`*`: a taken name is refused.',
    },
    bytes: 'application/offset+octet-stream',
    answer: raw({
      201: {
        description: 'The upload, or the whole file where all of its bytes came along.',
        mediaType: null,
        headers: { Location: 'Where the upload goes on, by HEAD, PATCH and DELETE.', ...OFFSET },
      },
    }),
    refusals: { ...NOT_FOUND, 403: '`forbidden`.', 412: '`changed`: the name is taken.', 507: '`drive-full`.' },
  },
  'HEAD /api/drives/:id/uploads/:name': {
    access: 'user',
    summary: 'How much of an upload has come.',
    headers: RESUMABLE,
    answer: raw({
      200: {
        description: 'How far it is.',
        mediaType: null,
        headers: { ...OFFSET, 'Upload-Length': 'The size of the file.', 'Upload-Metadata': 'As it was given.' },
      },
    }),
    refusals: NOT_FOUND,
  },
  'PATCH /api/drives/:id/uploads/:name': {
    access: 'user',
    summary: 'The next bytes of an upload; the last one makes the file.',
    headers: { ...RESUMABLE, 'Upload-Offset': 'Where these bytes belong.' },
    bytes: 'application/offset+octet-stream',
    answer: raw({ 204: { description: 'They are kept.', mediaType: null, headers: OFFSET } }),
    refusals: { ...NOT_FOUND, 409: '`refused`: the upload goes on at another byte.', 507: '`drive-full`.' },
  },
  'DELETE /api/drives/:id/uploads/:name': {
    access: 'user',
    summary: 'Gives an upload up.',
    headers: RESUMABLE,
    answer: raw({ 204: { description: 'Its bytes are gone; a file that it became stays.', mediaType: null } }),
    refusals: NOT_FOUND,
  },
} as const satisfies Declarations;
