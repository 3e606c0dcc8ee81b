import { seededBytes } from '../../support/trees.js';
import { ALLPROP, lockinfo, propfind, QUOTA, XML_TYPE } from './bodies.js';
import { body, completeEntries, header, isCollection, lists, locked, props, quota } from './checks.js';
import { chunked, isMissing, LOCK_TOKEN, reads } from './steps.js';
import type { Row, Transcript } from './transcript.js';

const XML = { 'Content-Type': XML_TYPE };
const CONTENT = seededBytes('raidrive', 200_000);
const FILE = '{B}/folder/data.bin';

const rows: readonly Row[] = [
  {
    row: '1',
    rule: 'PROPFIND Depth 0 and 1, by names and of everything',
    proves: ['R20', 'R22', 'R24'],
    steps: [
      {
        method: 'PROPFIND',
        path: '{B}',
        headers: { ...XML, Depth: '0' },
        body: propfind('resourcetype', 'getlastmodified'),
        accept: [207],
        checks: [isCollection(true)],
      },
      {
        method: 'PROPFIND',
        path: '{B}',
        headers: { Depth: '0', 'Content-Length': '0' },
        accept: [207],
        checks: [completeEntries],
      },
      {
        method: 'PROPFIND',
        path: '{B}',
        headers: { ...XML, Depth: '1' },
        body: ALLPROP,
        accept: [207],
        checks: [completeEntries, lists('a.txt', 'folder')],
      },
      {
        method: 'PROPFIND',
        path: '{B}/',
        headers: { ...XML, Depth: '1' },
        body: propfind('resourcetype', 'getcontentlength'),
        accept: [207],
        checks: [lists('a.txt', 'folder'), props({ getcontentlength: '1' }, 'a.txt')],
      },
    ],
  },
  {
    row: '2',
    rule: 'PUT with a length, and over it in chunks',
    proves: ['R12', 'R28'],
    steps: [
      { method: 'PUT', path: FILE, body: 'first', accept: [201] },
      { method: 'PUT', path: FILE, body: chunked(CONTENT), accept: [204] },
    ],
  },
  {
    row: '3',
    rule: 'HEAD, and GET of the whole',
    proves: ['R29'],
    steps: [
      {
        method: 'HEAD',
        path: FILE,
        accept: [200],
        checks: [header('Content-Length', '200000'), header('Accept-Ranges', 'bytes')],
      },
      reads(FILE, CONTENT),
    ],
  },
  {
    row: '4',
    rule: 'an open-ended range, the last bytes, several ranges, one past the end',
    proves: ['R29'],
    steps: [
      {
        method: 'GET',
        path: FILE,
        headers: { Range: 'bytes=199000-' },
        accept: [206],
        checks: [body(CONTENT.subarray(199_000)), header('Content-Range', 'bytes 199000-199999/200000')],
      },
      {
        method: 'GET',
        path: FILE,
        headers: { Range: 'bytes=-10' },
        accept: [206],
        checks: [body(CONTENT.subarray(199_990))],
      },
      {
        method: 'GET',
        path: FILE,
        headers: { Range: 'bytes=0-9,1000-1009' },
        accept: [206],
        checks: [
          header('Content-Type', /^multipart\/byteranges; boundary=/),
          ({ answer }) => {
            for (const start of [0, 1000]) {
              if (!answer.bytes.includes(CONTENT.subarray(start, start + 10)))
                throw new Error(`no part from ${start} on`);
              if (!answer.text.includes(`bytes ${start}-${start + 9}/200000`))
                throw new Error(`no head from ${start} on`);
            }
          },
        ],
      },
      {
        method: 'GET',
        path: FILE,
        headers: { Range: 'bytes=200000-' },
        accept: [416],
        checks: [header('Content-Range', 'bytes */200000')],
      },
    ],
  },
  {
    row: '5',
    rule: 'LOCK, PUT with the token, UNLOCK',
    proves: ['R4', 'R6'],
    steps: [
      {
        method: 'LOCK',
        path: FILE,
        headers: { ...XML, Timeout: 'Second-3600' },
        body: lockinfo('alice'),
        accept: [200],
        checks: [locked({ owner: 'alice', secondsMax: 3600 })],
        captures: { token: LOCK_TOKEN },
      },
      { method: 'PUT', path: FILE, headers: { If: '(<{token}>)' }, body: 'locked', accept: [204] },
      { method: 'UNLOCK', path: FILE, headers: { 'Lock-Token': '<{token}>' }, accept: [204] },
    ],
  },
  {
    row: '6',
    rule: 'MOVE by Overwrite: F keeps what is there, T replaces it',
    proves: ['R14', 'R16'],
    steps: [
      { method: 'MOVE', path: FILE, headers: { Destination: '{H}{B}/a.txt', Overwrite: 'F' }, accept: [412] },
      reads('{B}/a.txt', 'a'),
      { method: 'MOVE', path: FILE, headers: { Destination: '{H}{B}/a.txt', Overwrite: 'T' }, accept: [204] },
      reads('{B}/a.txt', 'locked'),
    ],
  },
  {
    row: '7',
    rule: 'MKCOL, MOVE and DELETE of folders',
    proves: ['R14', 'R17'],
    steps: [
      { method: 'MKCOL', path: '{B}/new', accept: [201] },
      { method: 'MOVE', path: '{B}/new', headers: { Destination: '{H}{B}/renamed', Overwrite: 'F' }, accept: [201] },
      { method: 'DELETE', path: '{B}/renamed', accept: [204] },
      isMissing('{B}/renamed'),
    ],
  },
  {
    row: '8',
    rule: 'quota in numbers',
    proves: ['R30'],
    steps: [
      {
        method: 'PROPFIND',
        path: '{B}',
        headers: { ...XML, Depth: '0' },
        body: QUOTA,
        accept: [207],
        checks: [quota()],
      },
    ],
  },
];

const files = { 'a.txt': 'a', 'folder/': '' };

/** client-requirements 4.14: closed, so a driver of a file system that does what such drivers do. */
export const raidrive: Transcript = {
  client: 'RaiDrive',
  section: '4.14',
  signsIn: 'challenged',
  headers: { 'User-Agent': 'RaiDrive/2024.9.5' },
  files,
  rows,
};

/** The same without any User-Agent. */
export const netdrive: Transcript = {
  client: 'NetDrive',
  section: '4.14',
  signsIn: 'challenged',
  headers: {},
  files,
  rows: rows.map((row) => ({ ...row, proves: [...row.proves, 'R36'] })),
};
