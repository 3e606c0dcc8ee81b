import { z } from 'zod';
import { created, type Declarations, json, type MessageOf, raw } from './declaration.js';
import { count, time } from './values.js';

/** Paths that one transaction deletes or restores, all of them or none, and that one ZIP file is made of. */
const PATHS_MAX = 1000;
const NAME_LENGTH_MAX = 255;

const path = z.string().default('').describe('From the drive’s root, as the user sees it. Empty: the root.');

export type FileEntry = MessageOf<typeof fileEntry>;
export const fileEntry = z
  .strictObject({
    path: z.string().describe('From the drive’s root, as the user sees it: `/Firn/photos/sea.jpg`.'),
    name: z.string(),
    isFolder: z.boolean(),
    size: count,
    modifiedAt: time,
    etag: z.string(),
    contentType: z.string().nullable(),
    mayChange: z.boolean(),
    mayAdd: z.boolean(),
    trash: z
      .strictObject({ originalPath: z.string(), deletedAt: time, deletedBy: z.string().nullable() })
      .nullable()
      .describe('Of what lies in the trash.'),
  })
  .meta({ id: 'File' });

export type FilesAnswer = MessageOf<typeof filesAnswer>;
const filesAnswer = z
  .strictObject({
    folder: fileEntry,
    members: z.array(fileEntry),
    next: z.string().nullable().describe('To be sent as `after` for the next page; null: this was the last.'),
    total: count.nullable().describe('How many members there are in all, where that is known.'),
  })
  .meta({ id: 'Files' });

export type PathsAnswer = MessageOf<typeof pathsAnswer>;
const pathsAnswer = z
  .strictObject({ paths: z.array(z.string()).describe('Where things are now.') })
  .meta({ id: 'Paths' });

const LIMIT = 'The limit must be a number from 1 on.';
const NO_NAME = 'Type a part of the name that you look for.';
const NO_PAGE = 'There is no such page.';

const folderBody = z.strictObject({ path: z.string().min(1) });

export const fileContract = {
  'GET /api/drives/:id/files': {
    access: 'user',
    summary: 'A folder and one page of what is in it, by name.',
    query: z.object({
      path,
      after: z.string().optional().describe('The `next` of the page before.'),
      limit: z
        .string()
        .regex(/^[1-9]\d{0,5}$/, LIMIT)
        .transform(Number)
        .optional()
        .describe('Members of the page at most: 200 without it, never more than 1000.'),
    }),
    answer: json(filesAnswer, 'The folder, with a page of its members.'),
    refusals: { 404: '`no-such-drive`, `not-found`.' },
  },
  'GET /api/drives/:id/search': {
    access: 'user',
    summary: 'Files and folders whose name holds a text. A page may be empty and yet have a next one.',
    query: z.object({
      name: z.string({ error: NO_NAME }).min(1, NO_NAME).max(NAME_LENGTH_MAX, NO_NAME).describe('Part of the name.'),
      after: z
        .string()
        .regex(/^\d{1,15}-\d{1,15}$/, NO_PAGE)
        .optional()
        .describe('The `next` of the page before.'),
    }),
    answer: json(filesAnswer, 'The drive’s root, with a page of what was found as its members.'),
    refusals: { 404: '`no-such-drive`.' },
  },
  'POST /api/drives/:id/folders': {
    access: 'user',
    summary: 'Makes a folder, and those above it that are missing.',
    body: folderBody,
    answer: created(pathsAnswer, 'The folder’s path.'),
    refusals: { 403: '`forbidden`.', 404: '`no-such-drive`.', 409: '`exists`.' },
  },
} as const satisfies Declarations;

export type TransferBody = MessageOf<typeof transferBody>;
const transferBody = z.strictObject({
  from: z.string().min(1),
  to: z.string().min(1),
  mayRename: z.boolean().optional().describe('Where the name is taken: `name (2)` instead of a refusal.'),
});

export type DeleteBody = MessageOf<typeof pathsBody>;
const pathsBody = z.strictObject({ paths: z.array(z.string()).min(1).max(PATHS_MAX) });

