import { ALLPROP, lockinfo, WIN32, win32, XML_TYPE } from './bodies.js';
import {
  allSet,
  body,
  completeEntries,
  header,
  isCollection,
  lists,
  locked,
  props,
  quick,
  smallerThan,
} from './checks.js';
import type { Row, Step, Transcript } from './transcript.js';

const FILE = '{B}/Docs/a%20%c3%bc.txt';
const DATE = 'Wed, 01 Jan 2020 10:00:00 GMT';
const NOW = 'Sun, 22 Nov 2026 19:14:25 GMT';
const OWNER = '<D:href>PC\\alice</D:href>';
const TYPE = { 'Content-Type': XML_TYPE };
const IF_TOKEN = { If: '(<{token}>)' };
const DATA = 'written by Explorer\r\n';

/** A name of 200 characters that is too long in UTF-8, and a chain of folders whose path has 4 kB. */
const CJK = encodeURIComponent('漢'.repeat(200));
const DEEP = Array.from({ length: 20 }, (_, depth) => `/${'d'.repeat(199)}`.repeat(depth + 1));

const lock = (rest: Partial<Step> = {}): Step => ({
  method: 'LOCK',
  path: FILE,
  headers: { ...TYPE, Timeout: 'Second-3600' },
  body: lockinfo(OWNER),
  accept: [200],
  ...rest,
});

const connecting: readonly Row[] = [
  {
    row: '1',
    rule: 'OPTIONS of the root of the host announces classes 1 and 2, and PROPFIND',
    proves: ['R1'],
    steps: [
      {
        method: 'OPTIONS',
        path: '/',
        accept: [200],
        checks: [
          header('DAV', /(^|,)\s*1\s*(,|$)/),
          header('DAV', /(^|,)\s*2\s*(,|$)/),
          header('MS-Author-Via', 'DAV'),
          header('Allow', /\bPROPFIND\b/),
        ],
      },
    ],
  },
  {
    row: '2',
    rule: 'PROPFIND of the root of the host shows a collection',
    proves: ['R19', 'R31'],
    steps: [
      {
        method: 'PROPFIND',
        path: '/',
        headers: { Depth: '0', 'Content-Length': '0' },
        accept: [207],
        checks: [isCollection(true), lists()],
      },
    ],
  },
  {
    row: '3',
    rule: 'each folder on the way answers, without a slash and without a redirect',
    proves: ['R17', 'R31'],
    steps: [
      { method: 'PROPFIND', path: '{parents}', headers: { Depth: '0' }, accept: [207], checks: [isCollection(true)] },
      {
        method: 'PROPFIND',
        path: '{B}',
        headers: { Depth: '0' },
        accept: [207],
        checks: [isCollection(true), props({ displayname: /./ })],
      },
    ],
  },
  {
    row: '4',
    rule: 'a listing has all that Explorer shows, and 1,500 entries stay below 1 MB',
    proves: ['R20', 'R22', 'R23', 'R24', 'R38'],
    steps: [
      {
        method: 'PROPFIND',
        path: '{B}',
        headers: { Depth: '1', 'Content-Length': '0' },
        accept: [207],
        checks: [completeEntries, lists('report.docx', 'Pictures')],
      },
      {
        method: 'PROPFIND',
        path: '{D}/many',
        headers: { Depth: '1', 'Content-Length': '0' },
        accept: [207],
        checks: [completeEntries, smallerThan(1_000_000)],
      },
      {
        method: 'PROPFIND',
        path: '{D}/',
        headers: { Depth: '1' },
        body: ALLPROP,
        accept: [207],
        checks: [completeEntries],
      },
    ],
  },
  {
    row: '5',
    rule: 'what Explorer probes for is quickly a 404',
    proves: ['R26', 'R32'],
    steps: ['desktop.ini', 'Thumbs.db', 'AutoRun.inf', 'folder.jpg', 'folder.gif'].map((name) => ({
      method: 'PROPFIND',
      path: `{B}/${name}`,
      headers: { Depth: '0' },
      accept: [404],
      checks: [quick()],
    })),
  },
];

const folders: readonly Row[] = [
  {
    row: '6',
    rule: 'MKCOL makes “New folder”',
    proves: ['R17'],
    steps: [{ method: 'MKCOL', path: '{B}/New%20folder', headers: { 'Content-Length': '0' }, accept: [201] }],
  },
  {
    row: '7',
    rule: 'PROPPATCH of attributes on a folder succeeds, each property',
    proves: ['R7'],
    steps: [
      {
        method: 'PROPPATCH',
        path: '{B}/New%20folder',
        headers: TYPE,
        body: win32({ Win32FileAttributes: '00000010' }),
        accept: [207],
        checks: [allSet(1)],
      },
    ],
  },
  {
    row: '8',
    rule: 'MOVE names the new folder',
    proves: ['R14', 'R15', 'R17'],
    steps: [
      {
        method: 'MOVE',
        path: '{B}/New%20folder',
        headers: { Destination: '{H}{B}/Docs', Overwrite: 'F' },
        accept: [201],
      },
      {
        method: 'PROPFIND',
        path: '{B}/Docs',
        headers: { Depth: '0' },
        accept: [207],
        checks: [props({ displayname: 'Docs' })],
      },
      { method: 'PROPFIND', path: '{B}/New%20folder', headers: { Depth: '0' }, accept: [404] },
    ],
  },
];

