import { seededBytes } from '../../support/trees.js';
import { propfind } from './bodies.js';
import { href, isCollection, lists, props, RFC1123 } from './checks.js';
import { chunked, isMissing, reads } from './steps.js';
import type { Transcript } from './transcript.js';

const XML = { 'Content-Type': 'text/xml; charset=utf-8' };
const DATABASE = '{B}/a+b.kdbx';
const TEMPORARY = '{B}/a+b.kdbx.tmp.0a1b.kdbx';
const CONTENT = seededBytes('kp2a', 70_000);

/** client-requirements 4.9. A folder is known by the slash at the end of its href; `+` in hrefs becomes a space. */
export const keepass2android: Transcript = {
  client: 'Keepass2Android',
  section: '4.9',
  signsIn: 'challenged',
  headers: { 'User-Agent': 'okhttp/4.10.0' },
  files: { 'a+b.kdbx': 'old', 'folder/': '', 'folder%20(2)/': '' },
  rows: [
    {
      row: '1',
      rule: 'folders end with a slash, a plus is encoded, parentheses aren’t',
      proves: ['R18', 'R21'],
      steps: [
        {
          method: 'PROPFIND',
          path: '{B}/',
          headers: { ...XML, Depth: '1' },
          body: propfind('displayname', 'getlastmodified', 'getcontentlength'),
          accept: [207],
          checks: [
            lists('a+b.kdbx', 'folder', 'folder (2)'),
            href('{B}/a%2Bb.kdbx', 'a+b.kdbx'),
            href('{B}/folder/', 'folder'),
            href('{B}/folder%20(2)/', 'folder (2)'),
            props({ displayname: 'a+b.kdbx', getlastmodified: RFC1123, getcontentlength: '3' }, 'a+b.kdbx'),
            props({ getcontentlength: null }, 'folder'),
          ],
        },
      ],
    },
    {
      row: '2',
      rule: 'PUT of the temporary file, in chunks',
      proves: ['R2', 'R28'],
      steps: [{ method: 'PUT', path: TEMPORARY, body: chunked(CONTENT), accept: [201] }],
    },
    {
      row: '3',
      rule: 'PROPFIND of the target shows a file',
      proves: ['R21'],
      steps: [
        {
          method: 'PROPFIND',
          path: DATABASE,
          headers: { ...XML, Depth: '0' },
          body: propfind('resourcetype'),
          accept: [207],
          checks: [isCollection(false)],
        },
      ],
    },
    {
      row: '4',
      rule: 'DELETE of the target',
      proves: ['R14'],
      steps: [{ method: 'DELETE', path: DATABASE, accept: [204] }],
    },
    {
      row: '5',
      rule: 'MOVE puts the temporary file in its place',
      proves: ['R14', 'R15'],
      steps: [
        { method: 'MOVE', path: TEMPORARY, headers: { Destination: `{H}${DATABASE}`, Overwrite: 'T' }, accept: [201] },
        reads(DATABASE, CONTENT),
        isMissing(TEMPORARY),
      ],
    },
  ],
};
