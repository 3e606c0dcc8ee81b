import { propfind } from './bodies.js';
import { isCollection, lists, props, RFC1123, STRONG_ETAG } from './checks.js';
import { isMissing, isThere, reads } from './steps.js';
import type { Step, Transcript } from './transcript.js';

const XML = { 'Content-Type': 'text/xml; charset=utf-8' };
const LISTING = propfind(
  'creationdate',
  'getcontentlength',
  'displayname',
  'source',
  'getcontentlanguage',
  'getcontenttype',
  'getlastmodified',
  'getetag',
  'supportedlock',
  'lockdiscovery',
  'resourcetype',
  'quota-available-bytes',
  'quota-used-bytes',
);
/** With the user's name and password in it. */
const HERE = '://alice:{password}@{host}{B}';

const stat = (path: string, accept: number, rest: Partial<Step> = {}): Step => ({
  method: 'PROPFIND',
  path,
  headers: { ...XML, Depth: '0' },
  body: LISTING,
  accept: [accept],
  ...rest,
});

const move = (from: string, destination: string, accept: number, rest: Step['headers'] = {}): Step => ({
  method: 'MOVE',
  path: from,
  headers: { Destination: destination, Depth: 'infinity', Overwrite: 'F', ...rest },
  accept: [accept],
});

/** client-requirements 2.4, Dolphin's KIO: each request goes out twice, bodies too, on one connection. */
export const kio: Transcript = {
  client: 'KIO (Dolphin)',
  section: '2.4',
  signsIn: 'challenged',
  headers: {
    'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) KIO/5.103 kioworker/5.103.0',
    'Cache-control': 'max-age=0',
  },
  files: { 'a.txt': 'a', 'folder/': '', 'folder/b.txt': 'b' },
  rows: [
    {
      row: '1',
      rule: 'a folder is listed without a slash, with the properties that KIO names',
      proves: ['R2', 'R17', 'R22'],
      steps: [
        stat('{B}', 207, { checks: [isCollection(true)] }),
        {
          method: 'PROPFIND',
          path: '{B}',
          headers: { ...XML, Depth: '1' },
          body: LISTING,
          accept: [207],
          checks: [
            lists('a.txt', 'folder'),
            isCollection(true, 'folder'),
            props(
              { getetag: STRONG_ETAG, getlastmodified: RFC1123, displayname: 'a.txt', getcontentlength: '1' },
              'a.txt',
            ),
          ],
        },
      ],
    },
    {
      row: '2',
      rule: 'PUT goes out twice with its whole body, and is stored once',
      proves: ['R2', 'R12', 'R36'],
      steps: [
        stat('{B}/new.txt', 404),
        { method: 'PUT', path: '{B}/new.txt', body: 'x'.repeat(100_000), accept: [201] },
        reads('{B}/new.txt', 'x'.repeat(100_000)),
      ],
    },
    {
      row: '3',
      rule: 'MKCOL without a slash is 201, and 405 where the folder is',
      proves: ['R17', 'R26'],
      steps: [
        { method: 'MKCOL', path: '{B}/made', accept: [201] },
        { method: 'MKCOL', path: '{B}/made', accept: [405] },
      ],
    },
    {
      row: '4',
      rule: 'Destination with user and password in it, and with KIO’s own schemes',
      proves: ['R14', 'R15'],
      steps: [
        move('{B}/new.txt', `http${HERE}/1.txt`, 201),
        move('{B}/1.txt', `https${HERE}/2.txt`, 201),
        move('{B}/2.txt', `webdav${HERE}/3.txt`, 201),
        move('{B}/3.txt', `webdavs${HERE}/4.txt`, 201),
        isThere('{B}/4.txt'),
        {
          method: 'COPY',
          path: '{B}/folder',
          headers: { Destination: `webdav${HERE}/made/copy`, Depth: 'infinity', Overwrite: 'F' },
          accept: [201],
        },
        reads('{B}/made/copy/b.txt', 'b'),
      ],
    },
    {
      row: '5',
      rule: 'a file that is there stays, unless it is to be replaced',
      proves: ['R16'],
      steps: [
        move('{B}/4.txt', `webdav${HERE}/a.txt`, 412),
        reads('{B}/a.txt', 'a'),
        move('{B}/4.txt', `webdav${HERE}/a.txt`, 204, { Overwrite: 'T' }),
      ],
    },
    {
      row: '6',
      rule: 'a Destination without the file’s name destroys nothing',
      proves: ['R15', 'R16'],
      steps: [
        move('{B}/a.txt', `webdav${HERE}/`, 412),
        // Replacing the folder that it is in is refused whatever Overwrite says.
        move('{B}/a.txt', `webdav${HERE}/`, 403, { Overwrite: 'T' }),
        isThere('{B}/a.txt'),
        reads('{B}/folder/b.txt', 'b'),
      ],
    },
    {
      row: '7',
      rule: 'DELETE of a folder without a slash',
      proves: ['R14', 'R17'],
      steps: [
        { method: 'DELETE', path: '{B}/made', accept: [204] },
        isMissing('{B}/made'),
        { method: 'DELETE', path: '{B}/a.txt', accept: [204] },
      ],
    },
  ],
};