const writing: readonly Row[] = [
  {
    row: '9',
    rule: 'a file that is not there is 404, whatever the case of the hex digits',
    proves: ['R26'],
    steps: [FILE, '{B}/Docs/a%20%C3%BC.txt'].map((path) => ({
      method: 'PROPFIND',
      path,
      headers: { Depth: '0' },
      accept: [404],
    })),
  },
  {
    row: '10',
    rule: 'an empty PUT makes the file',
    proves: ['R12', 'R28'],
    steps: [{ method: 'PUT', path: FILE, headers: { 'Content-Length': '0' }, accept: [201] }],
  },
  {
    row: '11',
    rule: 'LOCK without Depth answers the token, the time and the owner',
    proves: ['R4'],
    steps: [
      lock({
        checks: [
          header('Lock-Token', /^<opaquelocktoken:[0-9a-f-]+>$/),
          locked({ owner: 'PC\\alice', secondsMax: 3600 }),
        ],
        captures: { token: { header: 'lock-token', match: /^<(.+)>$/ } },
      }),
    ],
  },
  {
    row: '12',
    rule: 'PROPPATCH of the four Win32 properties under the lock: each 200',
    proves: ['R6', 'R7'],
    steps: [
      {
        method: 'PROPPATCH',
        path: FILE,
        headers: { ...TYPE, ...IF_TOKEN },
        body: win32({
          Win32CreationTime: NOW,
          Win32LastAccessTime: NOW,
          Win32LastModifiedTime: DATE,
          Win32FileAttributes: '00000000',
        }),
        accept: [207],
        checks: [allSet(4)],
      },
    ],
  },
  {
    row: '13',
    rule: 'HEAD of the empty file says that it has no bytes',
    proves: ['R29'],
    steps: [{ method: 'HEAD', path: FILE, accept: [200], checks: [header('Content-Length', '0')] }],
  },
  {
    row: '17',
    rule: 'a second user can neither lock nor write what is locked',
    proves: ['R4', 'R35'],
    steps: [
      lock({ as: 'bob', accept: [423] }),
      { method: 'PUT', path: FILE, as: 'bob', body: 'by bob', accept: [423] },
      { method: 'DELETE', path: FILE, as: 'bob', accept: [423] },
      { method: 'PUT', path: FILE, as: 'bob', headers: IF_TOKEN, body: 'with a stolen token', accept: [423] },
      { method: 'HEAD', path: FILE, accept: [200], checks: [header('Content-Length', '0')] },
    ],
  },
  {
    row: '14',
    rule: 'PUT of the data under the lock',
    proves: ['R6', 'R12'],
    steps: [
      { method: 'PUT', path: FILE, headers: IF_TOKEN, body: DATA, accept: [200, 201, 204] },
      { method: 'PUT', path: FILE, body: 'without the token', accept: [423] },
      { method: 'GET', path: FILE, headers: { translate: 'f' }, accept: [200], checks: [body(DATA)] },
    ],
  },
  {
    row: '15',
    rule: 'the time that Explorer gives is the time that is kept',
    proves: ['R7', 'R22'],
    steps: [
      {
        method: 'PROPPATCH',
        path: FILE,
        headers: { ...TYPE, ...IF_TOKEN },
        body: win32({ Win32LastModifiedTime: DATE, Win32FileAttributes: '00000020' }),
        accept: [207],
        checks: [allSet(2)],
      },
      {
        method: 'PROPFIND',
        path: FILE,
        headers: { Depth: '0' },
        accept: [207],
        checks: [
          props({
            getlastmodified: DATE,
            [`${WIN32}Win32FileAttributes`]: '00000020',
            creationdate: '2026-11-22T19:14:25Z',
          }),
        ],
      },
      { method: 'HEAD', path: FILE, accept: [200], checks: [header('Last-Modified', DATE)] },
    ],
  },
  {
    row: '20',
    rule: 'a LOCK without a body refreshes, the token stays',
    proves: ['R4'],
    steps: [
      {
        method: 'LOCK',
        path: FILE,
        headers: { ...IF_TOKEN, Timeout: 'Second-3600', 'Content-Length': '0' },
        accept: [200],
        checks: [locked({ owner: 'PC\\alice', secondsMax: 3600, token: '{token}' })],
      },
    ],
  },
  {
    row: '16',
    rule: 'UNLOCK, with and without angle brackets',
    proves: ['R6'],
    steps: [
      { method: 'UNLOCK', path: FILE, headers: { 'Lock-Token': '<{token}>' }, accept: [204] },
      lock({ captures: { token: { header: 'lock-token', match: /^<(.+)>$/ } } }),
      { method: 'UNLOCK', path: FILE, headers: { 'Lock-Token': '{token}' }, accept: [204] },
      { method: 'PUT', path: FILE, as: 'bob', body: DATA, accept: [204] },
    ],
  },
];