const CHANGE_REFUSALS = {
  403: '`forbidden`.',
  404: '`no-such-drive`, `not-found`.',
  409: '`exists`, `parent-missing`, `into-itself`.',
  423: '`locked`.',
  507: '`drive-full`.',
} as const;

export const transferContract = {
  'POST /api/drives/:id/move': {
    access: 'user',
    summary: 'Moves or renames a file or folder.',
    body: transferBody,
    answer: json(pathsAnswer, 'Its new path.'),
    refusals: CHANGE_REFUSALS,
  },
  'POST /api/drives/:id/copy': {
    access: 'user',
    summary: 'Copies a file or folder.',
    body: transferBody,
    answer: json(pathsAnswer, 'The copy’s path.'),
    refusals: CHANGE_REFUSALS,
  },
  'POST /api/drives/:id/delete': {
    access: 'user',
    summary: 'Moves files and folders into the trash, all or none; what is in the trash goes for good.',
    body: pathsBody,
    answer: json(pathsAnswer, 'Their paths in the trash.'),
    refusals: { 403: '`forbidden`.', 404: '`no-such-drive`, `not-found`.', 423: '`locked`.' },
  },
} as const satisfies Declarations;

export type TrashEmptiedAnswer = MessageOf<typeof trashEmptiedAnswer>;
const trashEmptiedAnswer = z
  .strictObject({
    removed: count.describe('How many files and folders, each with what was in it, are gone for good.'),
  })
  .meta({ id: 'TrashEmptied' });

export const trashContract = {
  'POST /api/drives/:id/trash/restore': {
    access: 'user',
    summary: 'Takes deleted files and folders back to where they were, all or none.',
    body: pathsBody,
    answer: json(pathsAnswer, 'Where they are now: where they were, or at `name (2)`.'),
    refusals: { 403: '`forbidden`.', 404: '`no-such-drive`, `not-found`.' },
  },
  'DELETE /api/drives/:id/trash': {
    access: 'user',
    summary: "Deletes what lies in the trash for good: one's own, and what members share.",
    answer: json(trashEmptiedAnswer, 'It is empty.'),
    refusals: { 403: '`forbidden`.', 404: '`no-such-drive`.' },
  },
} as const satisfies Declarations;

const contentQuery = z.object({
  path,
  download: z.string().optional().describe('`1`: to be saved rather than shown.'),
});
const CONTENT_TYPE = '*/*';
const CHOICE = `Choose 1 to ${PATHS_MAX} files and folders.`;

export const downloadContract = {
  'GET /api/drives/:id/content': {
    access: 'user',
    summary: "A file's bytes, or some of them.",
    query: contentQuery,
    headers: { Range: 'As RFC 9110 has it.', 'If-None-Match': 'The `ETag` of a copy that is kept.' },
    answer: raw({
      200: { description: 'All bytes.', mediaType: CONTENT_TYPE, headers: { ETag: 'Another one for other bytes.' } },
      206: { description: 'Those of `Range`.', mediaType: CONTENT_TYPE },
      304: { description: 'The copy that is kept is the one of now.', mediaType: null },
    }),
    refusals: { 404: '`no-such-drive`, `not-found`.', 409: '`is-a-collection`.' },
  },
  'HEAD /api/drives/:id/content': {
    access: 'user',
    summary: "What GET says of a file's bytes, without them.",
    query: contentQuery,
    answer: raw({ 200: { description: 'The headers of GET.', mediaType: null } }),
    refusals: { 404: '`no-such-drive`, `not-found`.', 409: '`is-a-collection`.' },
  },
  'GET /api/drives/:id/zip': {
    access: 'user',
    summary: 'Files and folders as one ZIP file.',
    query: z.object({
      path: z.array(z.string()).min(1, CHOICE).max(PATHS_MAX, CHOICE).describe('Several times: what goes into it.'),
    }),
    answer: raw({ 200: { description: 'The ZIP file, made while it is sent.', mediaType: 'application/zip' } }),
    refusals: { 404: '`no-such-drive`, `not-found`.' },
  },
} as const satisfies Declarations;
