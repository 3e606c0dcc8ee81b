import { seededBytes } from '../../support/trees.js';
import { ALLPROP, propfind } from './bodies.js';
import { completeEntries, header, isCollection, lists, props } from './checks.js';
import { chunked, isThere, reads } from './steps.js';
import type { Transcript } from './transcript.js';

const XML = { 'Content-Type': 'application/xml; charset=utf-8' };
const CONTENT = seededBytes('foldersync', 150_000);
const TREE = ['a.txt', 'folder', 'b.txt', 'deeper', 'c.txt'];

/**
 * client-requirements 4.15: FolderSync, and PDF Expert, AuthPass, Floccus, GoodReader and Seedvault where they ask for
 * more.
 */
export const foldersyncIos: Transcript = {
  client: 'FolderSync and iOS apps',
  section: '4.15',
  signsIn: 'challenged',
  headers: { 'User-Agent': 'okhttp/4.12.0' },
  files: { 'a.txt': 'a', 'folder/': '', 'folder/b.txt': 'b', 'folder/deeper/': '', 'folder/deeper/c.txt': 'c' },
  rows: [
    {
      row: '1',
      rule: 'PROPFIND without Depth, and with infinity, shows the whole tree, folders as such',
      proves: ['R22', 'R24'],
      steps: [null, 'infinity'].map((depth) => ({
        method: 'PROPFIND',
        path: '{B}/',
        headers: { ...XML, Depth: depth },
        body: ALLPROP,
        accept: [207],
        checks: [
          completeEntries,
          lists(...TREE),
          isCollection(true, 'folder'),
          isCollection(true, 'deeper'),
          isCollection(false, 'c.txt'),
        ],
      })),
    },
    {
      row: '2',
      rule: 'PUT in chunks; the time that is sent is the time that is shown',
      proves: ['R9', 'R28'],
      steps: [
        {
          method: 'PUT',
          path: '{B}/up.bin',
          headers: { 'X-OC-Mtime': '1577872800' },
          body: chunked(CONTENT),
          accept: [201],
          checks: [header('X-OC-MTime', 'accepted')],
        },
        reads('{B}/up.bin', CONTENT),
        {
          method: 'PROPFIND',
          path: '{B}/up.bin',
          headers: { ...XML, Depth: '0' },
          body: propfind('getlastmodified', 'getcontentlength'),
          accept: [207],
          checks: [props({ getlastmodified: 'Wed, 01 Jan 2020 10:00:00 GMT', getcontentlength: '150000' })],
        },
      ],
    },
    {
      row: '3',
      rule: 'MKCOL without a slash, and with a blank body',
      proves: ['R17', 'R26'],
      steps: [
        { method: 'MKCOL', path: '{B}/new', accept: [201] },
        isThere('{B}/new/'),
        { method: 'MKCOL', path: '{B}/new', accept: [405] },
        { method: 'MKCOL', path: '{B}/blank', body: ' \n', accept: [201] },
        { method: 'MKCOL', path: '{B}/body', headers: { 'Content-Type': 'text/plain' }, body: 'a body', accept: [415] },
      ],
    },
    {
      row: '4',
      rule: 'a client that would rather speak HTTP/2 uploads without a length all the same',
      proves: ['R28'],
      steps: [
        { method: 'PUT', path: '{B}/h2.bin', prefersHttp2: true, body: chunked(CONTENT), accept: [201] },
        reads('{B}/h2.bin', CONTENT),
      ],
    },
    {
      row: '5',
      rule: 'the lock file of Floccus is made once, and read as 404 when it is gone',
      proves: ['R26', 'R27'],
      steps: [
        { method: 'PUT', path: '{B}/bookmarks.xbel.lock', body: '{}', accept: [201] },
        {
          method: 'PUT',
          path: '{B}/bookmarks.xbel.lock',
          headers: { 'If-None-Match': '*' },
          body: '{}',
          accept: [412],
        },
        { method: 'DELETE', path: '{B}/bookmarks.xbel.lock', accept: [204] },
        { method: 'HEAD', path: '{B}/bookmarks.xbel.lock', accept: [404] },
      ],
    },
  ],
};