const using: readonly Row[] = [
  {
    row: '18',
    rule: 'GET gives the whole file with its length',
    proves: ['R29'],
    steps: [
      { method: 'GET', path: FILE, accept: [200], checks: [body(DATA), header('Content-Length', String(DATA.length))] },
    ],
  },
  {
    row: '19',
    rule: 'MOVE over what is there is 412 and changes neither file',
    proves: ['R16'],
    steps: [
      { method: 'PUT', path: '{B}/Docs/other.txt', body: 'other', accept: [201] },
      { method: 'MOVE', path: FILE, headers: { Destination: '{H}{B}/Docs/other.txt', Overwrite: 'F' }, accept: [412] },
      { method: 'GET', path: '{B}/Docs/other.txt', accept: [200], checks: [body('other')] },
      { method: 'GET', path: FILE, accept: [200], checks: [body(DATA)] },
      { method: 'DELETE', path: '{B}/Docs/other.txt', accept: [204] },
    ],
  },
  {
    row: '21',
    rule: 'another case is another name, for PROPFIND as for PUT (PRODUCT D6)',
    proves: ['R26', 'R33'],
    steps: [
      { method: 'PROPFIND', path: '{B}/DOCS/A%20%C3%9C.TXT', headers: { Depth: '0' }, accept: [404] },
      { method: 'PUT', path: '{B}/DOCS/A%20%C3%9C.TXT', body: 'x', accept: [409] },
      { method: 'PUT', path: '{B}/Docs/A%20%C3%9C.TXT', body: 'upper', accept: [201] },
      {
        method: 'PROPFIND',
        path: '{B}/Docs',
        headers: { Depth: '1' },
        accept: [207],
        checks: [lists('a ü.txt', 'A Ü.TXT')],
      },
      { method: 'GET', path: FILE, accept: [200], checks: [body(DATA)] },
      { method: 'DELETE', path: '{B}/Docs/A%20%C3%9C.TXT', accept: [204] },
    ],
  },
  {
    row: '22',
    rule: 'DELETE of the file and of the folder, without a slash',
    proves: ['R14', 'R17', 'R39'],
    steps: [
      { method: 'DELETE', path: FILE, accept: [204] },
      { method: 'PROPFIND', path: '{B}/Docs', headers: { Depth: '1' }, accept: [207], checks: [lists()] },
      { method: 'DELETE', path: '{B}/Docs', accept: [204] },
      { method: 'PROPFIND', path: '{B}/Docs', headers: { Depth: '0' }, accept: [404] },
    ],
  },
  {
    row: '23',
    rule: 'a name that is too long is refused as one, and a path of 4 kB works',
    proves: ['R35'],
    steps: [
      { method: 'PUT', path: `{B}/${CJK}`, body: 'x', accept: [414, 403] },
      { method: 'PUT', path: `{B}/${encodeURIComponent('漢'.repeat(85))}`, body: 'x', accept: [201] },
      ...DEEP.map((path) => ({ method: 'MKCOL', path: `{B}${path}`, accept: [201] })),
      { method: 'PUT', path: `{B}${DEEP.at(-1)}/deep.txt`, body: 'deep', accept: [201] },
      { method: 'GET', path: `{B}${DEEP.at(-1)}/deep.txt`, accept: [200], checks: [body('deep')] },
      { method: 'DELETE', path: `{B}${DEEP[0]}`, accept: [204] },
    ],
  },
  {
    row: '24',
    rule: 'the name of the computer before the user’s name is no matter',
    proves: ['R2'],
    steps: ['PC\\{user}', 'WORKGROUP\\{user}'].map((userName) => ({
      method: 'PROPFIND',
      path: '{B}',
      userName,
      headers: { Depth: '0' },
      accept: [207],
    })),
  },
];

/**
 * client-requirements 4.1, by Microsoft-WebDAV-MiniRedir. The base folder is shared, so that row 17 has a second user.
 */
export const windowsExplorer: Transcript = {
  client: 'Windows Explorer',
  section: '4.1',
  signsIn: 'challenged',
  isShared: true,
  headers: { 'User-Agent': 'Microsoft-WebDAV-MiniRedir/10.0.22631', translate: 'f', Connection: 'Keep-Alive' },
  files: { 'report.docx': 'a report', 'Pictures/': '' },
  rows: [...connecting, ...folders, ...writing, ...using],
};
